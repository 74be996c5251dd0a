"""Reading the audit: who saw and did what, when, and whether the chain still holds there. Reading it is audited too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import NotFound
from care.records import practitioners
from care.records.among import among
from care.records.audit_events import AuditEvent, AuditSeal
from care.records.escalations import Escalation, escalation_of
from care.records.ladders import people_of
from care.records.patients import Patient, patient_of
from care.runtime import Runtime
from care.services import audits

ROWS = 50
VIEWS = (
    *("patient.view", "patient.search", "patient.summary", "inbox.view", "attachment.opened", "escalation.look"),
    *("audit.view", "cohort.export"),
)
"""The acts by which somebody saw something and changed nothing."""


class Kind(StrEnum):
    """What of the audit is shown."""

    ALL = "all"
    SEEN = "seen"
    DONE = "done"
    SYSTEM = "system"


class Seal(StrEnum):
    """How an event stands in the chain: it fits, the sealer has not come to it yet, or it was changed afterwards."""

    HOLDS = "holds"
    WAITS = "waits"
    BROKEN = "broken"


@dataclass(frozen=True)
class Line:
    """One event. `who` is a name of staff, '' for whoever is none; `patient_ref` tells patients apart, and no more."""

    id: UUID
    at: datetime
    agent_kind: str
    who: str
    action: str
    outcome: str
    priority: str
    patient_ref: str
    seal: Seal


@dataclass(frozen=True)
class Trail:
    """A page of the audit, newest first; `before` leads to what is older, None when that was all."""

    lines: list[Line]
    before: UUID | None


def of_patient(
    session: Session, rt: Runtime, staff: Staff, patient_id: UUID, kind: Kind = Kind.ALL, before: UUID | None = None
) -> tuple[Patient, Trail]:
    """Everything about one patient of the team; commits. Raises NotFound."""
    patient = patient_of(session, staff, patient_id)
    found = _trail(session, select(AuditEvent).where(AuditEvent.patient_id == patient.id), kind, before)
    _viewed(session, rt, staff, "patient", patient.id, patient.id)
    return patient, found


def of_case(
    session: Session, rt: Runtime, staff: Staff, escalation_id: UUID, kind: Kind = Kind.ALL, before: UUID | None = None
) -> tuple[Escalation, Trail]:
    """What was done with one alert, and who opened its patient while it was open; commits. Raises NotFound."""
    case = escalation_of(session, staff, escalation_id)
    of_it = and_(AuditEvent.entity_id == case.id, AuditEvent.patient_id.is_not_distinct_from(case.patient_id))
    if case.patient_id is not None:
        until = case.completed_at or rt.now()
        opened = and_(AuditEvent.action.in_(VIEWS), AuditEvent.at.between(case.requested_at, until))
        of_it = and_(AuditEvent.patient_id == case.patient_id, or_(of_it, opened))
    found = _trail(session, select(AuditEvent).where(of_it), kind, before)
    _viewed(session, rt, staff, "escalation", case.id, case.patient_id)
    return case, found


def of_staff(
    session: Session,
    rt: Runtime,
    staff: Staff,
    person_id: UUID | None = None,
    kind: Kind = Kind.ALL,
    before: UUID | None = None,
) -> Trail:
    """What the hospital's staff did, or one of them, for an administrator; commits. Raises NotAllowed, NotFound."""
    staff.must_be(Role.ADMIN)
    wanted = select(AuditEvent).where(AuditEvent.agent_kind == "staff")
    if person_id is None:
        wanted = wanted.where(AuditEvent.organization_id == staff.organization_id)
    elif person_id in {person.id for person in people_of(session, staff.organization_id)}:
        wanted = wanted.where(AuditEvent.agent_id == person_id)
    else:
        raise NotFound("staff", "no such account")
    found = _trail(session, wanted, kind, before)
    _viewed(session, rt, staff, "organization", staff.organization_id, None)
    return found


def _trail(session: Session, wanted: Select[AuditEvent], kind: Kind, before: UUID | None) -> Trail:
    if before is not None:
        place = session.get(AuditEvent, before)
        if place is None:
            raise NotFound("audit-event", "no such place in the audit")
        wanted = wanted.where(tuple_(AuditEvent.at, AuditEvent.id) < tuple_(place.at, place.id))
    newest = wanted.where(_of_kind(kind)).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    rows = list(session.scalars(newest.limit(ROWS + 1)))
    shown = rows[:ROWS]
    people = {row.agent_id for row in shown if row.agent_kind == "staff" and row.agent_id is not None}
    names, seals = practitioners.names(session, people), _seals(session, shown)
    lines = [_line(row, names, seals.get(row.id, Seal.WAITS)) for row in shown]
    return Trail(lines, shown[-1].id if len(rows) > ROWS else None)


def _of_kind(kind: Kind) -> ColumnElement[bool]:
    staff = AuditEvent.agent_kind == "staff"
    kinds: dict[Kind, Any] = {
        Kind.ALL: AuditEvent.id.is_not(None),
        Kind.SEEN: AuditEvent.action.in_(VIEWS),
        Kind.DONE: and_(staff, AuditEvent.action.not_in(VIEWS)),
        Kind.SYSTEM: ~staff,
    }
    found: ColumnElement[bool] = kinds[kind]
    return found


def _seals(session: Session, rows: list[AuditEvent]) -> dict[UUID, Seal]:
    """How each of these stands in the chain: its own hash is reckoned again from the one before it."""
    seals = {one.id: one for one in session.scalars(select(AuditSeal).where(among(AuditSeal.id, [r.id for r in rows])))}
    earlier = select(AuditSeal.seq, AuditSeal.hash).where(among(AuditSeal.seq, [one.seq - 1 for one in seals.values()]))
    before = {seq: bytes(kept) for seq, kept in session.execute(earlier)}
    found = {}
    for row in rows:
        seal = seals.get(row.id)
        if seal is None:
            continue
        previous = audits.START if seal.seq == 1 else before.get(seal.seq - 1)
        holds = previous is not None and audits.digest(previous, row) == bytes(seal.hash)
        found[row.id] = Seal.HOLDS if holds else Seal.BROKEN
    return found


def _line(row: AuditEvent, names: dict[UUID, str], seal: Seal) -> Line:
    """The codes of the detail that pages have words for; nothing else of it is shown."""
    who = names.get(row.agent_id, "") if row.agent_id else ""
    told = {name: str(row.detail.get(name) or "") for name in ("outcome", "priority")}
    ref = row.patient_id.hex[-8:] if row.patient_id else ""
    return Line(row.id, row.at, row.agent_kind, who, row.action, told["outcome"], told["priority"], ref, seal)


def _viewed(session: Session, rt: Runtime, staff: Staff, entity: str, entity_id: UUID, patient_id: UUID | None) -> None:
    audits.record(session, rt.now(), "audit.view", entity, entity_id, staff=staff, patient_id=patient_id)
    session.commit()
