"""A night: 200 escalations, and nobody answers for two hours. Who is paged in which minute, and the next morning."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose, Role
from care.domain.ladder import Ladder, Rung, Whom, default_ladder
from care.domain.rota import Shift
from care.domain.triage import Alarm
from care.domain.week import Hours
from care.records import worklist
from care.records.escalations import Escalation
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import escalations, ladders, outbox
from care.services.alarms import Case, raise_many
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.world import World, make_world

COUNT = 200
TEN_AT_NIGHT = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)  # Monday 22:00 in New York
MINUTE = timedelta(minutes=1)
FALL_BACK = "+12025550199"
ALL = (0, 1, 2, 3, 4, 5, 6)
EVERYONE = {"desk-nurse", "desk-night", "desk-clinician"}

# What the ladder says by night: who is paged in which minute after it was raised, in the two hours that nobody answers.
NIGHT: dict[str, list[tuple[int, set[str]]]] = {
    "stat": [
        (0, {"desk-night"}),
        (5, {"desk-night"}),
        (10, {"desk-clinician"}),
        (20, EVERYONE),
        (30, {FALL_BACK}),
        (40, EVERYONE),
        (50, {FALL_BACK}),
        (60, EVERYONE),
        (70, {FALL_BACK}),
        (80, EVERYONE),
        (90, {FALL_BACK}),
        (100, EVERYONE),
        (110, {FALL_BACK}),
    ],
    "asap": [
        (0, {"desk-night"}),
        (15, {"desk-clinician"}),
        (30, EVERYONE),
        (45, {FALL_BACK}),
        (60, EVERYONE),
        (75, {FALL_BACK}),
        (90, EVERYONE),
        (105, {FALL_BACK}),
    ],
    "urgent": [
        (0, {"desk-night"}),
        (30, {"desk-clinician"}),
        (60, EVERYONE),
        (90, {FALL_BACK}),
    ],
    "routine": [],
}


def by_night() -> Ladder:
    """Short rungs by night, and the default ones from eight to five."""

    def rungs(first: int, repeats: int, second: int) -> tuple[Rung, ...]:
        return Rung(Whom.NURSE, first * MINUTE, repeats), Rung(Whom.CLINICIAN, second * MINUTE)

    outside = {
        Priority.STAT: rungs(5, 2, 10),
        Priority.ASAP: rungs(15, 1, 15),
        Priority.URGENT: rungs(30, 1, 30),
        Priority.ROUTINE: rungs(24 * 60, 1, 24 * 60),
    }
    return replace(default_ladder(), outside=outside, hours=(Hours((0, 1, 2, 3, 4), time(8), time(17)),))


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    """A team with a nurse by day, one by night, and a number for when nobody answers."""
    made = make_world(session, rt, clock, clinic)
    night = Practitioner(
        organization_id=clinic.organization.id,
        care_team_id=clinic.team.id,
        role=Role.NURSE.value,
        username="night",
        name="Test Night",
        password_hash="",
        page_channel="console",
        page_address="desk-night",
        created_at=clock.now,
    )
    session.add(night)
    session.commit()
    shifts = [
        Shift(str(clinic.nurse.id), Hours(ALL, time(7), time(19))),
        Shift(str(night.id), Hours(ALL, time(19), time(7))),
    ]
    ladders.save_ladder(session, rt, clinic.admin, clinic.team.id, by_night())
    ladders.save_rota(session, rt, clinic.admin, clinic.team.id, shifts, "sms", FALL_BACK)
    return made


def test_two_hundred_alerts_that_nobody_answers_page_as_the_ladder_says(
    world: World, sms: FakeChannel, console: FakeChannel
) -> None:
    world.clock.set(TEN_AT_NIGHT)
    patients = [world.patient(f"+1202555{number:04d}", None) for number in range(1000, 1000 + COUNT)]
    order = list(Priority)
    for minute in range(140):
        world.clock.set(TEN_AT_NIGHT + minute * MINUTE)
        fresh = range(minute * 10, minute * 10 + 10) if minute < 20 else ()
        raise_many(
            world.session,
            world.now,
            [
                Case(
                    patients[number].organization_id,
                    patients[number].care_team_id,
                    patients[number].id,
                    world.now,
                    (Alarm("a-cause", order[number % 4], "a-reason", {}, "rule"),),
                )
                for number in fresh
            ],
        )
        world.session.commit()
        escalations.page_due(world.session, world.rt, world.now)
    outbox.deliver_due(world.session, world.rt, world.now, limit=10_000)
    rows = {row.id: row for row in world.escalations()}
    assert len(rows) == COUNT
    assert not any(row.owner_id for row in rows.values())
    paged = pages(world, rows)
    for row in rows.values():
        assert paged[row.id] == NIGHT[row.priority], (row.priority, row.requested_at)
    assert {one.to for one in console.sent} == EVERYONE
    assert {one.to for one in sms.sent} == {FALL_BACK}
    assert len(console.sent) + len(sms.sent) == len(world.out(Purpose.PAGE))
    in_the_morning(world, rows)


def pages(world: World, rows: dict[UUID, Escalation]) -> dict[UUID, list[tuple[int, set[str]]]]:
    """Who was paged for each in which minute of its own, in its first two hours; nobody twice in one minute."""
    desks = {one.id: one.page_address for one in world.all(Practitioner)}
    found: dict[UUID, dict[int, set[str]]] = defaultdict(dict)
    for page in world.out(Purpose.PAGE):
        assert page.escalation_id is not None
        minute = (page.at - rows[page.escalation_id].requested_at) // MINUTE
        to = desks[page.practitioner_id] if page.practitioner_id else FALL_BACK
        if minute < 120:
            together = found[page.escalation_id].setdefault(minute, set())
            assert to not in together
            together.add(to)
    return {one: sorted(found[one].items()) for one in rows}


def in_the_morning(world: World, rows: dict[UUID, Escalation]) -> None:
    """All 200 are on the list: the most pressing first, then who has waited longest; one claim takes one off."""
    world.clock.set(TEN_AT_NIGHT + timedelta(hours=10))
    shown = worklist.open_escalations(world.session, world.clinic.nurse, limit=2 * COUNT)
    ranks = {"stat": 0, "asap": 1, "urgent": 2, "routine": 3}
    assert [row.id for row in shown] == sorted(
        rows, key=lambda one: (ranks[rows[one].priority], rows[one].requested_at, one)
    )
    first = escalations.accept(world.session, world.rt, world.clinic.nurse, shown[0].id)
    escalations.complete(world.session, world.rt, world.clinic.nurse, first.id, "phoned")
    assert worklist.open_escalations(world.session, world.clinic.nurse, limit=1)[0].id == shown[1].id
