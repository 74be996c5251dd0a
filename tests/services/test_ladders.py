"""Ladders and rotas: who may write them, which holes are refused, which are told of, and what open alerts keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.ladder import Rung, Whom, default_ladder
from care.domain.rota import Shift
from care.domain.week import Hours
from care.errors import Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.dead_letters import DeadLetter
from care.records.ladders import LadderVersion, newest_rotas
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import ladders, pages
from tests.conftest import Clinic, Clock
from tests.services.test_escalations import VERY_LOW, alarm, page
from tests.services.world import World, make_world

ALL = (0, 1, 2, 3, 4, 5, 6)
ALWAYS = Hours(ALL, time(0), time(0))
BY_DAY = Hours(ALL, time(7), time(19))
QUICK = replace(
    default_ladder(),
    inside={one: (Rung(Whom.CLINICIAN, timedelta(minutes=2)),) for one in Priority},
)


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def save_rota(world: World, *shifts: Shift, fall_back: str = "") -> None:
    ladders.save_rota(world.session, world.rt, world.clinic.admin, world.clinic.team.id, shifts, "sms", fall_back)


def leave(world: World, *who: object) -> None:
    for one in who:
        world.session.get_one(Practitioner, one).active = False
    world.session.commit()


def test_what_is_open_keeps_the_ladder_it_was_opened_with(world: World) -> None:
    before = world.patient(protocol=None)
    (old,) = alarm(world, before, VERY_LOW)
    made = ladders.save_ladder(world.session, world.rt, world.clinic.admin, world.clinic.team.id, QUICK)
    (new,) = alarm(world, world.patient("+12025550102", protocol=None), VERY_LOW)
    assert (old.ladder_id, new.ladder_id) == (None, made.id)
    page(world)
    assert {one.escalation_id: one.practitioner_id for one in world.out(Purpose.PAGE)} == {
        old.id: world.clinic.nurse.id,
        new.id: world.clinic.clinician.id,
    }
    assert [row.page_at - world.now for row in world.escalations()] == [timedelta(minutes=5), timedelta(minutes=2)]


def test_a_ladder_is_read_in_the_zone_of_the_hospital_and_never_edited(world: World) -> None:
    made = ladders.save_ladder(world.session, world.rt, world.clinic.admin, world.clinic.team.id, QUICK)
    assert made.document["zone"] == "America/New_York"
    with pytest.raises(IntegrityError):
        world.session.execute(text("UPDATE ladder SET document = '{}'"))


def test_only_an_administrator_of_the_hospital_writes_them_and_it_is_audited(world: World) -> None:
    team = world.clinic.team.id
    with pytest.raises(NotAllowed):
        ladders.save_ladder(world.session, world.rt, world.clinic.nurse, team, QUICK)
    with pytest.raises(NotAllowed):
        ladders.save_rota(world.session, world.rt, world.clinic.nurse, team, ())
    with pytest.raises(NotFound):
        ladders.save_ladder(world.session, world.rt, world.clinic.admin, world.clinic.nurse.id, QUICK)
    ladders.save_ladder(world.session, world.rt, world.clinic.admin, team, QUICK)
    save_rota(world, Shift(str(world.clinic.nurse.id), ALWAYS), fall_back="+12025550199")
    saved = [event for event in world.all(AuditEvent) if event.entity in ("ladder", "rota")]
    assert [event.action for event in saved] == ["ladder.save", "rota.save"]
    assert "2025550199" not in str([event.detail for event in saved])


def test_a_rota_with_a_hole_is_refused_in_words(world: World) -> None:
    with pytest.raises(Invalid, match="no nurse from Monday 00:00 to Monday 07:00"):
        save_rota(world, Shift(str(world.clinic.nurse.id), BY_DAY))
    assert newest_rotas(world.session) == {}


def test_a_ladder_that_the_rota_cannot_man_is_refused(world: World) -> None:
    save_rota(world, Shift(str(world.clinic.nurse.id), ALWAYS))
    leave(world, world.clinic.clinician.id)
    with pytest.raises(Invalid, match="no clinician all week"):
        ladders.save_ladder(world.session, world.rt, world.clinic.admin, world.clinic.team.id, QUICK)
    assert world.session.scalar(select(func.count()).select_from(LadderVersion)) == 0


def test_only_people_of_the_team_are_on_call(world: World) -> None:
    for stranger in (world.clinic.other_nurse.id, world.clinic.admin.id):
        with pytest.raises(Invalid, match="of the team"):
            save_rota(world, Shift(str(stranger), ALWAYS))


def test_the_fall_back_number_is_a_number_and_sealed(world: World) -> None:
    mine = Shift(str(world.clinic.nurse.id), ALWAYS)
    with pytest.raises(Invalid):
        save_rota(world, mine, fall_back="ring the ward")
    with pytest.raises(Invalid):
        ladders.save_rota(
            world.session, world.rt, world.clinic.admin, world.clinic.team.id, [mine], "pigeon", "+12025550199"
        )
    save_rota(world, mine, fall_back="(202) 555-0199")
    row = newest_rotas(world.session)[world.clinic.team.id]
    assert row.fall_back == "+12025550199"
    assert b"0199" not in (row.fall_back_sealed or b"")


def test_a_hole_that_opens_afterwards_is_told_of_and_everybody_of_the_role_is_paged(world: World) -> None:
    second = Practitioner(
        organization_id=world.clinic.organization.id,
        care_team_id=world.clinic.team.id,
        role="nurse",
        username="second",
        name="Test Second",
        password_hash="",
        created_at=world.now,
    )
    world.session.add(second)
    world.session.commit()
    save_rota(world, Shift(str(second.id), ALWAYS))
    alarm(world, world.patient(protocol=None), VERY_LOW)
    page(world)
    assert [one.practitioner_id for one in world.out(Purpose.PAGE)] == [second.id]
    assert world.all(DeadLetter) == []
    leave(world, second.id)
    world.clock.forward(minutes=5)
    page(world)
    assert world.out(Purpose.PAGE)[-1].practitioner_id == world.clinic.nurse.id
    (letter,) = world.all(DeadLetter)
    assert (letter.queue, letter.row_id, letter.error) == ("rota", world.clinic.team.id, "rota-gap")


def test_the_watch_tells_of_a_hole_before_anybody_is_needed_and_stops_when_it_is_closed(world: World) -> None:
    save_rota(world, Shift(str(world.clinic.nurse.id), ALWAYS))
    ladders.watch_gaps(world.session, world.rt, world.now)
    assert world.all(DeadLetter) == []
    leave(world, world.clinic.nurse.id)
    for _ in range(2):
        ladders.watch_gaps(world.session, world.rt, world.now)
    (letter,) = world.all(DeadLetter)
    assert letter.resolved_at is None
    world.session.get_one(Practitioner, world.clinic.nurse.id).active = True
    world.session.commit()
    ladders.watch_gaps(world.session, world.rt, world.now)
    assert [one.resolved_at for one in world.all(DeadLetter)] == [world.now]


def test_the_last_resort_is_the_newest_fall_back_number_even_for_what_is_open(world: World) -> None:
    alarm(world, world.patient(protocol=None), VERY_LOW)
    for _ in range(4):
        page(world)
        world.clock.forward(minutes=5)
    save_rota(world, Shift(str(world.clinic.nurse.id), ALWAYS), fall_back="+12025550199")
    pages.page_due(world.session, world.rt, world.now)
    last = world.out(Purpose.PAGE)[-1]
    assert (last.practitioner_id, last.channel, last.care_team_id) == (None, "sms", world.clinic.team.id)
