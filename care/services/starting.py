"""Starting: plans of patients who are enrolled in the same act, one or a whole file of them, and were on none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache

from sqlalchemy.orm import Session

from care.domain.codes import CarePlanStatus
from care.domain.people import Staff
from care.errors import Invalid, NotFound
from care.records.care_plans import CarePlan
from care.records.definitions import Definition, definition
from care.records.patients import Patient
from care.services import audits, content
from care.services.horizon import begins, write_ahead
from care.services.plans import FARTHEST

Start = tuple[Patient, str, date]
"""A patient, the protocol ('url|version'), and the plan's first day."""


def protocol_of(session: Session, canonical: str) -> Definition:
    """The protocol that patients can be put on. Raises Invalid (place "protocol") where there is none."""
    try:
        found = definition(session, canonical)
    except NotFound:
        found = None
    if found is None or found.kind != content.PLAN:
        raise Invalid("unknown-protocol", "there is no published protocol of this name", place="protocol")
    if found.retired:
        raise Invalid("retired", "this version of the protocol is retired", place="protocol")
    return found


def begin(session: Session, now: datetime, staff: Staff, starts: Sequence[Start]) -> list[CarePlan]:
    """Put new patients on their protocols and write their first week's tasks; audited (no commit).

    Raises Invalid: unknown-protocol, retired, impossible-date (a day more than a year away; place "starts_on").
    """
    chosen = cache(lambda canonical: protocol_of(session, canonical))
    rows = []
    for patient, canonical, starts_on in starts:
        protocol = content.plan(session, chosen(canonical).id)
        if abs(begins(protocol, starts_on, patient) - now) > FARTHEST:
            raise Invalid("impossible-date", "a plan starts within a year of today", place="starts_on")
        plan = CarePlan(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            definition_id=chosen(canonical).id,
            status=CarePlanStatus.ACTIVE.value,
            starts_on=starts_on,
            author_id=staff.id,
            created_at=now,
        )
        rows.append((plan, protocol, patient))
    session.add_all(plan for plan, _, _ in rows)
    session.flush()
    write_ahead(session, rows, now, starting=True)
    for plan, protocol, patient in rows:
        told = {"staff": staff, "patient_id": patient.id, "definition": protocol.canonical}
        audits.record(session, now, "care-plan.start", "care_plan", plan.id, **told)  # type: ignore[arg-type]
    return [plan for plan, _, _ in rows]
