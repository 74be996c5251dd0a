"""Scoring: each report judged by the reviewed rules and, where its protocol names one, by a model that may only add.

A batch is read with a few statements whatever its size: the reports, their patients, plans, and one window of
observations. What cannot be judged becomes an alarm of its own, never a silence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose, ResponseStatus
from care.domain.measure import Measure
from care.domain.plan import PlanDefinition
from care.domain.rules import Finding, History, Report, RuleSet, judge
from care.domain.triage import Alarm, triage
from care.errors import NotFound
from care.library import emergency_number, texts
from care.logs import logger
from care.records.among import among
from care.records.care_plans import CarePlan
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse
from care.records.risk_assessments import NOTHING_SAID, RiskAssessment, columns, standing
from care.runtime import Runtime
from care.services import content, outbox
from care.services.alarms import Case, raise_alarms, raise_many
from care.services.emergencies import crisis_words
from care.services.modelling import CRASHED, WAITS, Models, Said
from care.services.models import Deployed
from care.services.queue import Queue, Worked, work
from care.services.series import LazyAnswers, Series
from care.services.thresholds import Thresholds

QUEUE = Queue("reports", QuestionnaireResponse, "score_at")
# A model that says it knows too little of a patient yet has not failed: the rules decide, and the reason is recorded.
ABSTAINS = frozenset({"too-few", "missing"})
FRESH = timedelta(hours=2)  # advice to measure again is of no use for a reading of last week
NO_PLAN = "no-plan"

# Statements are made once: making one costs about as much as the database needs for it.
_IDS = any_(bindparam("ids", type_=ARRAY(Uuid())))
_PEOPLE = (
    select(Patient, CarePlan.id, CarePlan.definition_id)
    .outerjoin(CarePlan, CarePlan.patient_id == Patient.id)
    .where(Patient.id == _IDS)
)


def score_due(
    session: Session, rt: Runtime, now: datetime, *, limit: int = 200, ids: Collection[UUID] | None = None
) -> Worked:
    """Score the reports that wait for it (of `ids`, if given), a patient's in the order they were true in; commits.

    A RiskAssessment is never edited: a report already judged by the same model and rules is not judged again.
    """

    def handle(inner: Session, rows: list[QuestionnaireResponse]) -> None:
        with inner.no_autoflush:  # a report's row is written once, with the end of its lease
            _Batch(inner, rt, rows, now).score()

    session.expire_all()  # rows that this session saw before are read as they are now
    return work(session, QUEUE, handle, now, limit=limit, bury=_bury, ids=ids)


@dataclass(slots=True)
class _Judged:
    """One report with all that was made of it; `again` when it had been judged before."""

    row: QuestionnaireResponse
    again: bool
    patient: Patient
    own: tuple[Measure, ...]
    findings: tuple[Finding, ...]
    said: Said
    shadows: tuple[Said, ...]
    reason: str | None
    alarms: tuple[Alarm, ...]
    rules_sha256: str


class _Batch:
    """The reports of one transaction with what is needed to judge them."""

    def __init__(self, session: Session, rt: Runtime, rows: Sequence[QuestionnaireResponse], now: datetime) -> None:
        self.session, self.rt, self.now = session, rt, now
        self.rows = sorted(rows, key=lambda row: (row.authored_at, row.recorded_at, row.id))
        self.patients: dict[UUID, Patient] = {}
        self.plans: dict[UUID, PlanDefinition] = {}
        for patient, plan_id, definition_id in session.execute(
            _PEOPLE, {"ids": list({row.patient_id for row in rows})}
        ):
            self.patients[patient.id] = patient
            if plan_id is not None:
                self.plans[plan_id] = content.plan(session, definition_id)
        self.contacts: dict[tuple[UUID, Purpose], ContactPoint | None] = {}
        self.series = Series(session, self.rows)
        self.deployed = deployed = Deployed(session)
        self.models = Models(session, rt, self.rows, self._bundles(), self.patients, deployed.serving, deployed.waits)
        self.thresholds = Thresholds(session, self.patients, now)
        self.rule_sets: dict[tuple[str, ...], tuple[RuleSet, ...]] = {}

    def score(self) -> None:
        """Judge every report, write what was found, raise what has to be raised, tell patients what helps at once."""
        judged = [self._judge(row) for row in self.rows if row.status != ResponseStatus.ENTERED_IN_ERROR.value]
        for row in self.rows:
            row.score_at = None
        known = self._known([one.row.id for one in judged if one.again])
        corrected = self._standing(judged)
        new, rows = [], []
        for one in judged:
            for said in (one.said, *one.shadows):
                made = self._assessment(one, said)
                if _once(made) in known:
                    continue
                known.add(_once(made))
                for key in (one.row.id, one.row.supersedes_id):
                    if key is not None and made["supersedes_id"] is None:
                        made["supersedes_id"] = corrected.get((key, said.mode == "shadow", said.bundle_id))
                corrected[one.row.id, said.mode == "shadow", said.bundle_id] = made["id"]
                rows.append(made)
                if said is one.said:
                    new.append((one, made))
        if rows:
            # with its empty columns written, or rows of different ones would be statements of their own
            self.session.execute(insert(RiskAssessment).execution_options(render_nulls=True), rows)
        raise_many(self.session, self.now, [self._case(one, made["id"], made["risk"]) for one, made in new])
        for one, _ in new:
            for alarm in one.alarms:
                if alarm.reply and self.now - one.row.authored_at <= FRESH:
                    self._advise(one, alarm)

    def _judge(self, row: QuestionnaireResponse) -> _Judged:
        patient = self.patients[row.patient_id]
        plan = self.plans.get(row.care_plan_id) if row.care_plan_id else None
        own, history = self.series.of(row)
        findings: tuple[Finding, ...] = ()
        said, sha256 = Said(), ""
        shadows: tuple[Said, ...] = ()
        failure = "" if row.questionnaire == MEASUREMENTS else NO_PLAN  # a laboratory knows nothing of plans
        try:
            rule_sets = self.thresholds.applied(self._rules(plan, own), patient.id)
            if rule_sets:
                sha256 = rules_sha256(rule_sets)
                report = Report(str(row.id), row.authored_at, own, LazyAnswers(self.session, row))
                findings = judge(rule_sets, report, History(history, in_order=True))
            if plan is not None:
                if plan.bundle:
                    said, shadows = self.models.ask(row, plan.bundle, own, history)
                failure = said.reason  # a protocol without a model is judged by rules alone, which is no failure
        except Exception as error:  # noqa: BLE001  whatever it is: a nurse looks at this one, the others are judged
            logger().error("report could not be judged", response_id=str(row.id), exc_info=error)
            said, shadows, failure = Said((plan.bundle or "") if plan else ""), (), CRASHED
        expected = failure == WAITS or (
            failure in ABSTAINS and any(one.value is not None or one.comparator for one in own)
        )
        told = None if expected else failure or None
        alarms = triage(findings, self.deployed.carried(said.assessment, patient), told)
        again, row.judged = row.judged is not None, _word(alarms)
        return _Judged(row, again, patient, own, findings, said, shadows, failure or None, alarms, sha256)

    def _bundles(self) -> dict[UUID, str]:
        """Which bundle each report's protocol names, of those that name one."""
        found = {}
        for row in self.rows:
            plan = self.plans.get(row.care_plan_id) if row.care_plan_id else None
            if plan is not None and plan.bundle:
                found[row.id] = plan.bundle
        return found

    def _rules(self, plan: PlanDefinition | None, own: Sequence[Measure]) -> tuple[RuleSet, ...]:
        """The protocol's rule sets, and those that judge what is in this report whatever its protocol."""
        named = plan.rules if plan is not None else ()
        found = self.rule_sets.get(named)
        if found is None:
            found = self.rule_sets[named] = tuple(content.rule_sets(self.session, named))
        standing = content.standing_rule_sets(self.session, {measure.code for measure in own})
        known = {one.url for one in found}
        return (*found, *(one for one in standing if one.url not in known))

    def _known(self, ids: Sequence[UUID]) -> set[tuple[UUID, str, str, bool]]:
        if not ids:
            return set()
        found = select(
            RiskAssessment.response_id, RiskAssessment.bundle_sha256, RiskAssessment.rules_sha256, RiskAssessment.mode
        )
        rows = self.session.execute(found.where(among(RiskAssessment.response_id, ids)))
        return {_once(dict(zip(rows.keys(), row, strict=True))) for row in rows}

    def _standing(self, judged: Sequence[_Judged]) -> dict[tuple[UUID, bool, str], UUID]:
        """What was said of the reports that are corrected or judged anew: the latest, by report, shadow and bundle."""
        ids = {one.row.supersedes_id for one in judged if one.row.supersedes_id is not None}
        ids.update(one.row.id for one in judged if one.again)
        rows = standing(self.session, list(ids))
        return {(row.response_id, row.mode == "shadow", row.bundle_id): row.id for row in rows}

    def _assessment(self, one: _Judged, said: Said) -> dict[str, Any]:
        """The columns of the row from which anyone can walk back to what it was computed from."""
        made, row = said.assessment, one.row
        inputs = {measure.id for measure in one.own}
        inputs.update(ref for finding in one.findings for ref in finding.refs)
        inputs.update(made.inputs if made else ())
        return (columns(made) if made else NOTHING_SAID) | {
            "id": new_id(),
            "organization_id": row.organization_id,
            "patient_id": row.patient_id,
            "response_id": row.id,
            "bundle_id": said.bundle_id,
            "bundle_sha256": said.bundle_sha256,
            "rules_sha256": one.rules_sha256,
            "mode": said.mode,
            "reason": one.reason if said is one.said else said.reason or None,
            "inputs": sorted(inputs),
            "findings": [_finding(finding) for finding in one.findings],
            "zone": one.patient.time_zone,
            "supersedes_id": None,
            "at": row.authored_at,
            "recorded_at": self.now,
        }

    def _case(self, one: _Judged, assessment_id: UUID, risk: float | None) -> Case:
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
            risk=risk,
        )

    def _advise(self, one: _Judged, alarm: Alarm) -> None:
        """What the patient can do at once, in the rule's own words; in danger it is said whatever the consent."""
        patient = one.patient
        if alarm.reply == "crisis-reply":
            words = crisis_words(patient.language, patient.country)
        else:
            words = texts().say(patient.language, str(alarm.reply), number=emergency_number(patient.country))
        purpose = Purpose.EMERGENCY if alarm.priority is Priority.STAT else Purpose.REPLY
        if (patient.id, purpose) not in self.contacts:
            place = outbox.best_contact(self.session, patient.id, purpose, self.rt, patient.country)
            self.contacts[patient.id, purpose] = place
        outbox.enqueue(
            self.session,
            self.now,
            purpose=purpose,
            text=words,
            dedupe=f"advice:{one.row.id}:{alarm.cause}",
            patient=patient,
            contact=self.contacts[patient.id, purpose],
            priority=alarm.priority,
            response_id=one.row.id,
            check=False,
        )


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


def _once(row: Mapping[str, Any]) -> tuple[UUID, str, str, bool]:
    """A report is judged once by a bundle and rules, and once more in the shadow."""
    return row["response_id"], row["bundle_sha256"], row["rules_sha256"], row["mode"] == "shadow"


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
