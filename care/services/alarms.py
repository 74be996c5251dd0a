"""Raising alarms: one open escalation a patient and cause; every report and text that asks for it is linked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, and_, any_, bindparam, insert, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.codes import EscalationStatus, Priority
from care.domain.escalation import Confirmed, Raise, Worsen, step
from care.domain.triage import Alarm
from care.records.among import among
from care.records.escalations import Escalation, EscalationLink
from care.records.flags import Flag
from care.records.ids import new_id
from care.records.observations import Observation
from care.records.patients import Patient
from care.services.ladders import Ladders
from care.services.locks import wait_to_escalate

MOST_GRACE = timedelta(hours=2)  # no rule lets a page wait longer: one that does was put off before
LEVEL = "level"
REST = timedelta(days=7)  # ours: how long a routine cause that was closed stays off the list

_IS_OPEN = Escalation.status != EscalationStatus.COMPLETED.value
_MINE = Escalation.patient_id == any_(bindparam("patients", type_=ARRAY(Uuid())))
_TEAMS = and_(Escalation.patient_id.is_(None), Escalation.care_team_id == any_(bindparam("teams", type_=ARRAY(Uuid()))))
_LOCKED = (
    select(Escalation)
    .where(_IS_OPEN)
    .order_by(Escalation.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)
_OF_PATIENTS = _LOCKED.where(_MINE)
_OPEN = _LOCKED.where(or_(_MINE, _TEAMS))
_LINKED = (
    select(EscalationLink.escalation_id, EscalationLink.at, Observation.code)
    .join(Observation, Observation.response_id == EscalationLink.response_id)
    .where(EscalationLink.escalation_id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
)

Cause = tuple[UUID, str]  # the patient, or the team for what belongs to nobody known; and the cause


@dataclass(frozen=True, slots=True)
class Case:
    """What one report or text says: its alarms, and the codes it measured, which may confirm that a low is over.

    `at` is when it was true (aware, UTC); without a patient it is the team's. `risk` is what a model said of it.
    """

    organization_id: UUID
    care_team_id: UUID
    patient_id: UUID | None
    at: datetime
    alarms: tuple[Alarm, ...] = ()
    measured: frozenset[str] = frozenset()
    response_id: UUID | None = None
    communication_id: UUID | None = None
    assessment_id: UUID | None = None
    risk: float | None = None

    @property
    def owner(self) -> UUID:
        """Whose escalations these are: the patient's, or the team's."""
        return self.patient_id or self.care_team_id


def raise_alarms(
    session: Session,
    now: datetime,
    *,
    patient: Patient | None,
    organization_id: UUID,
    care_team_id: UUID,
    alarms: Sequence[Alarm],
    response_id: UUID | None = None,
    communication_id: UUID | None = None,
    assessment_id: UUID | None = None,
) -> list[Escalation]:
    """Raise or worsen one escalation a cause and link the report or text to it (no commit). Returns the new ones."""
    case = Case(
        organization_id,
        care_team_id,
        patient.id if patient else None,
        now,
        tuple(alarms),
        frozenset(),
        response_id,
        communication_id,
        assessment_id,
    )
    return raise_many(session, now, [case])


def raise_many(session: Session, now: datetime, cases: Sequence[Case]) -> list[Escalation]:
    """Raise what many reports and texts ask for, in their order, with few statements (no commit).

    One active Flag and one open Escalation a patient and cause; each further case is linked and may only worsen it. A
    case that measured again what an unpaged escalation rests on, later and without its cause, confirms that it is over.
    Returns the new escalations.
    """
    wanted = [case for case in cases if case.alarms or case.measured]
    if not wanted:
        return []
    alarming = {case.owner for case in wanted if case.alarms}
    if alarming:  # only who may add to them keeps others from adding
        wait_to_escalate(session, alarming)
    found = _open(session, wanted)
    ladders = Ladders(session, (case.care_team_id for case in wanted if case.alarms), found.values())
    waiting = _in_grace(session, found)
    resting = _resting(session, wanted, found, now)
    flags: list[Flag] = []
    raised: list[Escalation] = []
    links: list[dict[str, Any]] = []
    for case in wanted:
        causes = set()
        for alarm in case.alarms:
            if alarm.cause in causes:
                continue
            causes.add(alarm.cause)
            row = found.get((case.owner, alarm.cause))
            closed = resting.get((case.owner, alarm.cause)) if row is None else None
            if closed is not None and _rests(alarm, closed, now):
                links.append(_link(closed, case, alarm))
                continue
            if row is None:
                flag, row = _new(case, alarm, ladders, now)
                found[case.owner, alarm.cause] = row
                flags.append(flag)
                raised.append(row)
            else:
                _worsen(row, alarm, ladders, now)
            row.risk = _higher(row.risk, case.risk)
            waiting.setdefault(row.id, _Grace()).add(case)
            links.append(_link(row, case, alarm))
        _confirm(case, causes, found, waiting, ladders, now)
    for rows in (flags, raised) if raised else ():  # parents first: rows know each other by id only
        session.add_all(rows)
        session.flush()
    if links:
        session.execute(insert(EscalationLink), links)
    return raised


class _Grace:
    """What an escalation that has not been paged rests on: the codes measured, and when the last of them was."""

    def __init__(self) -> None:
        self.codes: set[str] = set()
        self.last: datetime | None = None

    def add(self, case: Case) -> None:
        self.codes |= case.measured
        self.last = max(self.last, case.at) if self.last else case.at


def _open(session: Session, cases: Sequence[Case]) -> dict[Cause, Escalation]:
    """The open escalations of these cases' owners, locked, by owner and cause."""
    patients = {case.patient_id for case in cases if case.patient_id}
    teams = {case.care_team_id for case in cases if case.patient_id is None}
    rows = session.scalars(_OPEN if teams else _OF_PATIENTS, {"patients": list(patients), "teams": list(teams)})
    return {(row.patient_id or row.care_team_id, row.cause): row for row in rows}


