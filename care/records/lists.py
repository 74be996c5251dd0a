"""Lists: what a page with many patients asks for, each in one query, each behind the one guard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, bindparam, case, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import NotFound
from care.records.among import among
from care.records.care_plans import CarePlan
from care.records.communications import Communication
from care.records.definitions import Definition
from care.records.escalations import Escalation
from care.records.observations import Observation
from care.records.organizations import CareTeam
from care.records.patients import Patient, visible_to
from care.records.practitioners import Practitioner
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment
from care.records.tasks import Task

MOST_ANSWERS = 4  # to one text: thanks, a word of advice, a question, and one more


def closed_escalations(session: Session, staff: Staff, limit: int = 20) -> list[Escalation]:
    """The team's escalations that ended last."""
    found = select(Escalation).where(Escalation.status == "completed", visible_to(staff, Escalation))
    return list(session.scalars(found.order_by(Escalation.completed_at.desc(), Escalation.id.desc()).limit(limit)))


def escalations_of(session: Session, staff: Staff, patient_id: UUID, limit: int = 50) -> list[Escalation]:
    """One patient's escalations: the open ones first by urgency, then the closed ones, newest first."""
    found = select(Escalation).where(Escalation.patient_id == patient_id, visible_to(staff, Escalation))
    closed = Escalation.status == "completed"
    rank = case((closed, -1), else_=Escalation.rank)
    return list(session.scalars(found.order_by(rank.desc(), Escalation.requested_at.desc()).limit(limit)))


def patients_by_id(session: Session, staff: Staff, ids: set[UUID]) -> dict[UUID, Patient]:
    """These patients, as far as `staff` may see them."""
    if not ids:
        return {}
    found = session.scalars(select(Patient).where(Patient.id.in_(ids), visible_to(staff)))
    return {patient.id: patient for patient in found}


# One short walk down an index for each line: the planner would rather read every value of two weeks.
_LATEST = text(
    "SELECT asked.patient_id, asked.code, o.value FROM unnest(:patients, :codes) AS asked (patient_id, code)"
    " CROSS JOIN LATERAL (SELECT value, at FROM observation"
    " WHERE patient_id = asked.patient_id AND code = asked.code AND at >= :since AND at <= :until"
    " AND value IS NOT NULL AND NOT superseded ORDER BY at DESC LIMIT :most) o ORDER BY o.at"
).bindparams(bindparam("patients", type_=ARRAY(Uuid())), bindparam("codes", type_=ARRAY(Text())))


def latest_values(
    session: Session, asked: set[tuple[UUID, str]], now: datetime, days: int = 14, limit: int = 12
) -> dict[tuple[UUID, str], list[float]]:
    """The last values of these patients' codes, oldest first, by (patient, code)."""
    if not asked:
        return {}
    patients, codes = (list(column) for column in zip(*sorted(asked), strict=True))
    given = {"patients": patients, "codes": codes, "since": now - timedelta(days=days), "until": now, "most": limit}
    found: dict[tuple[UUID, str], list[float]] = {}
    for row in session.execute(_LATEST, given):
        found.setdefault((row.patient_id, row.code), []).append(row.value)
    return found


def waiting(session: Session, staff: Staff, limit: int = 200) -> list[Communication]:
    """Texts of the team's patients, and of unknown senders, that wait for a person; the longest waiting first."""
    found = select(Communication).where(Communication.waits_since.is_not(None), visible_to(staff, Communication))
    return list(session.scalars(found.order_by(Communication.waits_since, Communication.id).limit(limit)))


def replies_to(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Communication]]:
    """What the bot answered to each of these texts, in its order: an answer is named by the text it follows."""
    names = {f"turn:{one}:{number}": one for one in ids for number in range(MOST_ANSWERS)}
    found: dict[UUID, list[Communication]] = {}
    rows = session.scalars(select(Communication).where(among(Communication.dedupe, names)))
    for row in sorted(rows, key=lambda one: one.dedupe or ""):
        found.setdefault(names[str(row.dedupe)], []).append(row)
    return found


def communication_of(session: Session, staff: Staff, communication_id: UUID, lock: bool = False) -> Communication:
    """The text that somebody wrote to us, if `staff` may see it. Raises NotFound otherwise, and for what we wrote."""
    found = select(Communication).where(
        Communication.id == communication_id, Communication.direction == "in", visible_to(staff, Communication)
    )
    row = session.scalars(found.with_for_update() if lock else found).first()
    if row is None:
        raise NotFound("communication", "no such text")
    return row


def same_thread(session: Session, staff: Staff, message: Communication, lock: bool = False) -> list[Communication]:
    """Everything that waits in the same thread: of the same patient, or from the same unknown address."""
    same: ColumnElement[bool] = Communication.patient_id == message.patient_id
    if message.patient_id is None:
        same = and_(Communication.patient_id.is_(None), Communication.address_token == message.address_token)
    found = select(Communication).where(Communication.waits_since.is_not(None), visible_to(staff, Communication), same)
    found = found.order_by(Communication.id)
    return list(session.scalars(found.with_for_update() if lock else found))


