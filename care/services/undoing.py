"""Taking back the last act on an alert: who claimed, set aside or closed it too fast has ten seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.domain.undo import read_act, undone
from care.errors import Conflict
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.flags import Flag
from care.runtime import Runtime
from care.services.escalations import locked, noted
from care.services.locks import wait_to_escalate

_WAITS_AGAIN = (
    update(Communication)
    .where(Communication.id == bindparam("text"), Communication.waits_since.is_(None))
    .values(waits_since=bindparam("since"))
    .execution_options(synchronize_session=False)
)


def undo(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID) -> Escalation:
    """The alert is as it was before `staff` last claimed, set aside or closed it; its note stays. Commits.

    Raises NotFound, NotAllowed, Conflict: too late, somebody else's act, or it was raised anew in the meantime.
    """
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    row = locked(session, staff, escalation_id)
    kept: dict[str, Any] = row.last_act or {}
    state = undone(read_act(kept) if kept else None, row.state, str(staff.id), now)
    if not row.state.is_open:
        _open_again(session, row, kept)
    row.state = state
    row.accepted_at = kept["accepted_at"] and datetime.fromisoformat(kept["accepted_at"])
    row.last_act = None
    noted(session, now, staff, row, "escalation.undo")
    session.commit()
    return row


def _open_again(session: Session, row: Escalation, kept: dict[str, Any]) -> None:
    """Its Flag stands again, and its texts wait again."""
    wait_to_escalate(session, {row.patient_id or row.care_team_id})
    flag = session.get_one(Flag, row.flag_id)
    own = Flag.patient_id == row.patient_id if row.patient_id else Flag.patient_id.is_(None)
    again = select(Flag.id).where(
        own, Flag.care_team_id == row.care_team_id, Flag.cause == row.cause, Flag.status == "active"
    )
    if session.scalars(again).first() is not None:
        raise Conflict("raised-again", "it was raised again in the meantime and stands on the list")
    flag.status, flag.ended_at = "active", None
    row.completed_at, row.outcome = None, None
    for text, since in kept["texts"].items():
        session.execute(_WAITS_AGAIN, {"text": UUID(text), "since": datetime.fromisoformat(since)})
