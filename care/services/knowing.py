"""What a model is given of a patient: the thirty days that the rules read, or as far back as its bundle looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Text, and_, cast, or_, select
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment, Reads
from care.domain.measure import Measure
from care.errors import NotFound
from care.records.among import among
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment, read
from care.services.series import WINDOW

AGE = "30525-0"  # LOINC: age, in years ("a")
_AGED = "age:"
_YEAR = 365.25
_MARGIN = timedelta(days=2)  # a bundle counts civil days, which begin elsewhere up to a day earlier


class Knowledge:
    """What the bundles of a batch read beyond the rules' thirty days, in one statement for all of its patients.

    `wanted` is what each patient's bundle reads; None of a patient whose bundle has no need of more.
    """

    def __init__(
        self, session: Session, rows: Sequence[QuestionnaireResponse], wanted: Mapping[UUID, Reads | None]
    ) -> None:
        self._wanted = {key: reads for key, reads in wanted.items() if reads is not None and _is_more(reads)}
        self._found: dict[UUID, list[Measure]] = {key: [] for key in self._wanted}
        if not self._wanted:
            return
        codes = {code for reads in self._wanted.values() for code in reads.codes}
        ever = {code for reads in self._wanted.values() for code in reads.ever}
        furthest = timedelta(days=max(reads.days for reads in self._wanted.values())) + _MARGIN
        since, until = rows[0].authored_at - furthest, rows[-1].authored_at
        found = select(
            Observation.patient_id,
            cast(Observation.id, Text),
            Observation.code,
            Observation.value,
            Observation.unit,
            Observation.at,
            Observation.comparator,
            Observation.context,
        ).where(
            among(Observation.patient_id, self._wanted),
            Observation.at <= until,
            ~Observation.superseded,
            or_(and_(Observation.code.in_(codes), Observation.at >= since), Observation.code.in_(ever)),
        )
        for row in session.execute(found.order_by(Observation.at, Observation.id)):
            self._found[row[0]].append(Measure(*row[1:]))

    def of(
        self, row: QuestionnaireResponse, patient: Patient, own: Sequence[Measure], history: Sequence[Measure]
    ) -> tuple[Measure, ...]:
        """All that the bundle is given for this report: what was true up to it, the report's own, and the age."""
        reads = self._wanted.get(row.patient_id)
        if reads is None:
            return (*history, *own)
        mine = {one.id for one in own}
        past = [one for one in self._found[row.patient_id] if one.at <= row.authored_at and one.id not in mine]
        aged = [age_of(patient, row.authored_at)] if AGE in reads.ever else []
        return (*past, *own, *(one for one in aged if one is not None))


def age_of(patient: Patient, at: datetime) -> Measure | None:
    """The patient's age in years at a moment, as a measure; None where nobody knows when they were born."""
    born = patient.identity.get("birth_date")
    if not born:
        return None
    began = datetime.combine(date.fromisoformat(str(born)), time(), UTC)
    return Measure(f"{_AGED}{patient.id}", AGE, (at - began).total_seconds() / 86400 / _YEAR, "a", at)


def _is_more(reads: Reads) -> bool:
    return bool(reads.ever) or timedelta(days=reads.days) > WINDOW


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a judgement: the row, the assessment in it (None: none was made), and the measures that it
    names, as they were (None: not all of them are there any more)."""

    row: RiskAssessment
    assessment: Assessment | None
    measures: tuple[Measure, ...] | None


def kept(session: Session, assessment_id: UUID) -> Kept:
    """All that an assessment can be reckoned from once more. NotFound where there is no such assessment."""
    row = session.get(RiskAssessment, assessment_id)
    if row is None:
        raise NotFound("assessment", "no such assessment")
    wanted = {one for one in row.inputs if not one.startswith(_AGED)}
    ids = [UUID(one) for one in wanted]
    observed = session.scalars(select(Observation).where(among(Observation.id, ids))).all()
    measures: tuple[Measure, ...] | None = tuple(one.measure() for one in observed)
    patient = session.get(Patient, row.patient_id)
    if len(observed) < len(wanted) or patient is None:
        measures = None
    elif len(wanted) < len(row.inputs):
        aged = age_of(patient, row.at)
        measures = (*measures, aged) if measures is not None and aged is not None else None
    return Kept(row, read(row), measures)
