"""Scoring: each report judged by the reviewed rules and, where its protocol names one, by a model that may only add.

A batch is read with a few statements whatever its size: the reports, their patients, plans, and one window of
observations. What cannot be judged becomes an alarm of its own, never a silence.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, insert, select
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment
from care.domain.codes import Priority, Purpose, ResponseStatus
from care.domain.measure import Measure
from care.domain.plan import PlanDefinition
from care.domain.questionnaire import Answer, Answers, from_response
from care.domain.rules import Finding, Report, RuleSet, judge
from care.domain.triage import Alarm, triage
from care.errors import AssessmentError, NotFound
from care.library import emergency_number, texts
from care.logs import logger
from care.records.care_plans import CarePlan
from care.records.ids import new_id
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment
from care.runtime import Runtime
from care.services import content, outbox
from care.services.alarms import Case, raise_alarms, raise_many
from care.services.among import among
from care.services.queue import Queue, Worked, work

WINDOW = timedelta(days=30)
QUEUE = Queue("reports", QuestionnaireResponse, "score_at")
# A model that says it knows too little of a patient yet has not failed: the rules decide, and the reason is recorded.
ABSTAINS = frozenset({"too-few", "missing"})
FRESH = timedelta(hours=2)  # advice to measure again is of no use for a reading of last week
NO_PLAN, CRASHED = "no-plan", "crashed"


def score_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 200) -> Worked:
    """Score the reports that wait for it, a patient's in the order in which they were true; commits.

    A RiskAssessment is never edited: a report already judged by the same model and rules is not judged again.
    """

    def handle(inner: Session, rows: list[QuestionnaireResponse]) -> None:
        with inner.no_autoflush:  # a report's row is written once, with the end of its lease
            _Batch(inner, rt, rows, now).score()

    session.expire_all()  # rows that this session saw before are read as they are now
    return work(session, QUEUE, handle, now, limit=limit, bury=_bury)


@dataclass(slots=True)
class _Judged:
    """One report with all that was made of it; `again` when it had been judged before."""

    row: QuestionnaireResponse
    again: bool
    patient: Patient
    own: tuple[Measure, ...]
    findings: tuple[Finding, ...]
    assessment: Assessment | None
    reason: str | None
    alarms: tuple[Alarm, ...]
    rules_sha256: str
    bundle: str


class _Batch:
    """The reports of one transaction with what is needed to judge them."""

    def __init__(self, session: Session, rt: Runtime, rows: Sequence[QuestionnaireResponse], now: datetime) -> None:
        self.session, self.rt, self.now = session, rt, now
        self.rows = sorted(rows, key=lambda row: (row.authored_at, row.recorded_at, row.id))
        ids = {row.patient_id for row in rows}
        self.patients = {one.id: one for one in session.scalars(select(Patient).where(among(Patient.id, ids)))}
        self.plans = self._plans()
        self.series = _Series(session, self.rows)
        self.rule_sets: dict[tuple[str, ...], tuple[RuleSet, ...]] = {}

    def score(self) -> None:
        """Judge every report, write what was found, raise what has to be raised, tell patients what helps at once."""
        judged = [self._judge(row) for row in self.rows if row.status != ResponseStatus.ENTERED_IN_ERROR.value]
        for row in self.rows:
            row.score_at = None
        known = self._known([one.row.id for one in judged if one.again])
        new = [
            (one, made)
            for one in judged
            for made in [self._assessment(one)]
            if (made["response_id"], made["bundle_sha256"], made["rules_sha256"]) not in known
        ]
        if new:
            self.session.execute(insert(RiskAssessment), [made for _, made in new])
        raise_many(self.session, self.now, [self._case(one, made["id"]) for one, made in new])
        for one, _ in new:
            for alarm in one.alarms:
                if alarm.reply and self.now - one.row.authored_at <= FRESH:
                    self._advise(one, alarm)

    def _judge(self, row: QuestionnaireResponse) -> _Judged:
        patient = self.patients[row.patient_id]
        plan = self.plans.get(row.care_plan_id) if row.care_plan_id else None
        own, history = self.series.of(row)
        findings: tuple[Finding, ...] = ()
        assessment, failure, sha256, bundle = None, NO_PLAN, "", ""
        if plan is not None:
            bundle = plan.bundle or ""
            try:
                rule_sets = self._rules(plan)
                sha256 = rules_sha256(rule_sets)
                report = Report(str(row.id), row.authored_at, own, _LazyAnswers(self.session, row))
                findings = judge(rule_sets, report, history)
                assessment, failure = self._assess(bundle, (*history, *own), row.authored_at, patient)
            except Exception as error:  # noqa: BLE001  whatever it is: a nurse looks at this one, the others are judged
                logger().error("report could not be judged", response_id=str(row.id), exc_info=error)
                assessment, failure = None, CRASHED
        expected = failure in ABSTAINS
        alarms = triage(findings, assessment, None if expected else failure or None)
        again, row.judged = row.judged is not None, _word(alarms)
        return _Judged(row, again, patient, own, findings, assessment, failure or None, alarms, sha256, bundle)

    def _assess(
        self, bundle: str, measures: Sequence[Measure], at: datetime, patient: Patient
    ) -> tuple[Assessment | None, str]:
        """(assessment, why there is none). A protocol without a model is judged by rules alone, which is no failure."""
        if not bundle:
            return None, ""
        try:
            return self.rt.assess(bundle, measures, at, patient.time_zone), ""
        except AssessmentError as error:
            return None, error.reason

    def _rules(self, plan: PlanDefinition) -> tuple[RuleSet, ...]:
        found = self.rule_sets.get(plan.rules)
        if found is None:
            found = self.rule_sets[plan.rules] = tuple(content.rule_sets(self.session, plan.rules))
        return found

    def _plans(self) -> dict[UUID, PlanDefinition]:
        ids = {row.care_plan_id for row in self.rows if row.care_plan_id}
        if not ids:
            return {}
        found = self.session.execute(select(CarePlan.id, CarePlan.definition_id).where(among(CarePlan.id, ids)))
        return {row.id: content.plan(self.session, row.definition_id) for row in found}

    def _known(self, ids: Sequence[UUID]) -> set[tuple[UUID, str, str]]:
        if not ids:
            return set()
        found = select(RiskAssessment.response_id, RiskAssessment.bundle_sha256, RiskAssessment.rules_sha256)
        rows = self.session.execute(found.where(among(RiskAssessment.response_id, ids)))
        return {(row.response_id, row.bundle_sha256, row.rules_sha256) for row in rows}

    def _assessment(self, one: _Judged) -> dict[str, Any]:
        """The columns of the row from which anyone can walk back to what it was computed from."""
        made, row = one.assessment, one.row
        inputs = {measure.id for measure in one.own}
        inputs.update(ref for finding in one.findings for ref in finding.refs)
        inputs.update(made.inputs if made else ())
        return {
            "id": new_id(),
            "organization_id": row.organization_id,
            "patient_id": row.patient_id,
            "response_id": row.id,
            "bundle_id": one.bundle,
            "bundle_sha256": made.bundle_sha256 if made else "",
            "rules_sha256": one.rules_sha256,
            "risk": made.risk if made else None,
            "band": made.band if made else None,
            "reason": one.reason,
            "vector": list(made.vector) if made else [],
            "contributions": [_contribution(part) for part in made.contributions] if made else [],
            "missing": list(made.missing) if made else [],
            "inputs": sorted(inputs),
            "findings": [_finding(finding) for finding in one.findings],
            "at": row.authored_at,
            "recorded_at": self.now,
        }

    def _case(self, one: _Judged, assessment_id: UUID) -> Case:
        return Case(
            one.row.organization_id,
            one.patient.care_team_id,
            one.row.patient_id,
            one.row.authored_at,
            one.alarms,
            frozenset(measure.code for measure in one.own),
            response_id=one.row.id,
            communication_id=one.row.communication_id,
            assessment_id=assessment_id,
        )

    def _advise(self, one: _Judged, alarm: Alarm) -> None:
        """What the patient can do at once, in the rule's own words."""
        patient = one.patient
        words = texts().say(patient.language, str(alarm.reply), number=emergency_number(patient.country))
        outbox.enqueue(
            self.session,
            self.now,
            purpose=Purpose.REPLY,
            text=words,
            dedupe=f"advice:{one.row.id}:{alarm.cause}",
            patient=patient,
            priority=alarm.priority,
            response_id=one.row.id,
        )


