"""A nurse's words to a patient: what would say who the patient is on a lock screen is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.errors import Invalid
from care.records.patients import ContactPoint, address_token
from care.runtime import Runtime
from care.services import bindings, escalations, outbox
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.world import World, make_world

NAMING = ("Dear Ms Carter, call us", "Your number H-20481 is ready", "Born 1950-03-07?")


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def known() -> dict[str, str]:
    return {"name": "Mei Carter", "record_number": "H-20481", "birth_date": "1950-03-07"}


@pytest.mark.parametrize("words", NAMING)
def test_words_that_name_the_patient_are_refused_where_a_phone_shows_them(
    world: World, known: dict[str, str], words: str
) -> None:
    patient = world.patient(**known)
    with pytest.raises(Invalid, match="leave out the") as refused:
        escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, words)
    assert refused.value.detail["place"] == "text"
    assert world.out(Purpose.NURSE) == []


@pytest.mark.parametrize("words", NAMING)
def test_behind_a_sign_in_a_nurse_may_use_the_name(
    world: World, known: dict[str, str], words: str, sms: FakeChannel
) -> None:
    sms.capabilities = replace(sms.capabilities, private=True)
    patient = world.patient(**known)
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, words)
    assert world.words(*world.out(Purpose.NURSE)) == [words]


def test_one_way_that_is_not_private_is_enough_to_refuse(
    world: World, known: dict[str, str], sms: FakeChannel, console: FakeChannel
) -> None:
    console.capabilities = replace(console.capabilities, private=True)
    patient = world.patient(**known, contacts=(("console", "demo", None),))
    second = ContactPoint(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel="sms",
        address="+12025550177",
        address_token=address_token("sms", "+12025550177"),
        rank=2,
        status="active",
        created_at=world.now,
    )
    world.session.add(second)
    world.session.commit()
    with pytest.raises(Invalid, match="name"):
        escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, NAMING[0])


def test_a_nurse_s_words_leave_as_they_are_for_a_day_after_the_patient_s_own_and_then_as_a_notice(
    world: World, sms: FakeChannel
) -> None:
    patient = world.patient()
    world.say("my foot is sore")
    for wait, shown in ((timedelta(hours=1), "Please come in."), (timedelta(hours=24), "Care: you have a new message")):
        world.clock.forward(seconds=wait.total_seconds())
        escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "Please come in.")
        before = len(sms.sent)
        outbox.deliver_due(world.session, world.rt, world.now)
        assert any(one.text.startswith(shown) for one in sms.sent[before:])
    assert [row.left_as for row in world.out(Purpose.NURSE)] == ["words", "notice"]


@pytest.mark.parametrize("label", ["Mei Carter", "carter", "Ｍｅｉ", "H-20481", "Mrs Carter"])
def test_a_label_that_a_shared_phone_shows_is_nobody_s_name(world: World, known: dict[str, str], label: str) -> None:
    with pytest.raises(Invalid, match="no name") as refused:
        world.patient(label=label, **known)
    assert refused.value.detail["place"] == "label1"
    patient = world.patient(label="mother", **known)
    with pytest.raises(Invalid, match="no name"):
        bindings.issue(world.session, world.rt, world.clinic.nurse, patient.id, label)
