"""The timeline: every noun in one order, a page at a time, none twice and none left out."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from care.records.timeline import STORY, story_of, timeline
from care.runtime import Runtime
from care.services.notes import write_note
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def lived(world: World) -> World:
    """A patient with texts, reports, an escalation, and notes written at one and the same moment."""
    patient = world.patient()
    for value in (110, 130, 48):
        world.tell(f"glucose {value} before breakfast")
        world.clock.forward(minutes=7)
    for number in range(5):
        write_note(world.session, world.rt, world.clinic.nurse, patient.id, f"note {number}", uuid4())
    return world


def test_pages_follow_one_another_without_a_gap_or_a_repetition(world: World):
    lived(world)
    patient_id = world.texts_in()[0].patient_id
    assert patient_id is not None
    whole = story_of(world.session, patient_id)
    assert {event.kind for event in whole} == {
        "QuestionnaireResponse",
        "Communication",
        "Escalation",
        "Consent",
        "Note",
    }
    paged, place = [], None
    while page := story_of(world.session, patient_id, limit=3, before=place):
        paged += page
        place = (page[-1].at, page[-1].ref)
    assert paged == whole
    assert [event.at for event in whole] == sorted((event.at for event in whole), reverse=True)


def test_a_kind_can_be_read_alone(world: World):
    lived(world)
    patient_id = world.texts_in()[0].patient_id
    assert patient_id is not None
    assert {event.kind for event in story_of(world.session, patient_id, ["note"])} == {"Note"}
    each = [event.ref for kind in STORY for event in story_of(world.session, patient_id, [kind])]
    assert sorted(each) == sorted(event.ref for event in story_of(world.session, patient_id))


def test_what_is_told_of_an_event_holds_no_text(world: World):
    lived(world)
    patient_id = world.texts_in()[0].patient_id
    assert patient_id is not None
    said = str([event.detail for event in timeline(world.session, patient_id)])
    assert "note 3" not in said and "breakfast" not in said.replace("before-breakfast", "")


def test_another_patients_events_are_not_among_them(world: World):
    lived(world)
    other = world.patient("+12025550102", protocol=None)
    assert {event.kind for event in story_of(world.session, other.id)} == {"Consent"}
