"""Attachments: what came with a text (a picture, a recording, a place), sealed; one row a medium."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.among import among
from care.records.base import Base, Queued
from care.records.communications import Communication
from care.records.patients import visible_to
from care.records.seal import Sealed, SealedBytes


class Attachment(Queued, Base):
    """`fetch_at` is the queue: when to get it from its channel. `number` is its place in the text, from 0.

    state: waiting (to be fetched), kept, refused (it was there and is nothing we keep), gone (it could not be had).
    `reason` says why not, as a code. What has no `reference` is all in its `note` and kept from the start.
    `content_type` is what the sender's provider says until it is kept, then what the bytes are; `sha256` is of the kept
    bytes before they are sealed. Whose it is stands in its text alone, since on a shared phone that is found out later.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'kept', 'refused', 'gone')", name="state"),
        CheckConstraint("state = 'waiting' OR fetch_at IS NULL", name="fetched"),
        UniqueConstraint("communication_id", "number"),
        Index("ix_attachment_fetch_at", "fetch_at", postgresql_where="fetch_at IS NOT NULL"),
    )
    organization_id: Mapped[UUID]
    communication_id: Mapped[UUID] = mapped_column(ForeignKey("communication.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str]
    content_type: Mapped[str]
    reference_sealed: Mapped[bytes | None]
    note_sealed: Mapped[bytes | None]
    content_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    sha256: Mapped[bytes | None]
    size: Mapped[int | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    recorded_at: Mapped[datetime]
    fetch_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]

    reference = Sealed()
    note = Sealed()
    content = SealedBytes()


def attachments_of(session: Session, communication_ids: Iterable[UUID]) -> dict[UUID, list[Attachment]]:
    """What came with each of these texts, in order; the content is read only when it is asked for."""
    found = select(Attachment).where(among(Attachment.communication_id, communication_ids))
    grouped: dict[UUID, list[Attachment]] = {}
    for row in session.scalars(found.order_by(Attachment.communication_id, Attachment.number)):
        grouped.setdefault(row.communication_id, []).append(row)
    return grouped


def attachment_of(session: Session, staff: Staff, attachment_id: UUID) -> tuple[Attachment, Communication]:
    """The attachment and its text, if `staff` may see that text. Raises NotFound otherwise."""
    found = (
        select(Attachment, Communication)
        .join(Communication, Communication.id == Attachment.communication_id)
        .where(Attachment.id == attachment_id, visible_to(staff, Communication))
    )
    row = session.execute(found).first()
    if row is None:
        raise NotFound("attachment", "no such attachment")
    return row[0], row[1]
