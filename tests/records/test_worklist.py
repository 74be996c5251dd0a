"""The worklist's order: severity, then risk, then waiting; page by page without loss, however rows change."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from care.domain.codes import Priority
from care.domain.people import Staff
from care.records import worklist
from care.records.escalations import Escalation
from care.records.flags import Flag
from care.records.ids import new_id
from care.records.patients import visible_to
from care.records.worklist import MOST_COUNTED, SHOWS, counts, glance, open_escalations, place_of
from care.runtime import Runtime
from care.services import escalations
from tests.conftest import NOON, Clinic, Clock
from tests.services.world import World, make_world

RANKS = {one.value: one.rank for one in Priority}


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def put(world: World, *rows: tuple[str, float | None, int], team: UUID | None = None) -> list[Escalation]:
    """Open alerts of nobody known, by (priority, risk, minutes ago)."""
    made, flags = [], []
    for priority, risk, minutes in rows:
        own = {"organization_id": world.clinic.organization.id, "care_team_id": team or world.clinic.team.id}
        at = NOON - timedelta(minutes=minutes)
        flag = Flag(**own, patient_id=None, cause=str(new_id()), status="active", since=at, ended_at=None)
        row = Escalation(
            **own, patient_id=None, flag_id=flag.id, cause=flag.cause, source="rule", reason="asked-for-person",
            params={}, status="requested", priority=priority, rank=RANKS[priority], requested_at=at,
            risk=risk, page_at=NOON, attempts=0,
        )  # fmt: skip
        flags.append(flag)
        made.append(row)
    for group in (flags, made):
        world.session.add_all(group)
        world.session.flush()
    world.session.commit()
    return made


def expected(rows: list[Escalation]) -> list[UUID]:
    def key(row: Escalation) -> tuple[Any, ...]:
        return -row.rank, row.risk is None, -(row.risk or 0.0), row.requested_at, row.id

    return [row.id for row in sorted(rows, key=key)]


alerts = st.lists(
    st.tuples(st.sampled_from(list(RANKS)), st.none() | st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 3)),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alerts, st.integers(1, 7))
def test_the_order_is_severity_then_risk_then_waiting_in_pages_of_any_size(
    world: World, rows: list[tuple[str, float | None, int]], size: int
) -> None:
    world.session.execute(delete(Escalation))
    made = put(world, *rows)
    nurse = world.clinic.nurse
    found, after = [], None
    while page := open_escalations(world.session, nurse, "all", size, after):
        found += [row.id for row in page]
        after = place_of(page[-1])
    assert found == expected(made)
    for show in RANKS:
        whole = [row.id for row in open_escalations(world.session, nurse, show)]
        assert whole == expected([row for row in made if row.priority == show])
    assert [row[0] for row in glance(world.session, nurse, "all", 100)] == found


def test_paging_loses_and_doubles_nothing_that_stays_while_others_change(world: World) -> None:
    made = put(world, *(("urgent", number / 100, number) for number in range(30)))
    nurse = world.clinic.nurse
    first = open_escalations(world.session, nurse, "all", 10)
    seen = [row.id for row in first]
    after = place_of(first[-1])
    escalations.complete(world.session, world.rt, nurse, first[3].id, "phoned")  # gone from before the place
    escalations.complete(world.session, world.rt, nurse, first[-1].id, "phoned")  # the very row of the place
    new = put(world, ("stat", None, 0), ("urgent", 0.0, 500))
    while page := open_escalations(world.session, nurse, "all", 10, after):
        seen += [row.id for row in page]
        after = place_of(page[-1])
    assert len(seen) == len(set(seen))
    assert {row.id for row in made} <= set(seen)
    assert new[1].id in seen  # it stands behind the place
    assert open_escalations(world.session, nurse, "all", 1)[0].id == new[0].id  # and what stands before is on top


def test_what_the_list_shows_is_what_the_guard_allows(world: World) -> None:
    put(world, ("stat", 0.5, 1))
    put(world, ("asap", None, 1), team=world.clinic.other_team.id)
    patient = world.patient("+12025550101")
    world.tell("glucose 49 before breakfast")
    assert world.escalations(patient)
    for who in (world.clinic.nurse, world.clinic.other_nurse, world.clinic.clinician, world.clinic.admin):
        guarded = select(Escalation.id).where(visible_to(who, Escalation), Escalation.status != "completed")
        assert {row.id for row in open_escalations(world.session, who)} == set(world.session.scalars(guarded))


def test_counts_are_by_severity_mine_and_nobodys(world: World) -> None:
    made = put(world, ("stat", 0.5, 1), ("asap", None, 1), ("asap", None, 2), ("routine", None, 1))
    nurse = world.clinic.nurse
    escalations.accept(world.session, world.rt, nurse, made[1].id)
    escalations.accept(world.session, world.rt, world.clinic.clinician, made[2].id)
    found = counts(world.session, nurse)
    assert (dict(found.by_priority), found.mine, found.unclaimed, found.open) == (
        {"stat": 1, "asap": 2, "routine": 1}, 1, 2, 4,
    )  # fmt: skip
    assert found.more == frozenset()
    for show in SHOWS:
        number = len(open_escalations(world.session, nurse, show))
        assert number == {"all": 4, "mine": 1, "unclaimed": 2, "urgent": 0}.get(show, found.by_priority.get(show))


def test_beyond_a_limit_a_count_says_more(world: World) -> None:
    put(world, *(("routine", None, 1) for _ in range(MOST_COUNTED + 1)))
    found = counts(world.session, world.clinic.nurse)
    assert found.by_priority == {"routine": MOST_COUNTED}
    assert found.more == {"routine", "unclaimed", "all"}


def test_the_list_is_read_from_an_index_in_its_order(world: World) -> None:
    """However many are open: the plan sorts nothing and stops at the limit."""
    put(world, *((random.choice(list(RANKS)), random.random(), n) for n in range(300)))
    plan = explained(world.session, world.clinic.nurse)
    assert "ix_escalation_open_list" in plan and "Sort" not in plan


def explained(session: Session, staff: Staff) -> str:
    query: Any = worklist._listed(select(Escalation.id), staff, "all", place(NOON)).limit(100)
    words = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    return "\n".join(session.execute(text("EXPLAIN " + str(words))).scalars())


def place(at: datetime) -> worklist.Place:
    return worklist.Place(2, 0.5, at, UUID(int=0))
