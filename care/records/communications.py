"""Communications: one message, in or out. The sealed content has its own table, so that state changes stay small."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.among import among
from care.records.base import Base, Queued
from care.records.seal import Sealed


class Communication(Queued, Base):
    """Incoming: `take_at` is the queue of turns. Outgoing: `send_at` is the queue of the outbox.

    `patient_id` is empty for an unknown sender and for a page to staff; `address_token` then groups a thread.
    `handed_at` is when it was last handed to its channel, whatever came of it.
    `dedupe` is unique: whatever decides to send a message names it, so deciding twice sends once.
    `notice` names the library's text that may stand for the words where they must not be shown; `left_as` says which of
    the two left. `consent_id` is the decision that allowed it: the database lets nothing be sent without (a CHECK, and
    a trigger that looks the decision up).
    """

    __tablename__ = "communication"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint("status IN ('preparation', 'in-progress', 'completed', 'not-done')", name="status"),
        CheckConstraint("left_as IN ('words', 'notice')", name="left_as"),
        CheckConstraint(
            "delivery <> 'sending' OR consent_id IS NOT NULL OR NOT (direction = 'out' AND patient_id IS NOT NULL"
            " AND purpose NOT IN ('confirmation', 'emergency', 'sign-in', 'page'))",
            name="consent",
        ),
        Index("uq_communication_dedupe", "dedupe", unique=True, postgresql_where="dedupe IS NOT NULL"),
        Index(
            "uq_communication_inbound",
            "channel",
            "external_id",
            unique=True,
            postgresql_where="direction = 'in'",
        ),
        Index(
            "ix_communication_external",
            "channel",
            "external_id",
            postgresql_where="direction = 'out' AND external_id IS NOT NULL",
        ),
        Index("ix_communication_unconfirmed", "sent_at", postgresql_where="delivery = 'sent'"),
        Index("ix_communication_lost", "recorded_at", postgresql_where="delivery IN ('failed', 'unknown')"),
        Index("ix_communication_patient", "patient_id", "recorded_at"),
        Index(
            "ix_communication_outbox",
            "channel",
            "priority",
            "send_at",
            "recorded_at",
            postgresql_where="send_at IS NOT NULL",
        ),
        Index("ix_communication_escalation", "escalation_id", postgresql_where="escalation_id IS NOT NULL"),
        Index("ix_communication_outbox_address", "address_token", postgresql_where="send_at IS NOT NULL"),
        Index("ix_communication_take_at", "take_at", postgresql_where="take_at IS NOT NULL"),
        Index("ix_communication_waiting", "care_team_id", "waits_since", postgresql_where="waits_since IS NOT NULL"),
    )
    # Keys to the hospital, the team, the address and the task would be checked for every message, and every sender
    # would lock the same few rows: they are copied from rows that have them (patient, practitioner, contact point).
    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    care_team_id: Mapped[UUID | None]
    practitioner_id: Mapped[UUID | None]
    contact_point_id: Mapped[UUID | None]
    direction: Mapped[str]
    channel: Mapped[str]
    purpose: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    status: Mapped[str]
    delivery: Mapped[str | None]
    status_reason: Mapped[str | None]
    external_id: Mapped[str | None]
    dedupe: Mapped[str | None]
    notice: Mapped[str | None]
    left_as: Mapped[str | None]
    consent_id: Mapped[UUID | None]
    address_token: Mapped[bytes | None]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    take_at: Mapped[datetime | None]
    send_at: Mapped[datetime | None]
    handed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    waits_since: Mapped[datetime | None]
    screened: Mapped[str | None]
    task_id: Mapped[UUID | None]
    response_id: Mapped[UUID | None]
    escalation_id: Mapped[UUID | None] = mapped_column(ForeignKey("escalation.id"))


class CommunicationContent(Base):
    """The words and the address of one message, sealed. Same id as its Communication, written in one transaction."""

    __tablename__ = "communication_content"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    text_sealed: Mapped[bytes]
    address_sealed: Mapped[bytes | None]

    text = Sealed()
    address = Sealed()


def contents(session: Session, ids: list[UUID]) -> dict[UUID, CommunicationContent]:
    """The contents of these communications, by id."""
    rows = session.scalars(select(CommunicationContent).where(among(CommunicationContent.id, ids)))
    return {row.id: row for row in rows}


def thread(session: Session, patient_id: UUID, limit: int = 100) -> list[Communication]:
    """The latest messages with one patient, oldest first."""
    found = select(Communication).where(Communication.patient_id == patient_id)
    newest = found.order_by(Communication.recorded_at.desc(), Communication.id.desc()).limit(limit)
    return list(reversed(list(session.scalars(newest))))
