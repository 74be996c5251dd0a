"""ProtocolDrafts: a protocol's next version while it is being written; no patient is ever put on one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfOrganization


class ProtocolDraft(OfOrganization, Base):
    """One version being written on top of `base_id`, as the document that would be published.

    `saved` counts its savings: who saves or publishes names the one they saw. A draft is settled once: published
    (`definition_id` says as what) or discarded.
    """

    __tablename__ = "protocol_draft"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'discarded')", name="status"),
        CheckConstraint("(status = 'draft') = (settled_at IS NULL)", name="settled"),
        Index("uq_protocol_draft_open", "organization_id", "url", unique=True, postgresql_where="status = 'draft'"),
    )
    url: Mapped[str]
    base_id: Mapped[UUID] = mapped_column(ForeignKey("definition.id"))
    document: Mapped[dict[str, Any]]
    saved: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    status: Mapped[str] = mapped_column(default="draft", server_default="draft")
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    begun_at: Mapped[datetime]
    saved_by: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    saved_at: Mapped[datetime]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    settled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    definition_id: Mapped[UUID | None] = mapped_column(ForeignKey("definition.id"))


def open_protocol_drafts(session: Session, staff: Staff) -> list[ProtocolDraft]:
    """The organization's drafts that are not settled, by protocol: one of each at most."""
    found = select(ProtocolDraft).where(
        ProtocolDraft.organization_id == staff.organization_id, ProtocolDraft.status == "draft"
    )
    return list(session.scalars(found.order_by(ProtocolDraft.url)))


def protocol_draft_of(session: Session, staff: Staff, draft_id: UUID, *, lock: bool = False) -> ProtocolDraft:
    """A draft of this organization, settled or not; with `lock` nobody else saves or settles it. Raises NotFound."""
    found = select(ProtocolDraft).where(
        ProtocolDraft.id == draft_id, ProtocolDraft.organization_id == staff.organization_id
    )
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    draft = session.scalars(found).first()
    if draft is None:
        raise NotFound("protocol-draft", "no such draft")
    return draft
