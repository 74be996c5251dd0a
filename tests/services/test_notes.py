"""Notes: kept once, sealed, never changed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.errors import Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.notes import Note
from care.runtime import Runtime
from care.services.notes import LONGEST, write_note
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def test_a_note_is_kept_sealed_and_audited(world: World):
    patient = world.patient()
    note_id = write_note(world.session, world.rt, world.clinic.nurse, patient.id, " Prefers calls at noon. ", uuid4())
    row = world.session.get_one(Note, note_id)
    assert row.text == "Prefers calls at noon."
    assert b"noon" not in bytes(row.text_sealed)
    event = next(one for one in world.all(AuditEvent) if one.action == "note.write")
    assert (event.patient_id, event.agent_id) == (patient.id, world.clinic.nurse.id)
    assert "noon" not in str(event.detail)


def test_the_same_form_sent_twice_is_one_note(world: World):
    patient, once = world.patient(), uuid4()
    first = write_note(world.session, world.rt, world.clinic.nurse, patient.id, "Called at noon.", once)
    second = write_note(world.session, world.rt, world.clinic.nurse, patient.id, "Called at noon.", once)
    assert first == second
    assert len(world.all(Note)) == 1


@pytest.mark.parametrize("words", ["", "  ", "x" * (LONGEST + 1)])
def test_an_empty_or_endless_note_is_refused(world: World, words: str):
    patient = world.patient()
    with pytest.raises(Invalid):
        write_note(world.session, world.rt, world.clinic.nurse, patient.id, words, uuid4())


def test_only_the_own_team_writes_notes(world: World):
    patient = world.patient()
    with pytest.raises(NotFound):
        write_note(world.session, world.rt, world.clinic.other_nurse, patient.id, "hello", uuid4())
    with pytest.raises(NotAllowed):
        write_note(world.session, world.rt, world.clinic.admin, patient.id, "hello", uuid4())


@pytest.mark.parametrize("statement", ["UPDATE note SET at = now()", "DELETE FROM note"])
def test_the_database_itself_refuses_to_change_a_note(world: World, statement: str):
    patient = world.patient()
    write_note(world.session, world.rt, world.clinic.nurse, patient.id, "Called at noon.", uuid4())
    with pytest.raises(IntegrityError, match="append-only"):
        world.session.execute(text(statement))
