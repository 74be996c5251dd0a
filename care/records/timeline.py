"""One patient's events in one order, whatever their noun: what happened, when it was true and when we knew.

Each noun is one SELECT of the union, read from its own index from a place on, so that a page costs the same whether the
patient has ten reports or a hundred thousand. Later nouns (imaging, variants, annotations) join by one more line.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, Uuid, bindparam, func, literal, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Session

from care.records.communications import Communication
from care.records.consents import Consent
from care.records.escalations import Escalation
from care.records.keyset import Place
from care.records.notes import Note
from care.records.observations import Observation
from care.records.phone_calls import PhoneCall
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment
from care.records.tasks import Task


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


@dataclass(frozen=True, slots=True, eq=False)
class _Noun:
    """One table of events: its columns for when, when we knew and where from, what is told of it, and which rows."""

    model: Any
    at: str
    recorded_at: str
    source: str
    told: tuple[str, ...]
    only: tuple[ColumnElement[bool], ...] = ()


_REPORT = ("questionnaire", "status", "judged", "supersedes_id", "communication_id")
_VALUE = ("code", "value", "unit", "comparator", "context", "superseded", "response_id")
_MESSAGE = ("direction", "purpose", "status", "delivery", "screened", "practitioner_id")
_CASE = ("cause", "reason", "params", "status", "priority", "outcome", "owner_id")
_REPORTS = _Noun(QuestionnaireResponse, "authored_at", "recorded_at", "source", _REPORT)
_VALUES = _Noun(Observation, "at", "recorded_at", "source", _VALUE)
_MESSAGES = _Noun(Communication, "at", "recorded_at", "channel", _MESSAGE)
_CASES = _Noun(Escalation, "requested_at", "requested_at", "source", _CASE)
_SCORES = _Noun(  # what is tried out in the shadow is no event of the patient's
    RiskAssessment, "at", "recorded_at", "bundle_id", ("risk", "band", "reason"), (RiskAssessment.mode != "shadow",)
)
_CONSENTS = _Noun(Consent, "at", "at", "source", ("purpose", "channel", "granted", "version"))
_NOTES = _Noun(Note, "at", "at", "", ("author_id",))
_CALLS = _Noun(PhoneCall, "at", "at", "", ("author_id", "outcome"))
_MISSED = _Noun(
    Task, "due_at", "expires_at", "", ("action_id", "questionnaire", "status_reason"), (Task.status == "failed",)
)
_ALL = (_REPORTS, _VALUES, _MESSAGES, _CASES, _SCORES, _CONSENTS, _NOTES, _CALLS, _MISSED)

STORY: dict[str, tuple[_Noun, ...]] = {
    "report": (replace(_REPORTS, only=(QuestionnaireResponse.questionnaire != MEASUREMENTS,)),),
    "measurement": (
        replace(_REPORTS, only=(QuestionnaireResponse.questionnaire == MEASUREMENTS,)),
        replace(_VALUES, only=(Observation.response_id.is_(None),)),
    ),
    "message": (replace(_MESSAGES, at="recorded_at", only=(Communication.purpose.not_in(("page", "sign-in")),)),),
    "call": (_CALLS,),
    "escalation": (_CASES,),
    "note": (_NOTES,),
    "missed": (_MISSED,),
    "consent": (_CONSENTS,),
}
"""A patient's story by what a reader may want alone. A value belongs to its report. A message stands where it reached
us, which is what its index is of; pages and one-time codes are no part of it."""


def timeline(
    session: Session, patient_id: UUID, limit: int = 200, before: datetime | Place | None = None
) -> list[Event]:
    """The latest events of every noun with `at` < `before`, or behind that place (None: all), the newest first."""
    return _read(session, patient_id, _ALL, limit, before)


def story_of(
    session: Session, patient_id: UUID, kinds: Collection[str] = (), limit: int = 100, before: Place | None = None
) -> list[Event]:
    """The events that a reader follows, of these kinds of STORY (all, when none is named), behind a place."""
    wanted = tuple(noun for kind, nouns in STORY.items() if not kinds or kind in kinds for noun in nouns)
    return _read(session, patient_id, wanted, limit, before)


def _read(
    session: Session, patient_id: UUID, nouns: tuple[_Noun, ...], limit: int, before: datetime | Place | None
) -> list[Event]:
    place = before if isinstance(before, tuple) else (before, None)
    values = {"patient": patient_id, "most": limit, "at": place[0], "ref": place[1]}
    which = "row" if place[1] is not None else "moment" if place[0] is not None else ""
    return [Event(*row) for row in session.execute(_statement(nouns, which), values)]


@cache
def _statement(nouns: tuple[_Noun, ...], which: str) -> Select[Any]:
    """Made once for each choice of nouns: making it costs more than the database needs for it."""
    most = bindparam("most", type_=Integer())
    parts = [select(_part(noun, which).limit(most).subquery()) for noun in nouns]
    rows = union_all(*parts).subquery()
    return select(rows).order_by(rows.c.at.desc(), rows.c.ref.desc()).limit(most)


def _part(noun: _Noun, which: str) -> Select[Any]:
    """One noun's events with the columns of an Event, the newest first; behind a row, before a moment, or all."""
    model: Any = noun.model
    moment = getattr(model, noun.at)
    pairs = [part for name in noun.told for part in (literal(name), getattr(model, name))]
    found = select(
        moment.label("at"),
        getattr(model, noun.recorded_at).label("recorded_at"),
        literal(model.__name__).label("kind"),
        (getattr(model, noun.source) if noun.source else literal("staff")).label("source"),
        model.id.label("ref"),
        func.jsonb_build_object(*pairs, type_=JSONB).label("detail"),
    ).where(model.patient_id == bindparam("patient", type_=Uuid()), *noun.only)
    at = bindparam("at", type_=TIMESTAMP(timezone=True))
    if which == "row":
        found = found.where(tuple_(moment, model.id) < tuple_(at, bindparam("ref", type_=Uuid())))
    elif which == "moment":
        found = found.where(moment < at)
    return found.order_by(moment.desc(), model.id.desc())