class _Series:
    """The observations that a batch needs, read once: each report's own and what came before it.

    Ids are read as text: many are compared, and a UUID's comparison is slow.
    """

    def __init__(self, session: Session, rows: Sequence[QuestionnaireResponse]) -> None:
        self._own: dict[str, list[Measure]] = {str(row.id): [] for row in rows}
        self._all: dict[str, list[Measure]] = {str(row.patient_id): [] for row in rows}
        self._times: dict[str, list[datetime]] = {}
        if not rows:
            return
        amended = [row.id for row in rows if row.status == ResponseStatus.AMENDED.value]
        since, until = rows[0].authored_at - WINDOW, rows[-1].authored_at
        window = (
            among(Observation.patient_id, {row.patient_id for row in rows}),
            Observation.at >= since,
            Observation.at <= until,
            ~Observation.superseded,
        )
        self._read(session, window, counts=True)
        if amended:  # what a correction took out of the series is still judged as what was reported
            self._read(session, (among(Observation.response_id, amended), Observation.superseded), counts=False)
        self._times = {key: [one.at for one in found] for key, found in self._all.items()}

    def _read(self, session: Session, where: Sequence[Any], counts: bool) -> None:
        table = Observation
        found = select(
            cast(table.patient_id, Text),
            cast(table.response_id, Text),
            cast(table.id, Text),
            table.code,
            table.value,
            table.unit,
            table.at,
            table.comparator,
            table.context,
        )
        for row in session.execute(found.where(*where).order_by(table.at, table.id)):
            measure = Measure(*row[2:])
            if row[1] in self._own:
                self._own[row[1]].append(measure)
            if counts:
                self._all[row[0]].append(measure)

    def of(self, row: QuestionnaireResponse) -> tuple[tuple[Measure, ...], list[Measure]]:
        """(the report's own measures, the patient's others of the thirty days up to it)."""
        own = tuple(self._own[str(row.id)])
        series, times = self._all[str(row.patient_id)], self._times[str(row.patient_id)]
        first, last = bisect_left(times, row.authored_at - WINDOW), bisect_left(times, row.authored_at)
        mine = {one.id for one in own}  # a report's own measures are true when it is: only those need comparing
        return own, series[first:last] + [
            one for one in series[last : bisect_right(times, row.authored_at)] if one.id not in mine
        ]