def _rest(alarm: Alarm) -> timedelta:
    """How long it may rest after somebody closed it; a person who asks for a person never has to wait.

    What is worth a look only rests a week if its rule says nothing else, what is urgent as long as its rule says, and
    what is more than urgent never.
    """
    if alarm.source not in ("rule", "model") or alarm.priority.rank > Priority.URGENT.rank:
        return timedelta()
    if alarm.cooldown is not None:
        return alarm.cooldown
    return REST if alarm.priority is Priority.ROUTINE else timedelta()


def _rests(alarm: Alarm, closed: Escalation, now: datetime) -> bool:
    """Whether this is what was closed a short while ago, and no worse.

    A higher priority is worse; of what is urgent, so is more of the same, and anything that another rule found.
    """
    if closed.completed_at is None or now - closed.completed_at >= _rest(alarm) or alarm.priority.rank > closed.rank:
        return False
    if alarm.priority is Priority.ROUTINE:
        return True
    before = closed.params.get(LEVEL)
    return alarm.reason == closed.reason and before is not None and alarm.level is not None and alarm.level <= before


def _resting(
    session: Session, cases: Sequence[Case], found: Mapping[Cause, Escalation], now: datetime
) -> dict[Cause, Escalation]:
    """What somebody looked at and closed within the time that these alarms may rest, by owner and cause.

    Such an alarm is linked to what was closed and not put on the list again: a glucose that is high every other day is
    one thing to talk about.
    """
    waits = [
        (case.patient_id, _rest(alarm))
        for case in cases
        for alarm in case.alarms
        if case.patient_id and (case.owner, alarm.cause) not in found
    ]
    longest = max((rest for _, rest in waits), default=timedelta())
    owners = {patient_id for patient_id, rest in waits if rest}
    if not owners:
        return {}
    closed = select(Escalation).where(
        among(Escalation.patient_id, owners),
        Escalation.status == EscalationStatus.COMPLETED.value,
        Escalation.completed_at > now - longest,
    )
    rows = session.scalars(closed.order_by(Escalation.completed_at, Escalation.id))
    return {(row.patient_id, row.cause): row for row in rows if row.patient_id}


