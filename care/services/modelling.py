"""Asking models about the reports of a batch: who answers, what they are given, and what they said last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.assessment import Assessment, Before, Reads
from care.domain.measure import Measure
from care.errors import AssessmentError
from care.logs import logger
from care.records import risk_assessments
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.runtime import Runtime
from care.services.knowing import Knowledge

Mode = Literal["active", "canary", "shadow"]
CRASHED, WAITS = "crashed", "model-waits"


@dataclass(frozen=True, slots=True)
class Answering:
    """A model that is asked: `name` is the bundle's id or one version's hash. What is said in the shadow is kept, and
    raises nothing."""

    name: str
    mode: Mode = "active"


@dataclass(frozen=True, slots=True)
class Said:
    """What one model said of one report: its assessment, or the reason why there is none ('' where none was asked)."""

    bundle_id: str = ""
    bundle_sha256: str = ""
    mode: Mode = "active"
    assessment: Assessment | None = None
    reason: str = ""


# Who answers for a patient's bundle: at most one that is not in the shadow.
Serving = Callable[[str, Patient], Sequence[Answering]]


def newest_serves(bundle: str, patient: Patient) -> Sequence[Answering]:
    """The bundle's newest version answers, and nobody in the shadow."""
    return (Answering(bundle),)


class Models:
    """The models of a batch. `bundles` says which bundle each report's protocol names; rows are in their order."""

    def __init__(
        self,
        session: Session,
        rt: Runtime,
        rows: Sequence[QuestionnaireResponse],
        bundles: Mapping[UUID, str],
        patients: Mapping[UUID, Patient],
        serving: Serving = newest_serves,
        waits: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._rt, self._serving, self._waits = rt, serving, waits
        self._patients = patients
        asked = [row for row in rows if row.id in bundles]
        wanted = {row.patient_id: self._reads(bundles[row.id], patients[row.patient_id]) for row in asked}
        self._knowledge = Knowledge(session, asked, wanted)
        pairs = [(row.patient_id, bundles[row.id], row.authored_at, row.supersedes_id) for row in asked]
        stored = risk_assessments.last_before(session, pairs)
        self._stored = {row.id: stored[place] for place, row in enumerate(asked) if place in stored}
        self._said: dict[tuple[UUID, str], tuple[datetime, Before, UUID]] = {}

    def ask(
        self, row: QuestionnaireResponse, bundle: str, own: Sequence[Measure], history: Sequence[Measure]
    ) -> tuple[Said, tuple[Said, ...]]:
        """(what counts, what was said in the shadow). Nobody who may answer is a reason too: model-off; or
        model-waits, while a bundle that nobody was let to hear yet is tried in the shadow."""
        patient = self._patients[row.patient_id]
        given = self._knowledge.of(row, patient, own, history)
        counts = Said(bundle, reason=WAITS if self._waits(bundle) else "model-off")
        shadows = []
        for one in self._serving(bundle, patient):
            said = self._say(one, bundle, row, patient, given)
            if one.mode == "shadow":
                shadows.append(said)
            else:
                counts = said
        if counts.assessment is not None:
            self._said[row.patient_id, bundle] = row.authored_at, counts.assessment.before(), row.id
        return counts, tuple(shadows)

    def _say(
        self, one: Answering, bundle: str, row: QuestionnaireResponse, patient: Patient, given: Sequence[Measure]
    ) -> Said:
        try:
            found = self._rt.assess(one.name, given, row.authored_at, patient.time_zone, self._before(row, bundle))
        except AssessmentError as error:
            return Said(bundle, error.bundle_sha256, one.mode, None, error.reason)
        except Exception as error:
            if one.mode != "shadow":
                raise
            logger().error("a model in the shadow crashed", response_id=str(row.id), exc_info=error)
            return Said(bundle, "", one.mode, None, CRASHED)
        return Said(bundle, found.bundle_sha256, one.mode, found)

    def _before(self, row: QuestionnaireResponse, bundle: str) -> Before | None:
        """The patient's last assessment before this report, of this batch or of an earlier one."""
        stored, here = self._stored.get(row.id), self._said.get((row.patient_id, bundle))
        if here is not None and (here[0] >= row.authored_at or here[2] == row.supersedes_id):
            here = None
        if stored is None or (here is not None and here[0] >= stored[0]):
            return here[1] if here is not None else None
        return stored[1]

    def _reads(self, bundle: str, patient: Patient) -> Reads | None:
        """All that those who answer want to be given, together."""
        found = [reads for one in self._serving(bundle, patient) if (reads := self._rt.reads(one.name)) is not None]
        if not found:
            return None
        codes, ever = (frozenset().union(*parts) for parts in zip(*((r.codes, r.ever) for r in found), strict=True))
        return Reads(codes, max(reads.days for reads in found), ever)
