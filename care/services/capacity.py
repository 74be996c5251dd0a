"""Capacity: how many routine alerts of models a team's nurses can look at, and the threshold that follows, weekly."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.capacity import DAYS, live_threshold
from care.domain.codes import Role
from care.domain.model_life import HEARD
from care.domain.people import Staff
from care.errors import Invalid, NotFound
from care.records.model_versions import AlertThreshold, ModelVersion, live_thresholds, versions
from care.records.organizations import CareTeam
from care.runtime import Runtime
from care.services import audits
from care.services.monitor import Told, known_cases, needed, precision, told_between
from care.services.queue import Worked

EVERY = timedelta(days=7)
OUTCOMES_BACK = timedelta(days=180)
MOST_PER_DAY = 1_000.0
_LOCK = 0x0CA4E_3E5  # advisory lock: one at a time


def set_capacity(session: Session, rt: Runtime, staff: Staff, team_id: UUID, per_day: float | None) -> CareTeam:
    """How many of a model's routine alerts the team can look at in a day (None: bands decide); commits.

    The thresholds follow at once. Raises NotAllowed (administrators), NotFound, Invalid.
    """
    staff.must_be(Role.ADMIN)
    team = session.get(CareTeam, team_id)
    if team is None or team.organization_id != staff.organization_id:
        raise NotFound("care-team", "no such care team")
    if per_day is not None and not 0 < per_day <= MOST_PER_DAY:
        raise Invalid("per-day", "write how many alerts a day, above 0", place="per_day")
    team.alerts_per_day = per_day
    audits.record(session, rt.now(), "team.capacity", "care_team", team.id, staff=staff, per_day=per_day)
    session.flush()
    _settle(session, rt.now(), team)
    session.commit()
    return team


def settle_due(session: Session, now: datetime) -> Worked:
    """Reckon the thresholds anew that are a week old, or that are missing; commits."""
    if not session.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}).scalar():
        session.rollback()
        return Worked()
    teams = session.scalars(select(CareTeam).where(CareTeam.alerts_per_day.is_not(None)).order_by(CareTeam.id))
    done = sum(_settle(session, now, team, EVERY) for team in teams)
    session.commit()
    return Worked(claimed=done, done=done)


def _settle(session: Session, now: datetime, team: CareTeam, every: timedelta = timedelta()) -> int:
    rows = [row for row in versions(session) if row.life.state in HEARD and row.routine_from is not None]
    live = live_thresholds(session, [row.sha256 for row in rows])
    done = 0
    for row in rows:
        last = live.get((team.id, row.sha256))
        if last is None or now - last.at >= every:
            done += _reckon(session, now, team, row)
    return done


def _reckon(session: Session, now: datetime, team: CareTeam, row: ModelVersion) -> int:
    told = [one for one in told_between(session, row, now - timedelta(days=DAYS), now) if one.team_id == team.id]
    band, per_day = row.routine_from or 0.0, team.alerts_per_day
    threshold, floor = band, None
    if per_day is not None:
        found = live_threshold([one.risk for one in told], per_day, _positives(session, now, row), band=band)
        threshold, floor = found.threshold, found.floor
    session.add(
        AlertThreshold(
            care_team_id=team.id,
            bundle_sha256=row.sha256,
            threshold=threshold,
            floor=floor,
            per_day=per_day or 0.0,
            scores=len(told),
            evaluated=needed(precision(session, row.bundle_id, told)),
            at=now,
        )
    )
    return 1


def _positives(session: Session, now: datetime, row: ModelVersion) -> list[float]:
    """The risk that each person had before their first outcome of the last half year, of all teams."""
    told: list[Told] = told_between(session, row, now - OUTCOMES_BACK, now)
    first: dict[UUID, float] = {}
    for one, case in known_cases(session, row.bundle_id, told):
        if case.outcome:
            first.setdefault(one.patient_id, case.risk)
    return list(first.values())