def assessments_by_id(session: Session, ids: set[UUID]) -> dict[UUID, RiskAssessment]:
    """These assessments, by id."""
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(RiskAssessment).where(RiskAssessment.id.in_(ids)))}


def responses_by_id(session: Session, ids: set[UUID]) -> dict[UUID, QuestionnaireResponse]:
    """These reports, by id."""
    if not ids:
        return {}
    found = select(QuestionnaireResponse).where(QuestionnaireResponse.id.in_(ids))
    return {row.id: row for row in session.scalars(found)}


def observations_of(session: Session, response_ids: set[UUID]) -> list[Observation]:
    """What these reports measured, in the order it was said."""
    if not response_ids:
        return []
    found = select(Observation).where(Observation.response_id.in_(response_ids))
    return list(session.scalars(found.order_by(Observation.at, Observation.id)))


def communications_by_id(session: Session, ids: set[UUID]) -> dict[UUID, Communication]:
    """These messages, by id."""
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(Communication).where(Communication.id.in_(ids)))}


def plans_of(session: Session, patient_id: UUID) -> list[tuple[CarePlan, Definition]]:
    """One patient's plans with the protocol each is pinned to, newest first."""
    found = select(CarePlan, Definition).join(Definition, Definition.id == CarePlan.definition_id)
    ordered = found.where(CarePlan.patient_id == patient_id).order_by(CarePlan.created_at.desc(), CarePlan.id.desc())
    return [(row[0], row[1]) for row in session.execute(ordered)]


def rule_set_documents(session: Session) -> list[Definition]:
    """All published rule sets; their documents carry each rule's citation."""
    found = select(Definition).where(Definition.kind == "RuleSet")
    return list(session.scalars(found.order_by(Definition.url, Definition.version)))


def staff_list(session: Session, staff: Staff) -> list[tuple[Practitioner, CareTeam | None]]:
    """Everyone of the organization with their team, in the order of their user names."""
    found = select(Practitioner, CareTeam).outerjoin(CareTeam, CareTeam.id == Practitioner.care_team_id)
    mine = found.where(Practitioner.organization_id == staff.organization_id)
    return [(row[0], row[1]) for row in session.execute(mine.order_by(Practitioner.username))]


def care_teams(session: Session, staff: Staff) -> list[CareTeam]:
    """The organization's care teams."""
    found = select(CareTeam).where(CareTeam.organization_id == staff.organization_id)
    return list(session.scalars(found.order_by(CareTeam.name)))


@dataclass(frozen=True)
class Cohort:
    """A team's patients as plain rows, one tuple a row, for a file: no name, no number to call, no text."""

    patients: list[tuple[UUID, str, str, str, datetime]]
    plans: list[tuple[UUID, str, str, str, datetime]]
    tasks: list[tuple[UUID, str, datetime]]
    measures: list[tuple[UUID, str, float, datetime]]
    escalations: list[tuple[UUID, str, str, str | None, datetime]]


def cohort(session: Session, staff: Staff, since: datetime, until: datetime) -> Cohort:
    """What a cohort file is made of: the team's patients, and what happened with them in since <= t < until."""
    team = select(Patient.id).where(visible_to(staff))
    o, e, t = Observation, Escalation, Task
    people = select(Patient.id, Patient.language, Patient.time_zone, Patient.status, Patient.created_at)
    plans = (
        select(CarePlan.patient_id, Definition.url, Definition.version, CarePlan.status, CarePlan.created_at)
        .join(Definition, Definition.id == CarePlan.definition_id)
        .where(CarePlan.patient_id.in_(team), CarePlan.created_at < until)
    )
    tasks = select(t.patient_id, t.status, t.due_at).where(t.patient_id.in_(team), t.due_at >= since, t.due_at < until)
    measures = select(o.patient_id, o.code, o.value, o.at).where(
        o.patient_id.in_(team), o.at >= since, o.at < until, o.value.is_not(None), ~o.superseded
    )
    raised = select(e.patient_id, e.priority, e.cause, e.outcome, e.requested_at).where(
        e.patient_id.in_(team), e.requested_at >= since, e.requested_at < until
    )

    def rows(query: Any) -> list[Any]:
        return [tuple(row) for row in session.execute(query)]

    return Cohort(
        rows(people.where(visible_to(staff)).order_by(Patient.id)),
        rows(plans.order_by(CarePlan.created_at)),
        rows(tasks.order_by(t.patient_id, t.due_at)),
        rows(measures.order_by(o.patient_id, o.at)),
        rows(raised.order_by(e.patient_id, e.requested_at)),
    )
