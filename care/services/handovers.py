"""Handing an escalation on, giving it back, and setting it aside. None of the three lets it rest without an end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.escalation import Decline, HandOn, Snooze, step
from care.domain.people import Staff
from care.errors import Invalid
from care.records.escalations import Escalation
from care.runtime import Runtime
from care.services.addresses import plain
from care.services.escalations import locked, noted, remember, saying_who, seen, stop_pages
from care.services.ladders import Ladders, colleagues
from care.services.pages import page_colleague, page_owner

LONGEST_REASON = 500


def hand_on(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID, to: UUID | None) -> Escalation:
    """Offer it to a colleague of the team, who is paged and has to accept; else it comes back. Commits.

    Raises NotFound, NotAllowed, Conflict (somebody else has it, or it is closed), Invalid (nobody of the team).
    """
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    row = locked(session, staff, escalation_id)
    if to not in {one.id for one in colleagues(session, staff)}:
        raise Invalid("hand-on", "choose a colleague of your team", place="to")
    with saying_who(session):
        row.state = step(row.state, HandOn(str(staff.id), str(to)), now, Ladders(session).of(row)).state
    row.accepted_at = row.accepted_at or now
    seen(row, now)
    stop_pages(session, row.id)
    page_colleague(session, rt, row, now)
    noted(session, now, staff, row, "escalation.hand-on", to=str(to))
    session.commit()
    return row


def decline(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID) -> Escalation:
    """The colleague cannot take it: its owner is told at once. Commits. Raises NotFound, NotAllowed, Conflict."""
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    row = locked(session, staff, escalation_id)
    with saying_who(session):
        row.state = step(row.state, Decline(str(staff.id)), now, Ladders(session).of(row)).state
    stop_pages(session, row.id)
    page_owner(session, rt, row, now)
    noted(session, now, staff, row, "escalation.decline")
    session.commit()
    return row


def snooze(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID, minutes: int, reason: str) -> Escalation:
    """Set it aside for some minutes, with the reason (sealed); then somebody is paged. Commits.

    Raises NotFound, NotAllowed, Conflict (somebody else has it, or it is closed), Invalid (too long, too often, no
    reason).
    """
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    words = plain(reason, "reason", LONGEST_REASON, least=0)
    row = locked(session, staff, escalation_id)
    until = now + timedelta(minutes=min(max(minutes, 0), 1_000_000))
    before = row.state
    with saying_who(session):
        row.state = step(before, Snooze(str(staff.id), until, words), now, Ladders(session).of(row)).state
    remember(row, staff, now, before, stopped=stop_pages(session, row.id))
    row.accepted_at = row.accepted_at or now
    seen(row, now)
    row.snooze_reason = words
    noted(session, now, staff, row, "escalation.snooze", minutes=minutes)
    session.commit()
    return row
