"""Pages to staff: whose turn it is, who that is today, a message to each. The one place that pages staff."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose, Role
from care.domain.escalation import Ladder, Tick, default_ladder, step
from care.library import texts
from care.logs import logger
from care.records.among import among
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.records.organizations import Organization
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import outbox
from care.services.queue import Queue, Worked, work

LADDER = default_ladder()
NOBODY = "nobody-to-page"
RETRY = timedelta(minutes=5)  # until an escalation that could not be paged at all is tried again
QUEUE = Queue("pages", Escalation, "page_at", order=(Escalation.rank.desc(),))

Duty = dict[UUID, dict[Role, list[Practitioner]]]


def page_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 200) -> Worked:
    """Page for the escalations whose moment has come; commits.

    Everyone of the rung's role in the team is paged once a moment. When the team has nobody of that role the next one
    up is paged, else whoever there is; when there is nobody at all a DeadLetter says so and it is tried again.
    """

    def handle(inner: Session, rows: list[Escalation]) -> None:
        _page(inner, rt, rows, now)

    session.expire_all()  # rows that this session saw before are read as they are now
    return work(session, QUEUE, handle, now, limit=limit, bury=_bury)


def _page(session: Session, rt: Runtime, rows: Sequence[Escalation], now: datetime) -> None:
    duty = _duty(session, {row.care_team_id for row in rows})
    languages = _languages(session, {row.organization_id for row in rows})
    due = [(row, row.page_at) for row in rows if row.page_at is not None]
    for row, moment in due:
        outcome = step(row.state, Tick(), now, LADDER)
        row.state = outcome.state
        if outcome.page is None:
            continue
        people = _whom(duty.get(row.care_team_id, {}), outcome.page, LADDER)
        if not people:
            _nobody(session, row, now)
        for person in people:
            _write(session, rt, row, person, _dedupe(row, moment, person), languages[row.organization_id], now)


def _write(
    session: Session, rt: Runtime, row: Escalation, person: Practitioner, dedupe: str, language: str, now: datetime
) -> None:
    """A page says how pressing it is and where to look, and nothing of the patient.

    Its mark tells it from every other page to the same person: which of two a provider has taken, when it is asked.
    """
    urgency = texts().say(language, f"priority-{row.priority}")
    words = texts().say(language, "staff-page", priority=urgency, url=f"{rt.public_url}/worklist")
    outbox.enqueue(
        session,
        now,
        purpose=Purpose.PAGE,
        text=f"{words} #{_mark(dedupe)}",
        dedupe=dedupe,
        practitioner=person,
        priority=Priority(row.priority),
        escalation_id=row.id,
        care_team_id=row.care_team_id,
        organization_id=row.organization_id,
        check=False,
    )


def _dedupe(row: Escalation, moment: datetime, person: Practitioner) -> str:
    """Named by the moment that was due, which the commit of the page moves on: a count would start again some day."""
    return f"page:{row.id}:{moment.timestamp():.6f}:{person.id}"


def _mark(dedupe: str) -> str:
    """Five letters and digits that a person can read out."""
    return base64.b32encode(hashlib.sha256(dedupe.encode()).digest())[:5].decode()


def _whom(duty: dict[Role, list[Practitioner]], role: Role, ladder: Ladder) -> list[Practitioner]:
    """Those of the role; where the team has none, of the rungs above it, then of any."""
    roles = [rung.role for rung in ladder.rungs]
    start = roles.index(role)
    for candidate in roles[start:] + roles[:start]:
        if duty.get(candidate):
            return duty[candidate]
    return []


def _duty(session: Session, teams: set[UUID]) -> Duty:
    found = select(Practitioner).where(among(Practitioner.care_team_id, teams), Practitioner.active)
    duty: Duty = {}
    for person in session.scalars(found.order_by(Practitioner.created_at, Practitioner.id)):
        if person.care_team_id is not None:
            duty.setdefault(person.care_team_id, {}).setdefault(Role(person.role), []).append(person)
    return duty


def _languages(session: Session, organizations: set[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(Organization.id, Organization.country).where(among(Organization.id, organizations)))
    return {row.id: staff_language(row.country) for row in rows}


def staff_language(country: str) -> str:
    """The language that a hospital's staff, and people it does not know, are written to in."""
    return {"CN": "zh-Hans", "HK": "zh-Hant", "MO": "zh-Hant", "TW": "zh-Hant"}.get(country, "en")


def _nobody(session: Session, row: Escalation, now: datetime) -> None:
    """Somebody who keeps the system must hear of it; the escalation keeps its moment and is tried again."""
    row.page_at = now + RETRY
    logger().error("nobody to page", escalation_id=str(row.id), priority=row.priority)
    known = select(DeadLetter.id).where(
        DeadLetter.queue == QUEUE.name, DeadLetter.row_id == row.id, DeadLetter.resolved_at.is_(None)
    )
    if session.scalars(known).first() is None:
        session.add(DeadLetter(queue=QUEUE.name, row_id=row.id, patient_id=row.patient_id, error=NOBODY, at=now))


def _bury(session: Session, row: Escalation, error: str, now: datetime) -> None:
    """A page that cannot even be written must not fall silent: it stays due."""
    row.page_at = now + RETRY
    row.attempts = 0
