"""Ladders and rotas of care teams: an administrator writes them; holes are refused, and watched for all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from care.domain import rota
from care.domain.codes import Role
from care.domain.ladder import Ladder, default_ladder, document, read_ladder
from care.domain.people import Staff
from care.domain.reach import carries_pages
from care.domain.rota import Gap, Shift
from care.errors import Invalid
from care.logs import logger
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.records.ladders import LadderVersion, Rota, ladders_by_id, newest_ladders, newest_rotas, people_of, team_of
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import audits
from care.services.addresses import normal_address
from care.services.queue import Worked

DEFAULT = default_ladder()
LETTERS, GAP = "rota", "rota-gap"
PAGED = (Role.NURSE.value, Role.CLINICIAN.value)


class Ladders:
    """The ladders that a piece of work needs, each read once; it lives no longer than its transaction."""

    def __init__(self, session: Session, teams: Iterable[UUID] = (), rows: Iterable[Escalation] = ()) -> None:
        self._session = session
        self._teams = set(teams)
        self._newest: dict[UUID, LadderVersion] | None = None
        self._read: dict[UUID, Ladder] = {}
        wanted = {row.ladder_id for row in rows if row.ladder_id is not None}
        self._read.update((one, read_ladder(row.document)) for one, row in ladders_by_id(session, wanted).items())

    def newest(self, team_id: UUID) -> tuple[UUID | None, Ladder]:
        """What an escalation of this team is opened with now: the version's id (None: the default), and the ladder."""
        if self._newest is None or team_id not in self._teams:
            self._teams.add(team_id)
            self._newest = newest_ladders(self._session, self._teams)
        row = self._newest.get(team_id)
        return (row.id, self._ladder(row)) if row else (None, DEFAULT)

    def of(self, row: Escalation) -> Ladder:
        """What this escalation was opened with."""
        if row.ladder_id is None:
            return DEFAULT
        if row.ladder_id not in self._read:
            self._ladder(self._session.get_one(LadderVersion, row.ladder_id))
        return self._read[row.ladder_id]

    def _ladder(self, row: LadderVersion) -> Ladder:
        if row.id not in self._read:
            self._read[row.id] = read_ladder(row.document)
        return self._read[row.id]


def save_ladder(session: Session, rt: Runtime, by: Staff, care_team_id: UUID, ladder: Ladder) -> LadderVersion:
    """A new version of a team's ladder, for what is raised from now on; open escalations keep theirs. Commits.

    It is read on the wall clock of the hospital. Raises NotAllowed, NotFound, Invalid (the rota leaves a hole in it).
    """
    by.must_be(Role.ADMIN)
    team, house = _held(session, by, care_team_id)
    ladder = replace(ladder, zone=house.time_zone)
    row = newest_rotas(session, [team.id]).get(team.id)
    _refuse_gaps(session, team, ladder, rota.read_shifts(row.shifts) if row else ())
    made = LadderVersion(
        organization_id=by.organization_id,
        care_team_id=team.id,
        document=document(ladder),
        author_id=by.id,
        at=rt.now(),
    )
    session.add(made)
    audits.record(session, rt.now(), "ladder.save", "ladder", made.id, staff=by, care_team_id=str(team.id))
    session.commit()
    return made


def save_rota(
    session: Session,
    rt: Runtime,
    by: Staff,
    care_team_id: UUID,
    shifts: Collection[Shift],
    fall_back_channel: str = "",
    fall_back: str = "",
) -> Rota:
    """A new rota of a team, with the address of its last resort; it counts at once, for open escalations too. Commits.

    Raises NotAllowed, NotFound, Invalid: a hole, somebody who is not of the team, an address that cannot be one.
    """
    by.must_be(Role.ADMIN)
    team, house = _held(session, by, care_team_id)
    _, able = staffing(session, team)
    if any(shift.person not in able for shift in shifts):
        raise Invalid("rota", "only nurses and clinicians of the team can be on call", place="person")
    written = rt.channels.get(fall_back_channel)
    if fall_back and (written is None or not carries_pages(written.capabilities)):
        raise Invalid("rota", "choose how the fall-back number is written to", place="fall_back_channel")
    address = normal_address(fall_back_channel, fall_back, house.country, "fall_back") if fall_back else None
    _refuse_gaps(session, team, Ladders(session).newest(team.id)[1], shifts)
    made = Rota(
        organization_id=by.organization_id,
        care_team_id=team.id,
        shifts=rota.document(shifts),
        fall_back_channel=fall_back_channel if address else None,
        fall_back=address,
        author_id=by.id,
        at=rt.now(),
    )
    session.add(made)
    audits.record(
        session,
        rt.now(),
        "rota.save",
        "rota",
        made.id,
        staff=by,
        care_team_id=str(team.id),
        shifts=len(shifts),
        fall_back=address is not None,
    )
    session.commit()
    return made


