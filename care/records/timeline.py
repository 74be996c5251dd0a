"""One patient's events in one order, whatever their noun: what happened, when it was true and when we knew.

Later nouns (imaging, notes, variants, annotations) join by one more SELECT of the union.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from care.records.communications import Communication
from care.records.consents import Consent
from care.records.escalations import Escalation
from care.records.observations import Observation
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment


@dataclass(frozen=True, slots=True)
class Event:
    """`at`: when it was true; `recorded_at`: when we knew. `kind` is FHIR's (or our) noun, `ref` the row's id.

    `source` says where it came from; `detail` holds codes and numbers, never a text or a name.
    """

    at: datetime
    recorded_at: datetime
    kind: str
    source: str
    ref: UUID
    detail: dict[str, Any]


def timeline(session: Session, patient_id: UUID, limit: int = 200, before: datetime | None = None) -> list[Event]:
    """The latest events with `at` < `before` (all, when it is None), the newest first."""
    parts = [part.limit(limit) for part in _parts(patient_id, before)]
    rows = union_all(*(select(part.subquery()) for part in parts)).subquery()
    newest = select(rows).order_by(rows.c.at.desc(), rows.c.recorded_at.desc(), rows.c.ref.desc()).limit(limit)
    return [Event(*row) for row in session.execute(newest)]


def _parts(patient_id: UUID, before: datetime | None) -> list[Select[Any]]:
    """One SELECT a noun, all with the columns of an Event, the newest first."""
    nouns = (
        (QuestionnaireResponse, "authored_at", "recorded_at", "source", ("questionnaire", "status", "judged")),
        (Observation, "at", "recorded_at", "", ("code", "value", "unit", "comparator", "context", "superseded")),
        (Communication, "at", "recorded_at", "channel", ("direction", "purpose", "status", "delivery", "screened")),
        (Escalation, "requested_at", "requested_at", "source", ("cause", "reason", "params", "status", "priority")),
        (RiskAssessment, "at", "recorded_at", "bundle_id", ("risk", "band", "reason")),
        (Consent, "at", "at", "source", ("purpose", "channel", "granted", "version")),
    )
    return [_part(patient_id, before, *noun) for noun in nouns]


def _part(
    patient_id: UUID,
    before: datetime | None,
    model: Any,
    at: str,
    recorded_at: str,
    source: str,
    names: tuple[str, ...],
) -> Select[Any]:
    moment = getattr(model, at)
    pairs = [part for name in names for part in (literal(name), getattr(model, name))]
    found = select(
        moment.label("at"),
        getattr(model, recorded_at).label("recorded_at"),
        literal(model.__name__).label("kind"),
        (getattr(model, source) if source else literal("report")).label("source"),
        model.id.label("ref"),
        func.jsonb_build_object(*pairs, type_=JSONB).label("detail"),
    ).where(model.patient_id == patient_id)
    if model is RiskAssessment:  # what is tried out in the shadow is no event of the patient's
        found = found.where(RiskAssessment.mode != "shadow")
    if before is not None:
        found = found.where(moment < before)
    return found.order_by(moment.desc(), model.id.desc())