class _LazyAnswers(Mapping[str, tuple[Answer, ...]]):
    """The answers of a report, opened only when a rule asks for one: most rules read measures."""

    def __init__(self, session: Session, row: QuestionnaireResponse) -> None:
        self._session, self._row = session, row
        self._opened: Answers | None = None

    def _answers(self) -> Answers:
        if self._opened is None:
            form = content.questionnaire(self._session, self._row.questionnaire)
            self._opened = from_response(form, self._row.document)
        return self._opened

    def __getitem__(self, link_id: str) -> tuple[Answer, ...]:
        return self._answers()[link_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers())

    def __len__(self) -> int:
        return len(self._answers())


def rules_sha256(rule_sets: Sequence[RuleSet]) -> str:
    """What names the rules that judged: the one set's content hash, or a hash over the hashes of several."""
    hashes = [one.sha256 for one in rule_sets]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _word(alarms: Sequence[Alarm]) -> str:
    if any(alarm.cause == "unscorable" for alarm in alarms):
        return "unscorable"
    return "flagged" if alarms else "nothing"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule_id,
        "version": finding.rule_version,
        "cause": finding.cause,
        "priority": finding.priority.value,
        "reason": finding.reason,
        "params": dict(finding.params),
        "refs": list(finding.refs),
    }


def _contribution(part: Any) -> dict[str, Any]:
    return {"name": part.name, "label": dict(part.label), "value": part.value, "logit": part.logit}


def _bury(session: Session, row: QuestionnaireResponse, error: str, now: datetime) -> None:
    """A report that could not be handled at all is a nurse's task."""
    patient = session.get(Patient, row.patient_id)
    if patient is None:
        raise NotFound("patient", "a report of nobody")
    row.judged = "unscorable"
    raise_alarms(
        session,
        now,
        patient=patient,
        organization_id=row.organization_id,
        care_team_id=patient.care_team_id,
        alarms=[Alarm("unscorable", Priority.URGENT, "unscorable", {"failure": error}, "doubt")],
        response_id=row.id,
    )
