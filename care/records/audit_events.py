"""AuditEvents: staff acts, views of a patient and changes of state; append-only, chained by a sealer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from care.records.base import Base


class AuditEvent(Base):
    """Who did what to what, when. `detail` holds codes and ids, never a name, a number to call or a text."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_patient", "patient_id", "at"),
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_staff", "agent_id", "at", "id", postgresql_where="agent_kind = 'staff'"),
        Index("ix_audit_event_orphan", "entity_id", "at", postgresql_where="patient_id IS NULL"),
    )
    at: Mapped[datetime]
    agent_kind: Mapped[str]
    agent_id: Mapped[UUID | None]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[UUID | None]
    patient_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]]


class AuditSeal(Base):
    """One link of the chain. `id` is the event's; `hash` is SHA-256 over the previous hash and the event."""

    __tablename__ = "audit_seal"
    seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    hash: Mapped[bytes]
    sealed_at: Mapped[datetime]
