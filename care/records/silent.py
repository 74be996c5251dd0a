"""Silent patients: of every patient of a team with a plan, what tells whether and why they have gone quiet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.domain.silence import MARKED, Cause, Known, cause_of
from care.records.care_plans import CarePlan
from care.records.communications import Communication
from care.records.consents import EVERY_CHANNEL, FOLLOW_UP, Consent
from care.records.flags import Flag
from care.records.patients import ContactPoint, Patient, visible_to
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task

LOOKED_BACK = timedelta(days=28)
ARRIVED = ("delivered", "sent")
"""Deliveries that are not known to have been lost: with a channel that tells nothing, "sent" is all there is."""
ASKING = ("reminder", "question")


class Quiet(NamedTuple):
    """One silent patient. `last_report` is None where there has never been one."""

    patient_id: UUID
    cause: Cause
    missed: int
    since: datetime | None
    last_report: datetime | None


def silent(session: Session, staff: Staff, now: datetime) -> list[Quiet]:
    """The team's silent patients, the longest silence first (never a report: before all)."""
    found = []
    for row in session.execute(_known(staff, now)):
        marked = next((one for one in MARKED if one.value in row.marks), None)
        known = Known(
            row.missed,
            row.since,
            row.reachable,
            row.withdrawn,
            not row.runs,
            marked,
            bool(row.begun),
            bool(row.arrived),
        )
        cause = cause_of(known, now)
        if cause is not None:
            found.append(Quiet(row.patient_id, cause, row.missed, row.since, row.last_report))
    return sorted(found, key=lambda one: (one.last_report is not None, one.last_report or now, one.patient_id))


def _known(staff: Staff, now: datetime) -> Select[Any]:
    """One row a patient. Each question walks an index of that patient's, and none reads more than four weeks."""
    plans = select(CarePlan.status).where(CarePlan.patient_id == Patient.id)
    reported = (
        select(func.max(QuestionnaireResponse.authored_at).label("at"))
        .where(
            QuestionnaireResponse.patient_id == Patient.id,
            QuestionnaireResponse.status.in_(("completed", "amended")),
        )
        .lateral("reported")
    )
    missed = (
        select(func.count().label("number"), func.min(Task.due_at).label("since"))
        .where(
            Task.patient_id == Patient.id,
            Task.status == "failed",
            or_(Task.status_reason.is_(None), Task.status_reason.in_(("expired", "no-consent"))),
            Task.due_at > func.greatest(func.coalesce(reported.c.at, now - LOOKED_BACK), now - LOOKED_BACK),
            Task.due_at <= now,
        )
        .lateral("missed")
    )
    marks = (
        select(func.coalesce(func.array_agg(Flag.cause), []).label("causes"))
        .where(Flag.patient_id == Patient.id, Flag.status == "active", Flag.cause.in_([one.value for one in MARKED]))
        .lateral("marks")
    )
    quiet = missed.c.since.is_not(None)
    return (
        select(
            Patient.id.label("patient_id"),
            missed.c.number.label("missed"),
            missed.c.since,
            reported.c.at.label("last_report"),
            _reachable().label("reachable"),
            _withdrawn().label("withdrawn"),
            plans.where(CarePlan.status == "active").exists().label("runs"),
            marks.c.causes.label("marks"),
            and_(quiet, _begun(missed.c.since)).label("begun"),
            and_(quiet, _arrived(missed.c.since)).label("arrived"),
        )
        .select_from(Patient)
        .join(reported, true())
        .join(missed, true())
        .join(marks, true())
        .where(
            visible_to(staff),
            Patient.status == "active",
            plans.where(CarePlan.status.in_(("active", "on-hold"))).exists(),
        )
    )


def _reachable() -> ColumnElement[bool]:
    """Whether there is an address that works and may be written to."""
    wanted = (
        select(Consent.granted)
        .where(
            Consent.patient_id == ContactPoint.patient_id,
            Consent.purpose == FOLLOW_UP,
            or_(Consent.channel == ContactPoint.channel, Consent.channel == EVERY_CHANNEL),
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return exists().where(ContactPoint.patient_id == Patient.id, ContactPoint.status == "active", wanted)


def _withdrawn() -> ColumnElement[bool]:
    """Whether the patient said no: on the provider's side, or to us."""
    last = (
        select(Consent.granted)
        .where(Consent.patient_id == Patient.id, Consent.purpose == FOLLOW_UP)
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    opted = exists().where(ContactPoint.patient_id == Patient.id, ContactPoint.status == "opted-out")
    return or_(opted, last.is_(False))


def _begun(since: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether anything came from the patient: a part of a report, or a text."""
    part = exists().where(
        QuestionnaireResponse.patient_id == Patient.id,
        QuestionnaireResponse.status == "stopped",
        QuestionnaireResponse.authored_at >= since,
    )
    text = exists().where(
        Communication.patient_id == Patient.id, Communication.direction == "in", Communication.recorded_at >= since
    )
    return or_(part, text)


def _arrived(since: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a question of ours is not known to have been lost."""
    return exists().where(
        Communication.patient_id == Patient.id,
        Communication.recorded_at >= since,
        Communication.direction == "out",
        Communication.purpose.in_(ASKING),
        Communication.delivery.in_(ARRIVED),
    )
