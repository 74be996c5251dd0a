"""Proxies: who may answer, with whose consent; when it ends their address is a stranger's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from care.errors import Conflict, Invalid, NotFound
from care.records.audit_events import AuditEvent
from care.records.consents import ledger
from care.records.patients import contact_points
from care.records.related_persons import proxies
from care.runtime import Runtime
from care.services import escalations
from care.services.proxies import Proxy, add_proxy, end_proxy
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

DAUGHTER = Proxy("Demo Daughter", "child", "in-person", "sms", "+1 202 555 0199", "mother")


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def test_what_a_proxy_writes_is_the_patients(world: World):
    patient = world.patient()
    row = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    assert (row.name, row.address) == ("Demo Daughter", "+12025550199")
    assert b"Daughter" not in bytes(row.name_sealed)
    world.say("glucose 110 before breakfast", sender="+12025550199")
    assert [text.patient_id for text in world.texts_in()] == [patient.id]
    assert [contact.rank for contact in contact_points(world.session, patient.id)] == [1, 2]


def test_when_it_ends_their_address_is_a_strangers(world: World):
    patient = world.patient()
    row = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    end_proxy(world.session, world.rt, world.clinic.nurse, patient.id, row.id)
    world.say("glucose 110 before breakfast", sender="+12025550199")
    assert [text.patient_id for text in world.texts_in()] == [None]
    assert len(contact_points(world.session, patient.id)) == 1
    decided = [(one.purpose, one.granted) for one in ledger(world.session, patient.id) if one.purpose == "proxy"]
    assert decided == [("proxy", False), ("proxy", True)]
    with pytest.raises(Conflict):
        end_proxy(world.session, world.rt, world.clinic.nurse, patient.id, row.id)


def test_consent_stands_while_another_proxy_is_left(world: World):
    patient = world.patient()
    first = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, Proxy("Demo Carer", "carer", "by-phone"))
    end_proxy(world.session, world.rt, world.clinic.nurse, patient.id, first.id)
    assert ledger(world.session, patient.id)[0].granted


def test_a_proxy_on_the_patients_own_phone_takes_nothing_with_them(world: World):
    patient = world.patient()
    own = replace(DAUGHTER, address="+12025550101", label="")
    row = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, own)
    assert row.contact_point_id is None
    end_proxy(world.session, world.rt, world.clinic.nurse, patient.id, row.id)
    assert len(contact_points(world.session, patient.id)) == 1


def test_a_message_that_waits_for_a_proxys_phone_does_not_leave_after_the_end(world: World):
    patient = world.patient()
    row = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    own = contact_points(world.session, patient.id)[0]
    own.status = "failed"
    world.session.commit()
    sent = escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "How are you today?")
    end_proxy(world.session, world.rt, world.clinic.nurse, patient.id, row.id)
    world.session.refresh(sent)
    assert (sent.delivery, sent.status_reason, sent.send_at) == ("stopped", "proxy-ended", None)


@pytest.mark.parametrize(
    "wrong, place",
    [
        ({"relation": "enemy"}, "relation"),
        ({"consent_source": ""}, "consent_source"),
        ({"name": " "}, "name"),
        ({"address": "12"}, "address"),
        ({"label": "Demo"}, "label"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(world: World, wrong: dict[str, str], place: str):
    patient = world.patient()
    with pytest.raises(Invalid) as told:
        add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, replace(DAUGHTER, **wrong))
    assert told.value.detail["place"] == place


def test_the_same_address_is_added_once(world: World):
    patient = world.patient()
    add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    with pytest.raises(Conflict):
        add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    world.session.rollback()
    assert len(proxies(world.session, patient.id)) == 1


def test_another_team_and_another_patient_are_not_found(world: World):
    patient, other = world.patient(), world.patient("+12025550102")
    row = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    with pytest.raises(NotFound):
        add_proxy(world.session, world.rt, world.clinic.other_nurse, patient.id, DAUGHTER)
    with pytest.raises(NotFound):
        end_proxy(world.session, world.rt, world.clinic.other_nurse, patient.id, row.id)
    with pytest.raises(NotFound):
        end_proxy(world.session, world.rt, world.clinic.nurse, other.id, row.id)


def test_both_are_audited_without_a_name(world: World):
    patient = world.patient()
    row = add_proxy(world.session, world.rt, world.clinic.nurse, patient.id, DAUGHTER)
    end_proxy(world.session, world.rt, world.clinic.nurse, patient.id, row.id)
    found = [event for event in world.all(AuditEvent) if event.entity == "related_person"]
    assert [event.action for event in found] == ["proxy.add", "proxy.end"]
    assert "Daughter" not in str([event.detail for event in found])
