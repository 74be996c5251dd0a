"""The monitor: once a week each version that is computed is held against what then happened; what is wrong ends.

The figures of a week are reckoned two days after it is over, when outcomes are known, by site, age and language too. An
alarm of all patients together ends a version that is heard, and brings back the one before it, in the same transaction.
Sites and groups are small and many: what is wrong with one of them is shown, and decided by people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.capacity import MISSED, number_needed
from care.domain.codes import Outcome
from care.domain.model_life import HEARD, ModelState
from care.domain.monitoring import Case, Figures, alarms, figures, psi
from care.domain.outcome import OUTCOMES
from care.logs import logger
from care.records.escalations import Escalation, EscalationLink
from care.records.model_versions import ModelReview, ModelVersion, live_thresholds, reviews, versions
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.risk_assessments import RiskAssessment, newest
from care.services.models import roll_back
from care.services.queue import Worked

MATURE = timedelta(days=2)  # after the week: an outcome of its last day is known by then
WEEK = timedelta(days=7)
LOOK_BACK = timedelta(days=28)
RIGHT = frozenset({Outcome.PHONED, Outcome.ACTED, Outcome.ADJUSTED, Outcome.SENT_TO_EMERGENCY})
"""What a nurse did who found that the alert was worth it; not having reached the patient says nothing."""
WRONG = frozenset({Outcome.NO_ACTION_NEEDED, Outcome.FALSE_ALARM})
HINT = 0.1  # of the PSI: have a look
_LOCK = 0x0CA4E_3E4  # advisory lock: one monitor at a time


@dataclass(frozen=True, slots=True)
class Told:
    """One prediction: whose, when, and the groups that it belongs to."""

    assessment_id: UUID
    patient_id: UUID
    team_id: UUID
    at: datetime
    risk: float
    zone: str
    groups: tuple[str, ...]


def review_due(session: Session, now: datetime) -> Worked:
    """Review the last week that is ripe for each version that is computed, if that was not done; commits."""
    if not session.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}).scalar():
        session.rollback()
        return Worked()
    week = ripe(now)
    done = 0
    for row in versions(session):
        computed = row.life.state in HEARD or row.life.state is ModelState.SHADOW
        if computed and not any(one.week == week for one in reviews(session, row.id, "all")):
            _review(session, now, row, week)
            done += 1
    session.commit()
    return Worked(claimed=done, done=done)


def ripe(now: datetime) -> date:
    """The Monday (UTC) of the last week whose outcomes are known."""
    day = (now - MATURE).astimezone(UTC).date()
    return day - timedelta(days=day.weekday() + 7)


def told_between(session: Session, row: ModelVersion, since: datetime, until: datetime) -> list[Told]:
    """What a version said with since <= at < until: of each patient and civil day the last word, oldest first."""
    found = (
        select(RiskAssessment, Patient)
        .join(Patient, Patient.id == RiskAssessment.patient_id)
        .where(RiskAssessment.bundle_sha256 == row.sha256, RiskAssessment.risk.is_not(None), newest())
        .where(RiskAssessment.at >= since, RiskAssessment.at < until)
        .order_by(RiskAssessment.at, RiskAssessment.id)
    )
    last: dict[tuple[UUID, date], Told] = {}
    for said, patient in session.execute(found):
        told = Told(
            said.id,
            patient.id,
            patient.care_team_id,
            said.at,
            float(said.risk or 0.0),
            patient.time_zone,
            _groups(patient, said.at),
        )
        last.pop((patient.id, said.at.date()), None)
        last[patient.id, said.at.date()] = told
    return list(last.values())


def known_cases(session: Session, bundle_id: str, told: Sequence[Told]) -> list[tuple[Told, Case]]:
    """Those of which it is known whether the outcome came."""
    rule = OUTCOMES.get(bundle_id)
    if rule is None or not told:
        return []
    since, until = min(one.at for one in told), max(one.at for one in told) + timedelta(days=3)
    found = select(Observation).where(
        Observation.patient_id.in_({one.patient_id for one in told}),
        Observation.code.in_({rule.code, *rule.events}),
        Observation.at >= since,
        Observation.at < until,
        ~Observation.superseded,
    )
    measures: dict[UUID, list[Any]] = {}
    for row in session.scalars(found):
        measures.setdefault(row.patient_id, []).append(row.measure())
    seen = ((one, rule.seen(measures.get(one.patient_id, ()), one.at, one.zone)) for one in told)
    return [(one, Case(one.risk, came, one.groups)) for one, came in seen if came is not None]


def precision(session: Session, bundle_id: str, told: Sequence[Told]) -> dict[str, Any]:
    """Alerts that these assessments raised: how many, how many were judged by a nurse, how many were worth it."""
    found = (
        select(Escalation.id, Escalation.outcome)
        .join(EscalationLink, EscalationLink.escalation_id == Escalation.id)
        .where(Escalation.cause == bundle_id, EscalationLink.assessment_id.in_([one.assessment_id for one in told]))
        .distinct()
    )
    outcomes = [row.outcome for row in session.execute(found)]
    right, wrong = (sum(one in group for one in outcomes) for group in (RIGHT, WRONG))
    judged = right + wrong
    share = right / judged if judged else None
    return {"alerts": len(outcomes), "judged": judged, "right": right, "precision": share}


def needed(found: Mapping[str, Any]) -> float | None:
    """How many alerts are looked at for one that is worth it."""
    return number_needed(found["judged"], found["right"])


def _review(session: Session, now: datetime, row: ModelVersion, week: date) -> None:
    since = datetime(week.year, week.month, week.day, tzinfo=UTC)
    told = told_between(session, row, since, since + WEEK)
    earlier = [one.risk for one in told_between(session, row, since - LOOK_BACK, since)]
    cases = known_cases(session, row.bundle_id, told)
    live = live_thresholds(session, [row.sha256])
    for group in sorted({"all", *(name for one in told for name in one.groups)}):
        mine = [one for one in told if group == "all" or group in one.groups]
        known = [case for one, case in cases if group == "all" or group in one.groups]
        threshold = next((t.threshold for (team, _), t in live.items() if group == f"site:{team}"), row.routine_from)
        history = [_figures(one) for one in reviews(session, row.id, group) if one.week < week]
        shift = psi(earlier, [one.risk for one in mine])
        found = figures(
            known,
            threshold,
            history[-1] if history else None,
            psi=shift,
            hints=("shift",) if shift is not None and shift > HINT else (),
            **precision(session, row.bundle_id, mine),
        )
        wrong = alarms(found, history, 1 - MISSED if threshold in {t.floor for t in live.values()} else None)
        session.add(
            ModelReview(
                model_id=row.id, week=week, group=group, figures=found.told(), alarms=list(wrong), recorded_at=now
            )
        )
        if wrong and group == "all" and row.life.state in HEARD:
            _end(session, now, row, wrong)
    session.flush()


def _end(session: Session, now: datetime, row: ModelVersion, wrong: Sequence[str]) -> None:
    back = roll_back(session, now, row.id, ", ".join(wrong))
    logger().error(
        "a model was taken out of use", bundle=row.bundle_id, version=row.version, back=back.version if back else None
    )


def _figures(row: ModelReview) -> Figures:
    return Figures(**(row.figures | {"hints": tuple(row.figures.get("hints", ()))}))


def _groups(patient: Patient, at: datetime) -> tuple[str, ...]:
    born = patient.identity.get("birth_date")
    age = at.year - int(str(born)[:4]) if born else None
    band = "missing" if age is None else "under-40" if age < 40 else "40-64" if age < 65 else "65-and-over"
    return f"site:{patient.care_team_id}", f"age:{band}", f"language:{patient.language}"
