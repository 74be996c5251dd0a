"""A closed case waits for a clinician's signature, which is given once and taken back only soon."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.cases import unsigned, unsigned_count
from care.records.escalations import Escalation
from care.runtime import Runtime
from care.services.escalations import complete
from care.services.sign_offs import sign_off, take_back
from tests.conftest import Clinic, Clock
from tests.services.test_escalations import VERY_LOW, alarm
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def closed(world: World) -> Escalation:
    (made,) = alarm(world, world.patient(protocol=None), VERY_LOW)
    return complete(world.session, world.rt, world.clinic.nurse, made.id, "phoned", "Ate and feels well")


def waiting(world: World) -> list[Escalation]:
    found = unsigned(world.session, world.clinic.clinician, 50)
    assert len(found) == unsigned_count(world.session, world.clinic.clinician)
    return found


def test_a_closed_case_waits_until_a_clinician_signs(world: World, closed: Escalation) -> None:
    assert waiting(world) == [closed]
    row = sign_off(world.session, world.rt, world.clinic.clinician, closed.id, "Agreed\nwith the nurse")
    assert (row.signed_off_by_id, row.signed_off_at) == (world.clinic.clinician.id, world.now)
    assert row.sign_off_note == "Agreed with the nurse"
    assert b"Agreed" not in bytes(row.sign_off_note_sealed or b"")
    assert waiting(world) == []


def test_an_open_case_is_not_signed(world: World) -> None:
    (made,) = alarm(world, world.patient(protocol=None), VERY_LOW)
    with pytest.raises(Conflict, match="open case"):
        sign_off(world.session, world.rt, world.clinic.clinician, made.id)
    assert waiting(world) == []


def test_it_is_signed_once_and_the_second_is_told_by_whom(world: World, closed: Escalation) -> None:
    sign_off(world.session, world.rt, world.clinic.clinician, closed.id)
    with pytest.raises(Conflict) as refused:
        sign_off(world.session, world.rt, world.clinic.clinician, closed.id)
    assert refused.value.detail["owner_name"] == "Test Clinician"


def test_only_clinicians_of_the_team_sign(world: World, closed: Escalation) -> None:
    for who in (world.clinic.nurse, world.clinic.admin):
        with pytest.raises(NotAllowed):
            sign_off(world.session, world.rt, who, closed.id)
    elsewhere = world.clinic.clinician.__class__(
        world.clinic.clinician.id,
        world.clinic.clinician.organization_id,
        world.clinic.other_nurse.care_team_id,
        world.clinic.clinician.role,
    )
    with pytest.raises(NotFound):
        sign_off(world.session, world.rt, elsewhere, closed.id)
    with pytest.raises(NotFound):
        take_back(world.session, world.rt, elsewhere, closed.id)
    assert unsigned(world.session, elsewhere, 50) == []


@pytest.mark.parametrize("note", ["x" * 1001, "a\x00b"])
def test_a_note_that_cannot_be_kept_is_refused(world: World, closed: Escalation, note: str) -> None:
    with pytest.raises(Invalid):
        sign_off(world.session, world.rt, world.clinic.clinician, closed.id, note)
    assert waiting(world) == [closed]


def test_the_signature_is_taken_back_within_ten_minutes_and_not_later(world: World, closed: Escalation) -> None:
    session, rt, who = world.session, world.rt, world.clinic.clinician
    with pytest.raises(Conflict, match="not signed"):
        take_back(session, rt, who, closed.id)
    sign_off(session, rt, who, closed.id, "Agreed")
    world.clock.forward(minutes=10)
    row = take_back(session, rt, who, closed.id)
    assert (row.signed_off_at, row.signed_off_by_id, row.sign_off_note) == (None, None, None)
    assert waiting(world) == [closed]
    sign_off(session, rt, who, closed.id)
    world.clock.forward(minutes=11)
    with pytest.raises(Conflict, match="within ten minutes"):
        take_back(session, rt, who, closed.id)
    acts = [one.action for one in world.all(AuditEvent) if "sign-off" in one.action]
    assert acts == ["escalation.sign-off", "escalation.sign-off-undone", "escalation.sign-off"]
