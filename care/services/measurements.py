"""Measurements: values from elsewhere are kept, then judged like a report.

The new values of one patient and moment become a measurement report: it has no form and no words, and it waits for
scoring with all others. So rules and models see a value at once, and nothing else needs to know that it was not told
by the patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.domain.codes import ResponseStatus
from care.domain.observation import CORRECTIONS, ERROR, PRELIMINARY, Reading, in_judged_unit
from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.records.care_plans import CarePlan, active_plans
from care.records.observations import Observation, of_identifier
from care.records.patients import Patient
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse
from care.records.seal import token
from care.services import audits, content

NEWS = timedelta(days=7)
"""What is older is history that is being loaded: rules and models look back on it, and it raises nothing by itself."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands values in: an integrator or a member of staff."""

    source: str
    id: UUID
    organization_id: UUID
    staff: Staff | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one observation: created, corrected, withdrawn or unchanged; and the ids of its values."""

    result: str
    ids: tuple[UUID, ...]


class Intake:
    """The values of one request; nothing of it is committed here. The patients' locks are held by the caller."""

    def __init__(self, session: Session, now: datetime, sender: Sender) -> None:
        self.session, self.now, self.sender = session, now, sender
        self._units = {code: unit for one in content.newest_rule_sets(session) for code, unit in one.units.items()}
        self._new: list[tuple[Patient, Observation]] = []
        self._left: set[tuple[UUID, bool]] = set()

    def keep(self, patient: Patient, readings: Sequence[Reading], name: str) -> Kept:
        """Keep the values of one observation, whose name is `name`, or none of them.

        Raises Conflict when the name was used for another value (a correction says that it is one) or another
        patient, Invalid when what is withdrawn was never there.
        """
        made: list[tuple[Patient, Observation]] = []
        left: set[tuple[UUID, bool]] = set()
        done = [self._keep(patient, one, name, made, left) for one in readings]
        self.session.flush()
        self._new += made
        self._left |= left
        results = {result for result, _ in done}
        result = next(one for one in ("corrected", "withdrawn", "created", "unchanged") if one in results)
        return Kept(result, tuple(row_id for _, row_id in done))

    def close(self) -> None:
        """Queue what is new for scoring, and let go of reports of which nothing counts any more; audits."""
        reports: dict[tuple[UUID, datetime], QuestionnaireResponse] = {}
        counts: dict[UUID, int] = {}
        for patient, row in self._new:
            counts[patient.id] = counts.get(patient.id, 0) + 1
            if self.now - row.at > NEWS or row.superseded:
                continue
            report = reports.get((patient.id, row.at))
            if report is None:
                report = reports[patient.id, row.at] = self._report(patient, row.at)
            row.response_id = report.id
            report.supersedes_id = report.supersedes_id or self._report_of(row.supersedes_id)
        self.session.flush()
        self._let_go()
        for patient_id, count in counts.items():
            audits.record(
                self.session,
                self.now,
                "observation.receive",
                "patient",
                patient_id,
                staff=self.sender.staff,
                agent_kind="" if self.sender.staff else self.sender.source,
                agent_id=self.sender.id,
                patient_id=patient_id,
                organization_id=self.sender.organization_id,
                count=count,
            )

    def _keep(
        self,
        patient: Patient,
        reading: Reading,
        name: str,
        made: list[tuple[Patient, Observation]],
        left: set[tuple[UUID, bool]],
    ) -> tuple[str, UUID]:
        identifier = token("observation", f"{self.sender.organization_id}|{name}|{reading.part}")
        value, unit = in_judged_unit(reading, self._units)
        before = of_identifier(self.session, identifier)
        told = (patient.id, reading.code, value, unit, reading.comparator, reading.at, reading.status)
        for row in before:
            if told == (row.patient_id, row.code, row.value, row.unit, row.comparator, row.at, row.status):
                return "unchanged", row.id
        last = next((row for row in before if not row.superseded), None)
        if reading.status == ERROR:
            return self._withdraw(patient, last, before, left)
        if before:
            self._may_replace(patient, reading, before[0])
        if last is not None:
            last.superseded = True
            self.session.flush()
            if last.response_id is not None:
                left.add((last.response_id, False))
        row = Observation(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            code=reading.code,
            value=value,
            unit=unit,
            comparator=reading.comparator,
            context="",
            at=reading.at,
            recorded_at=self.now,
            superseded=False,
            source=self.sender.source,
            source_id=self.sender.id,
            status=reading.status,
            identifier=identifier,
            supersedes_id=before[0].id if before else None,
        )
        self.session.add(row)
        made.append((patient, row))
        return ("corrected" if before else "created"), row.id

    def _may_replace(self, patient: Patient, reading: Reading, last: Observation) -> None:
        final_after_preliminary = last.status == PRELIMINARY and not last.superseded
        if last.patient_id != patient.id or not (reading.status in CORRECTIONS or final_after_preliminary):
            raise Conflict(
                "identifier-used",
                "this identifier has another value; a correction has the status amended or corrected",
                place="identifier",
            )

    def _withdraw(
        self, patient: Patient, last: Observation | None, before: Sequence[Observation], left: set[tuple[UUID, bool]]
    ) -> tuple[str, UUID]:
        if not before or before[0].patient_id != patient.id:
            raise Invalid("unknown-observation", "there is no such observation to withdraw", place="identifier")
        if last is None:
            return "unchanged", before[0].id
        last.superseded, last.status = True, ERROR
        if last.response_id is not None:
            left.add((last.response_id, True))
        return "withdrawn", last.id

    def _report(self, patient: Patient, at: datetime) -> QuestionnaireResponse:
        plan = self._plan(patient.id)
        row = QuestionnaireResponse(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            questionnaire=MEASUREMENTS,
            care_plan_id=plan.id if plan else None,
            status=ResponseStatus.COMPLETED.value,
            source=self.sender.source,
            authored_at=at,
            recorded_at=self.now,
            score_at=self.now,
        )
        row.document = {"resourceType": "QuestionnaireResponse", "questionnaire": MEASUREMENTS, "item": []}
        self.session.add(row)
        self.session.flush()
        return row

    def _plan(self, patient_id: UUID) -> CarePlan | None:
        """The plan whose rules and model judge the values: the first with a model, or else the first."""
        plans = active_plans(self.session, patient_id)
        with_model = (one for one in plans if content.plan(self.session, one.definition_id).bundle)
        return next(with_model, plans[0] if plans else None)

    def _report_of(self, observation_id: UUID | None) -> UUID | None:
        if observation_id is None:
            return None
        return self.session.scalars(select(Observation.response_id).where(Observation.id == observation_id)).first()

    def _let_go(self) -> None:
        """A report of which nothing counts any more: amended (what was reported once is judged), or an error."""
        for report_id, error in sorted(self._left):
            counting = select(func.count()).where(Observation.response_id == report_id, ~Observation.superseded)
            report = self.session.get(QuestionnaireResponse, report_id)
            if report is None or report.questionnaire != MEASUREMENTS or self.session.scalar(counting):
                continue
            status = ResponseStatus.ENTERED_IN_ERROR if error else ResponseStatus.AMENDED
            report.status = status.value