def _in_grace(session: Session, found: Mapping[Cause, Escalation]) -> dict[UUID, _Grace]:
    """For the urgent escalations whose first page still waits: what was measured, and when."""
    ids = [row.id for row in found.values() if _first_page_waits(row)]
    graces: dict[UUID, _Grace] = {}
    if not ids:
        return graces
    rows = session.execute(_LINKED, {"ids": ids})
    for escalation_id, at, code in rows:
        grace = graces.setdefault(escalation_id, _Grace())
        grace.codes.add(code)
        grace.last = max(grace.last, at) if grace.last else at
    return graces


def _first_page_waits(row: Escalation) -> bool:
    unpaged = row.status == EscalationStatus.REQUESTED.value and row.rung == 0 and row.pages == 0
    return unpaged and row.priority == Priority.URGENT.value and row.page_at is not None


def _repeat_settles(row: Escalation) -> bool:
    """Only what a rule found can be settled by measuring again, and only once: then somebody is paged after all."""
    put_off = row.page_at is not None and row.page_at - row.requested_at > MOST_GRACE
    return row.source == "rule" and not put_off


def _confirm(
    case: Case,
    causes: Iterable[str],
    found: Mapping[Cause, Escalation],
    waiting: Mapping[UUID, _Grace],
    ladders: Ladders,
    now: datetime,
) -> None:
    """A repeated reading that was fine puts off the page of the grace (never the escalation)."""
    if not case.measured or not waiting:
        return
    for (owner, cause), row in found.items():
        grace = waiting.get(row.id)
        if owner != case.owner or cause in causes or grace is None or grace.last is None:
            continue
        if not _repeat_settles(row):
            continue
        if case.at > grace.last and case.measured & grace.codes and _first_page_waits(row):
            row.state = step(row.state, Confirmed(), now, ladders.of(row)).state


def _new(case: Case, alarm: Alarm, ladders: Ladders, now: datetime) -> tuple[Flag, Escalation]:
    flag = Flag(
        organization_id=case.organization_id,
        patient_id=case.patient_id,
        care_team_id=case.care_team_id,
        cause=alarm.cause,
        status="active",
        since=now,
        ended_at=None,
    )
    ladder_id, ladder = ladders.newest(case.care_team_id)
    row = Escalation(
        organization_id=case.organization_id,
        patient_id=case.patient_id,
        care_team_id=case.care_team_id,
        flag_id=flag.id,
        cause=alarm.cause,
        source=alarm.source,
        reason=alarm.reason,
        params=_params(alarm),
        requested_at=now,
        attempts=0,
        ladder_id=ladder_id,
    )
    row.state = step(None, Raise(alarm.priority, alarm.page_after), now, ladder).state
    return flag, row


def _params(alarm: Alarm) -> dict[str, Any]:
    """What fills the reason in; with the level where it decides whether what comes next is worse."""
    rests = alarm.priority is Priority.URGENT and _rest(alarm) and alarm.level is not None
    return {**alarm.params, LEVEL: alarm.level} if rests else dict(alarm.params)


def _worsen(row: Escalation, alarm: Alarm, ladders: Ladders, now: datetime) -> None:
    """The most pressing reason is the one that staff read first."""
    if alarm.priority.rank > row.rank:
        row.source, row.reason, row.params = alarm.source, alarm.reason, _params(alarm)
        row.priority_since = now
    elif alarm.reason == row.reason and alarm.level is not None and alarm.level > row.params.get(LEVEL, math.inf):
        row.params = {**row.params, LEVEL: alarm.level}
    row.state = step(row.state, Worsen(alarm.priority, alarm.page_after), now, ladders.of(row)).state


def _higher(before: float | None, risk: float | None) -> float | None:
    """The highest risk of what joined; what is no probability says nothing."""
    if risk is None or not 0 <= risk <= 1:
        return before
    return risk if before is None else max(before, risk)


def _link(row: Escalation, case: Case, alarm: Alarm) -> dict[str, Any]:
    return {
        "id": new_id(),
        "escalation_id": row.id,
        "response_id": case.response_id,
        "communication_id": case.communication_id,
        "assessment_id": case.assessment_id,
        "priority": alarm.priority.value,
        "reason": alarm.reason,
        "params": dict(alarm.params),
        "at": case.at,
    }
