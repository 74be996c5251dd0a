"""Handing on, giving back and setting aside: nothing of it loses an escalation, and everyone is told who has it."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services.escalations import accept
from care.services.handovers import decline, hand_on, snooze
from tests.conftest import Clinic, Clock
from tests.services.test_escalations import LOW, VERY_LOW, alarm, page, pages
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def raised(world: World) -> Escalation:
    (made,) = alarm(world, world.patient(protocol=None), VERY_LOW)
    page(world)
    return made


def offer(world: World, raised: Escalation) -> Escalation:
    return hand_on(world.session, world.rt, world.clinic.nurse, raised.id, world.clinic.clinician.id)


def last_words(world: World) -> tuple[UUID | None, str]:
    found: Communication = pages(world)[-1]
    return found.practitioner_id, world.words(found)[0]


def test_the_colleague_is_paged_and_owns_it_only_after_accepting(world: World, raised: Escalation) -> None:
    row = offer(world, raised)
    assert (row.owner_id, row.offered_to_id) == (world.clinic.nurse.id, world.clinic.clinician.id)
    to, words = last_words(world)
    assert to == world.clinic.clinician.id
    assert "a colleague asks you to take over" in words
    row = accept(world.session, world.rt, world.clinic.clinician, raised.id)
    assert (row.owner_id, row.offered_to_id) == (world.clinic.clinician.id, None)
    with pytest.raises(Conflict) as refused:
        accept(world.session, world.rt, world.clinic.nurse, raised.id)
    assert refused.value.detail["owner_name"] == "Test Clinician"


def test_without_an_answer_it_comes_back_and_then_is_paged_like_any_other(world: World, raised: Escalation) -> None:
    offer(world, raised)
    world.clock.forward(minutes=5)
    page(world)
    to, words = last_words(world)
    assert to == world.clinic.nurse.id
    assert "It is yours again" in words
    world.clock.forward(minutes=5)
    page(world)
    (row,) = world.escalations()
    assert (row.status, row.owner_id) == ("requested", None)
    assert "waiting for you" in last_words(world)[1]


def test_a_colleague_who_declines_gives_it_back_at_once(world: World, raised: Escalation) -> None:
    offer(world, raised)
    row = decline(world.session, world.rt, world.clinic.clinician, raised.id)
    assert (row.owner_id, row.offered_to_id) == (world.clinic.nurse.id, None)
    assert last_words(world)[0] == world.clinic.nurse.id
    with pytest.raises(Conflict) as refused:
        decline(world.session, world.rt, world.clinic.clinician, raised.id)
    assert refused.value.code == "not-offered"


def test_it_is_offered_only_to_a_colleague_of_the_team_who_can_be_paged(world: World, raised: Escalation) -> None:
    for to in (world.clinic.nurse.id, world.clinic.other_nurse.id, world.clinic.admin.id, None):
        with pytest.raises(Invalid):
            hand_on(world.session, world.rt, world.clinic.nurse, raised.id, to)
    world.session.get_one(Practitioner, world.clinic.clinician.id).active = False
    world.session.commit()
    with pytest.raises(Invalid):
        offer(world, raised)


def test_what_is_set_aside_has_an_owner_a_reason_and_an_end(world: World) -> None:
    (raised,) = alarm(world, world.patient(protocol=None), LOW)
    row = snooze(world.session, world.rt, world.clinic.nurse, raised.id, 120, "her daughter is with her")
    assert (row.owner_id, row.page_at, row.snoozes) == (world.clinic.nurse.id, world.now + timedelta(hours=2), 1)
    assert row.snooze_reason == "her daughter is with her"
    assert b"daughter" not in (row.snooze_reason_sealed or b"")
    assert page(world) == 0
    world.clock.forward(hours=2)
    assert page(world) == 1
    (row,) = world.escalations()
    assert (row.owner_id, row.snoozed_until) == (None, None)


def test_a_worse_report_ends_the_snooze(world: World) -> None:
    patient = world.patient(protocol=None)
    (raised,) = alarm(world, patient, LOW)
    snooze(world.session, world.rt, world.clinic.nurse, raised.id, 120, "a reason")
    alarm(world, patient, VERY_LOW)
    assert page(world) == 1


@pytest.mark.parametrize(("minutes", "reason"), [(11, "a reason"), (0, "a reason"), (5, " "), (5, "x" * 501)])
def test_a_stat_alert_is_set_aside_for_ten_minutes_at_most_and_never_without_a_reason(
    world: World, raised: Escalation, minutes: int, reason: str
) -> None:
    with pytest.raises(Invalid):
        snooze(world.session, world.rt, world.clinic.nurse, raised.id, minutes, reason)
    world.session.rollback()
    (row,) = world.escalations()
    assert (row.status, row.snoozes) == ("requested", 0)


def test_what_staff_do_is_audited_without_the_reason(world: World, raised: Escalation) -> None:
    offer(world, raised)
    decline(world.session, world.rt, world.clinic.clinician, raised.id)
    snooze(world.session, world.rt, world.clinic.nurse, raised.id, 5, "her daughter is there")
    events = [one for one in world.all(AuditEvent) if one.entity == "escalation"]
    assert [one.action for one in events] == ["escalation.hand-on", "escalation.decline", "escalation.snooze"]
    assert "daughter" not in str([one.detail for one in events])


def test_another_teams_escalation_does_not_exist(world: World, raised: Escalation) -> None:
    def acts(who: Staff) -> None:
        for act in (
            lambda: hand_on(world.session, world.rt, who, raised.id, world.clinic.clinician.id),
            lambda: decline(world.session, world.rt, who, raised.id),
            lambda: snooze(world.session, world.rt, who, raised.id, 5, "a reason"),
        ):
            with pytest.raises((NotFound, NotAllowed)):
                act()

    acts(world.clinic.other_nurse)
    acts(world.clinic.admin)


def test_of_two_who_claim_at_once_one_gets_it_and_the_other_is_told_who(
    world: World, raised: Escalation, empty_database: Engine
) -> None:
    gate = Barrier(2)
    got: list[Staff] = []
    told: list[tuple[Staff, Conflict]] = []

    def claim(who: Staff) -> None:
        with Session(empty_database) as session:
            gate.wait()
            try:
                accept(session, world.rt, who, raised.id)
            except Conflict as conflict:
                told.append((who, conflict))
            else:
                got.append(who)

    both = (world.clinic.nurse, world.clinic.clinician)
    threads = [Thread(target=claim, args=(who,)) for who in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,), ((loser, conflict),) = got, told
    assert {winner.id, loser.id} == {who.id for who in both}
    assert (conflict.status, conflict.code, conflict.detail["owner_name"]) == (409, "already-accepted", winner.name)
    (row,) = world.escalations()
    assert row.owner_id == winner.id
