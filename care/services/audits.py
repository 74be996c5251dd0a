"""The audit: staff acts, views of a patient, changes of state. Written with the act, chained afterwards by a sealer.

The chain is off the hot path: an event is an insert; once committed, the sealer gives it a place in a chain of hashes,
so that any later change, removal or insertion in the past breaks the chain at that place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.records.audit_events import AuditEvent, AuditSeal

_SEALER = 0x0CA4E_5EA1  # advisory lock: one sealer at a time
START = bytes(32)  # what stands before the first link
_LATE_MS = 3_600_000


@dataclass(frozen=True)
class Verified:
    """How many events there are, whether the chain holds, and the first place where it does not."""

    events: int
    ok: bool
    first_broken: str | None
    unsealed: int = 0


def record(
    session: Session,
    now: datetime,
    action: str,
    entity: str,
    entity_id: UUID | None,
    *,
    staff: Staff | None = None,
    agent_kind: str = "",
    agent_id: UUID | None = None,
    patient_id: UUID | None = None,
    organization_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Write one event in the caller's transaction. `detail` takes codes, ids and counts only."""
    session.add(
        AuditEvent(
            at=now,
            agent_kind=agent_kind or ("staff" if staff else "system"),
            agent_id=staff.id if staff else agent_id,
            action=action,
            entity=entity,
            entity_id=entity_id,
            patient_id=patient_id,
            organization_id=staff.organization_id if staff else organization_id,
            detail=detail,
        )
    )


def seal_due(session: Session, now: datetime, limit: int = 5_000) -> int:
    """Chain the committed events that are not chained yet; commits. Returns how many."""
    if not session.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _SEALER}).scalar():
        session.rollback()
        return 0
    last = session.execute(select(AuditSeal.seq, AuditSeal.hash).order_by(AuditSeal.seq.desc()).limit(1)).first()
    seq, previous = (last.seq, bytes(last.hash)) if last else (0, START)
    sealed = select(AuditSeal.id).where(AuditSeal.id == AuditEvent.id).exists()
    fresh = select(AuditEvent).where(~sealed, AuditEvent.id >= _looked_at_until(session))
    events = session.scalars(fresh.order_by(AuditEvent.at, AuditEvent.id).limit(limit))
    rows = []
    for event in events:
        seq, previous = seq + 1, digest(previous, event)
        rows.append({"id": event.id, "seq": seq, "hash": previous, "sealed_at": now})
    if rows:
        session.execute(insert(AuditSeal), rows)
    session.commit()
    return len(rows)


def oldest_unsealed(session: Session) -> datetime | None:
    """When the oldest event was written that waits for the sealer; None when none does."""
    sealed = select(AuditSeal.id).where(AuditSeal.id == AuditEvent.id).exists()
    waiting = select(AuditEvent.at).where(~sealed, AuditEvent.id >= _looked_at_until(session))
    return session.scalar(waiting.order_by(AuditEvent.id).limit(1))


def _looked_at_until(session: Session) -> UUID:
    """Where unsealed events can begin: an hour before the newest sealed one, since a transaction may commit late.

    The identifiers are UUIDv7, so this is a range of the primary key and not a walk over all of history.
    """
    newest = session.scalar(select(AuditSeal.id).order_by(AuditSeal.id.desc()).limit(1))
    return UUID(int=max(0, newest.int - (_LATE_MS << 80))) if newest else UUID(int=0)


def verify(session: Session) -> Verified:
    """Walk the chain from its start. `first_broken` names the event or the sequence number at which it breaks."""
    previous, expected = START, 1
    broken: str | None = None
    for seal, event in _chain(session):
        if seal.seq != expected or event is None or bytes(seal.hash) != digest(previous, event):
            broken = str(seal.id) if seal.seq == expected else f"seq {expected}"
            break
        previous, expected = bytes(seal.hash), expected + 1
    if broken is None:
        broken = _slipped_in(session)
    total = session.execute(text("SELECT count(*) FROM audit_event")).scalar_one()
    waiting = session.execute(
        text("SELECT count(*) FROM audit_event e WHERE NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.id = e.id)")
    ).scalar_one()
    session.rollback()
    return Verified(int(total), broken is None, broken, int(waiting))


def _slipped_in(session: Session) -> str | None:
    """An event without a seal that is older than the sealer looks: it was put among the past afterwards."""
    sealed = select(AuditSeal.id).where(AuditSeal.id == AuditEvent.id).exists()
    found = select(AuditEvent.id).where(~sealed, AuditEvent.id < _looked_at_until(session))
    event_id = session.scalar(found.order_by(AuditEvent.id).limit(1))
    return str(event_id) if event_id else None


def _chain(session: Session) -> Iterator[tuple[AuditSeal, AuditEvent | None]]:
    walk = select(AuditSeal, AuditEvent).outerjoin(AuditEvent, AuditEvent.id == AuditSeal.id).order_by(AuditSeal.seq)
    for row in session.execute(walk.execution_options(yield_per=2_000)):
        yield row[0], row[1]


def digest(previous: bytes, event: AuditEvent) -> bytes:
    """SHA-256 over the previous hash and the event in one canonical form."""
    body = [
        str(event.id),
        event.at.astimezone(UTC).isoformat(),
        event.agent_kind,
        str(event.agent_id),
        event.action,
        event.entity,
        str(event.entity_id),
        str(event.patient_id),
        str(event.organization_id),
        event.detail,
    ]
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(previous + canonical.encode()).digest()