def team_gaps(session: Session, team: CareTeam) -> tuple[Gap, ...]:
    """Where the team's ladder would page a role of which nobody is on call as the rota and the accounts stand now."""
    row = newest_rotas(session, [team.id]).get(team.id)
    ladder = Ladders(session).newest(team.id)[1]
    return rota.gaps(ladder, rota.read_shifts(row.shifts) if row else (), *staffing(session, team))


def watch_gaps(session: Session, rt: Runtime, now: datetime) -> Worked:
    """Look for holes that have opened since the rotas were written (an account was closed, say); commits.

    Each team with one has a DeadLetter, of which the metrics and the watchdog tell, until the hole is closed.
    """
    told = {letter.row_id: letter for letter in session.scalars(_letters())}
    rows = newest_rotas(session)
    for team_id in rows:
        holes = team_gaps(session, session.get_one(CareTeam, team_id))
        if holes and team_id not in told:
            tell_of_gap(session, team_id, now)
        elif not holes and team_id in told:
            told[team_id].resolved_at = now
    session.commit()
    return Worked(claimed=len(rows), done=len(rows))


def tell_of_gap(session: Session, team_id: UUID, now: datetime) -> None:
    """Whoever keeps the system hears of a hole once (no commit)."""
    if session.scalars(_letters().where(DeadLetter.row_id == team_id)).first() is None:
        logger().error("nobody is on call", care_team_id=str(team_id))
        session.add(DeadLetter(queue=LETTERS, row_id=team_id, patient_id=None, error=GAP, at=now))


def staffing(session: Session, team: CareTeam) -> tuple[dict[str, Role], frozenset[str]]:
    """What everyone of the hospital is or was, and who of the team can be paged now; by id."""
    people = people_of(session, team.organization_id)
    able = frozenset(str(one.id) for one in people if one.active and one.care_team_id == team.id and one.role in PAGED)
    return {str(one.id): Role(one.role) for one in people}, able


def colleagues(session: Session, staff: Staff) -> list[Practitioner]:
    """Whom the staff member can hand a case on to: everyone else of the team who can be paged."""
    people = people_of(session, staff.organization_id)
    mine = (one for one in people if one.active and one.care_team_id == staff.care_team_id and one.id != staff.id)
    return sorted((one for one in mine if one.role in PAGED), key=lambda one: one.name)


def _held(session: Session, by: Staff, care_team_id: UUID) -> tuple[CareTeam, Organization]:
    """The team, which nobody else writes for until the commit: a ladder and a rota saved at once could leave a hole."""
    team = team_of(session, by, care_team_id)
    session.execute(select(CareTeam.id).where(CareTeam.id == team.id).with_for_update())
    return team, session.get_one(Organization, team.organization_id)


def _refuse_gaps(session: Session, team: CareTeam, ladder: Ladder, shifts: Collection[Shift]) -> None:
    holes = rota.gaps(ladder, shifts, *staffing(session, team))
    if holes:
        more = f" (and {len(holes) - 1} more)" if len(holes) > 1 else ""
        raise Invalid("rota-gap", f"somebody has to be on call: {holes[0]}{more}", place="shifts", count=len(holes))


def _letters() -> Select[DeadLetter]:
    return select(DeadLetter).where(DeadLetter.queue == LETTERS, DeadLetter.resolved_at.is_(None))
