"""Undoing on rows: the flag, the texts and the pages are as they were; a race has one winner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.errors import Conflict, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.flags import Flag
from care.records.patients import Patient
from care.runtime import Runtime
from care.services.escalations import accept, complete, page_due
from care.services.handovers import snooze
from care.services.undoing import undo
from tests.conftest import Clinic, Clock
from tests.services.test_escalations import LOW, VERY_LOW, alarm
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def patient(world: World) -> Patient:
    return world.patient(protocol=None)


def test_a_claim_is_given_back_and_its_page_leaves_after_all(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, VERY_LOW)
    page_due(world.session, world.rt, world.now)
    nurse = world.clinic.nurse
    accept(world.session, world.rt, nurse, row.id)
    world.clock.forward(seconds=4)
    undone = undo(world.session, world.rt, nurse, row.id)
    assert (undone.status, undone.owner_id, undone.accepted_at, undone.page_at) == ("requested", None, None, world.now)
    before = len(world.out(Purpose.PAGE))
    page_due(world.session, world.rt, world.now)
    assert len(world.out(Purpose.PAGE)) == before + 1
    assert accept(world.session, world.rt, world.clinic.clinician, row.id).owner_id == world.clinic.clinician.id


def test_what_was_closed_stands_again_with_its_flag_its_texts_and_its_note(world: World, patient: Patient) -> None:
    world.say("I wonder whether the new pills are fine")
    (row,) = world.escalations(patient)
    (text,) = world.texts_in()
    since = text.waits_since
    nurse = world.clinic.nurse
    complete(world.session, world.rt, nurse, row.id, "phoned", "a note")
    assert world.texts_in()[0].waits_since is None
    undone = undo(world.session, world.rt, nurse, row.id)
    assert (undone.status, undone.outcome, undone.completed_at, undone.note) == ("requested", None, None, "a note")
    assert world.texts_in()[0].waits_since == since
    assert [flag.status for flag in world.all(Flag)] == ["active"]
    assert alarm(world, patient, LOW) != []  # another cause is another alert
    actions = [event.action for event in world.all(AuditEvent) if event.agent_id == nurse.id]
    assert actions[-2:] == ["escalation.complete", "escalation.undo"]


def test_after_an_undone_close_the_next_report_joins_it(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, LOW)
    complete(world.session, world.rt, world.clinic.nurse, row.id, "phoned")
    undo(world.session, world.rt, world.clinic.nurse, row.id)
    assert alarm(world, patient, LOW) == []


def test_what_was_raised_anew_meanwhile_is_not_doubled(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, VERY_LOW)
    complete(world.session, world.rt, world.clinic.nurse, row.id, "phoned")
    assert len(alarm(world, patient, VERY_LOW)) == 1
    with pytest.raises(Conflict) as refused:
        undo(world.session, world.rt, world.clinic.nurse, row.id)
    world.session.rollback()
    assert refused.value.code == "raised-again"
    assert [one.status for one in world.escalations(patient)] == ["completed", "requested"]


def test_a_snooze_is_taken_back(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, LOW)
    before = row.state
    snooze(world.session, world.rt, world.clinic.nurse, row.id, 30, "on the phone")
    assert undo(world.session, world.rt, world.clinic.nurse, row.id).state == before


def test_it_is_too_late_after_ten_seconds_and_after_anything_else(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, LOW)
    nurse = world.clinic.nurse
    accept(world.session, world.rt, nurse, row.id)
    with pytest.raises(Conflict):
        undo(world.session, world.rt, world.clinic.clinician, row.id)
    alarm(world, patient, VERY_LOW)
    with pytest.raises(Conflict):
        undo(world.session, world.rt, nurse, row.id)
    accept(world.session, world.rt, nurse, row.id)
    world.clock.set(world.now + timedelta(seconds=16))
    with pytest.raises(Conflict):
        undo(world.session, world.rt, nurse, row.id)


def test_nobody_else_may(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, LOW)
    accept(world.session, world.rt, world.clinic.nurse, row.id)
    with pytest.raises(NotFound):
        undo(world.session, world.rt, world.clinic.other_nurse, row.id)
    with pytest.raises(NotAllowed):
        undo(world.session, world.rt, world.clinic.admin, row.id)
