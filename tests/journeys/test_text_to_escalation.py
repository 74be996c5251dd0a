"""The journey: a text arrives, becomes a report, escalates, is paged, accepted, and closed with an outcome."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.records.flags import Flag
from care.records.timeline import timeline
from care.runtime import Runtime
from care.services import escalations, inbox, outbox, reports
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.test_scoring import quiet
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    made = make_world(session, rt, clock, clinic)
    made.with_model(quiet)
    return made


def tick(world: World) -> None:
    """What the scheduler does, once."""
    for job in (
        inbox.take_turns_due,
        reports.score_due,
        escalations.page_due,
        outbox.deliver_due,
    ):
        job(world.session, world.rt, world.now)


def test_a_low_by_text_reaches_a_nurse_and_ends_with_an_outcome(
    world: World, sms: FakeChannel, console: FakeChannel
) -> None:
    patient = world.patient()
    world.receive("glucose 45 before supper")
    tick(world)
    said = [message.text for message in sms.sent]
    assert any("45" in text for text in said)
    (raised,) = world.escalations(patient)
    assert (raised.priority, raised.status) == ("stat", "requested")
    tick(world)
    (page,) = console.sent
    assert page.to == "desk-nurse"
    assert "/worklist" in page.text
    assert "45" not in page.text
    escalations.accept(world.session, world.rt, world.clinic.nurse, raised.id)
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "Please eat something sweet now.")
    tick(world)
    assert sms.sent[-1].text == "Please eat something sweet now."
    world.clock.forward(minutes=15)
    world.receive("glucose 96")
    tick(world)
    escalations.complete(world.session, world.rt, world.clinic.nurse, raised.id, "phoned", "ate, 96 now")
    (flag,) = world.all(Flag)
    assert flag.status == "inactive"
    world.clock.forward(hours=12)
    tick(world)
    assert len(console.sent) == 1
    kinds = [event.kind for event in timeline(world.session, patient.id)]
    assert kinds.count("QuestionnaireResponse") == 2


def test_chest_pain_by_text_is_answered_and_paged_before_anything_else(
    world: World, sms: FakeChannel, console: FakeChannel
) -> None:
    patient = world.patient()
    world.receive("STOP")
    tick(world)
    before = len(sms.sent)
    world.receive("my chest pain is getting worse")
    tick(world)
    assert len(sms.sent) == before + 1
    assert "911" in sms.sent[-1].text
    assert len(console.sent) == 1
    assert [row.priority for row in world.escalations(patient)] == ["routine", "stat"]


def test_an_unanswered_low_climbs_to_the_clinician(world: World, console: FakeChannel) -> None:
    world.patient()
    world.receive("glucose 45")
    for _ in range(40):
        tick(world)
        world.clock.forward(minutes=1)
    assert [message.to for message in console.sent[:3]] == ["desk-nurse", "desk-nurse", "desk-clinician"]
    assert len(console.sent) > 5
    assert len(world.out(Purpose.PAGE)) == len(console.sent)
    assert world.now - console_since(world) < timedelta(minutes=6)


def console_since(world: World):  # type: ignore[no-untyped-def]
    """When the last page was written."""
    return max(page.at for page in world.out(Purpose.PAGE))
