"""Thresholds: a clinician sets a number of a rule for one patient, with a reason; from then on it is judged with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.domain.rules import Override, RuleSet, check_override, with_thresholds
from care.errors import Invalid
from care.logs import logger
from care.records.care_plans import active_plans
from care.records.patient_thresholds import PatientThreshold, thresholds_of
from care.records.patients import Patient, patient_of
from care.runtime import Runtime
from care.services import audits, content

LONGEST_REASON = 1_000  # characters
LONGEST = timedelta(days=366)  # ours: what is to hold longer is looked at again, or has no end


@dataclass(frozen=True, slots=True)
class Settable:
    """A number that may be set for a patient: where it is, what it is by review, its ends, and what counts."""

    rule_set: str
    rule: str
    field: str
    reviewed: float
    low: float
    high: float
    own: PatientThreshold | None


def set_threshold(
    session: Session,
    rt: Runtime,
    staff: Staff,
    patient_id: UUID,
    wanted: Override,
    reason: str,
    until: date | None = None,
) -> PatientThreshold:
    """From now on this number counts for the patient; commits. What was judged before stays as it was.

    `until` is the last day, where the patient is, on which it counts.

    Raises NotFound, NotAllowed (clinicians only), Invalid (no such rule, a number that is the same for every patient, a
    value outside of the rule's range, no reason, an end that has passed or lies too far ahead).
    """
    staff.must_be(Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    check_override(content.newest_rule_sets(session), wanted)
    ends_at = _end(rt.now(), patient, until) if until else None
    return _decide(session, rt, staff, patient.organization_id, patient_id, wanted, wanted.value, reason, ends_at)


def clear_threshold(
    session: Session, rt: Runtime, staff: Staff, patient_id: UUID, rule_set: str, rule: str, field: str, reason: str
) -> PatientThreshold:
    """From now on the number counts as it was reviewed; commits. Raises NotFound, NotAllowed, Invalid (nothing set)."""
    staff.must_be(Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    own = thresholds_of(session, [patient_id], rt.now()).get(patient_id, [])
    if not any((one.rule_set, one.rule, one.field) == (rule_set, rule, field) for one in own):
        raise Invalid("nothing-set", "this number was not set for the patient", place="field")
    wanted = Override(rule_set, rule, field, 0.0)
    return _decide(session, rt, staff, patient.organization_id, patient_id, wanted, None, reason)


def settable(session: Session, rt: Runtime, staff: Staff, patient_id: UUID) -> list[Settable]:
    """Every number that may be set for the patient, with what was set. Raises NotFound."""
    patient_of(session, staff, patient_id)
    own = {
        (one.rule_set, one.rule, one.field): one
        for one in thresholds_of(session, [patient_id], rt.now()).get(patient_id, [])
    }
    return [
        Settable(one.url, rule.id, field, rule.number(field), low, high, own.get((one.url, rule.id, field)))
        for one in content.newest_rule_sets(session)
        for rule in one.rules
        for field, (low, high) in rule.personal.items()
    ]


def holding(session: Session, staff: Staff, patient_id: UUID) -> tuple[RuleSet, ...]:
    """The rule sets that judge the patient's reports now: those of the running plans first, then those that always do.

    Raises NotFound.
    """
    patient_of(session, staff, patient_id)
    plans = [content.plan(session, row.definition_id) for row in active_plans(session, patient_id)]
    named = content.rule_sets(session, dict.fromkeys(rule for plan in plans for rule in plan.rules))
    standing = [one for one in content.newest_rule_sets(session) if one.always]
    return tuple({one.url: one for one in (*named, *standing)}.values())


class Thresholds:
    """The numbers that are set for some patients at a moment, read once for all of them."""

    def __init__(self, session: Session, patient_ids: Iterable[UUID], now: datetime) -> None:
        found = thresholds_of(session, list(patient_ids), now)
        self._of = {
            patient_id: tuple(Override(row.rule_set, row.rule, row.field, float(row.value or 0)) for row in rows)
            for patient_id, rows in found.items()
        }

    def applied(self, rule_sets: tuple[RuleSet, ...], patient_id: UUID) -> tuple[RuleSet, ...]:
        """The rule sets as they count for the patient; what no longer fits a newer version stays as reviewed."""
        overrides = self._of.get(patient_id)
        if not overrides:
            return rule_sets
        urls = {one.url for one in rule_sets}
        mine = tuple(one for one in overrides if one.rule_set in urls)
        if not mine:
            return rule_sets
        changed, unfit = _applied(tuple(map(_Pinned, rule_sets)), mine)
        if unfit:
            logger().warning("thresholds no longer fit their rules", patient_id=str(patient_id), count=len(unfit))
        return changed


@dataclass(frozen=True, slots=True, eq=False)
class _Pinned:
    """A rule set that is told apart by its content hash, so that what was compiled with it is remembered."""

    rule_set: RuleSet

    def __hash__(self) -> int:
        return hash((self.rule_set.url, self.rule_set.sha256))

    def __eq__(self, other: object) -> bool:
        mine = self.rule_set
        return isinstance(other, _Pinned) and (mine.url, mine.sha256) == (other.rule_set.url, other.rule_set.sha256)


@lru_cache(maxsize=1_000)
def _applied(
    pinned: tuple[_Pinned, ...], overrides: tuple[Override, ...]
) -> tuple[tuple[RuleSet, ...], Sequence[Override]]:
    return with_thresholds([one.rule_set for one in pinned], overrides)


def _end(now: datetime, patient: Patient, until: date) -> datetime:
    """The midnight after the last day, where the patient is."""
    today = now.astimezone(ZoneInfo(patient.time_zone)).date()
    if not today <= until <= today + LONGEST:
        raise Invalid("end", "the last day is today or later, at most a year ahead", place="until")
    return datetime.combine(until + timedelta(days=1), time(), ZoneInfo(patient.time_zone))


def _decide(
    session: Session,
    rt: Runtime,
    staff: Staff,
    organization_id: UUID,
    patient_id: UUID,
    wanted: Override,
    value: float | None,
    reason: str,
    ends_at: datetime | None = None,
) -> PatientThreshold:
    words = reason.strip()
    if not words or len(words) > LONGEST_REASON:
        raise Invalid("reason-length", f"a reason has 1 to {LONGEST_REASON} characters", place="reason")
    now = rt.now()
    row = PatientThreshold(
        organization_id=organization_id,
        patient_id=patient_id,
        rule_set=wanted.rule_set,
        rule=wanted.rule,
        field=wanted.field,
        value=value,
        reason=words,
        author_id=staff.id,
        at=now,
        ends_at=ends_at,
    )
    session.add(row)
    session.flush()
    audits.record(
        session,
        now,
        "threshold.set" if value is not None else "threshold.clear",
        "patient_threshold",
        row.id,
        staff=staff,
        patient_id=patient_id,
        rule=wanted.rule,
        field=wanted.field,
    )
    session.commit()
    return row
