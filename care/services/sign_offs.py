"""Signing off: a clinician has reviewed a closed case. Until then the case stays on a list of its own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import EscalationStatus, Role
from care.domain.people import Staff
from care.errors import Conflict
from care.records import practitioners
from care.records.escalations import Escalation
from care.runtime import Runtime
from care.services.addresses import plain
from care.services.escalations import locked, noted

LONGEST_NOTE = 1_000  # characters
REGRET = timedelta(minutes=10)
"""How long who signed may take the signature back."""


def sign_off(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID, note: str = "") -> Escalation:
    """`staff` has reviewed the closed case, with a note (sealed) if there is something to say; commits.

    Raises NotFound, NotAllowed (clinicians only), Invalid (note), Conflict (it is open, or somebody has signed).
    """
    staff.must_be(Role.CLINICIAN)
    words = plain(" ".join(note.split()), "note", LONGEST_NOTE, least=0)
    row = locked(session, staff, escalation_id)
    if row.status != EscalationStatus.COMPLETED.value:
        raise Conflict("not-closed", "an open case cannot be signed off")
    if row.signed_off_at is not None:
        names = practitioners.names(session, {row.signed_off_by_id}) if row.signed_off_by_id else {}
        who = names.get(row.signed_off_by_id, "") if row.signed_off_by_id else ""
        raise Conflict("signed-off", "this case is signed off already", owner_name=who)
    row.signed_off_at, row.signed_off_by_id, row.sign_off_note = rt.now(), staff.id, words or None
    row.last_act = None  # what is signed is not opened again by undoing how it was closed
    noted(session, row.signed_off_at, staff, row, "escalation.sign-off")
    session.commit()
    return row


def take_back(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID) -> Escalation:
    """Who signed takes it back, soon after; commits. Raises NotFound, NotAllowed, Conflict."""
    staff.must_be(Role.CLINICIAN)
    now = rt.now()
    row = locked(session, staff, escalation_id)
    if row.signed_off_at is None:
        raise Conflict("not-signed-off", "this case is not signed off")
    if row.signed_off_by_id != staff.id or now > row.signed_off_at + REGRET:
        raise Conflict("too-late", "only who signed can take that back, within ten minutes")
    row.signed_off_at = row.signed_off_by_id = row.sign_off_note = None
    noted(session, now, staff, row, "escalation.sign-off-undone")
    session.commit()
    return row
