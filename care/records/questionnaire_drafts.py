"""QuestionnaireDrafts: forms that were imported and are not published yet; no patient is ever asked one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfOrganization


class QuestionnaireDraft(OfOrganization, Base):
    """One imported form, as it would be published (`document`, R4) with what the import changed (`notes`).

    `author_id` is None for one that was imported on the machine itself. A draft is settled once: published
    (`definition_id` says as what) or discarded, with the reason that was given.
    """

    __tablename__ = "questionnaire_draft"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'discarded')", name="status"),
        CheckConstraint("(status = 'draft') = (settled_at IS NULL)", name="settled"),
        Index(
            "uq_questionnaire_draft_open", "organization_id", "sha256", unique=True, postgresql_where="status = 'draft'"
        ),
    )
    url: Mapped[str]
    version: Mapped[str]
    sha256: Mapped[str]
    document: Mapped[dict[str, Any]]
    notes: Mapped[list[Any]]
    status: Mapped[str] = mapped_column(default="draft", server_default="draft")
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    imported_at: Mapped[datetime]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    settled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    definition_id: Mapped[UUID | None] = mapped_column(ForeignKey("definition.id"))

    @property
    def canonical(self) -> str:
        """FHIR's canonical: url|version."""
        return f"{self.url}|{self.version}"


def open_drafts(session: Session, staff: Staff, limit: int = 200) -> list[QuestionnaireDraft]:
    """The organization's drafts that are not settled, the newest first."""
    found = select(QuestionnaireDraft).where(
        QuestionnaireDraft.organization_id == staff.organization_id, QuestionnaireDraft.status == "draft"
    )
    newest = QuestionnaireDraft.imported_at.desc(), QuestionnaireDraft.id.desc()
    return list(session.scalars(found.order_by(*newest).limit(limit)))


def draft_of(session: Session, organization_id: UUID, draft_id: UUID, *, lock: bool = False) -> QuestionnaireDraft:
    """A draft of this organization, settled or not; with `lock` nobody else settles it. Raises NotFound."""
    found = select(QuestionnaireDraft).where(
        QuestionnaireDraft.id == draft_id, QuestionnaireDraft.organization_id == organization_id
    )
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    draft = session.scalars(found).first()
    if draft is None:
        raise NotFound("questionnaire-draft", "no such draft")
    return draft


def open_draft_of_content(session: Session, organization_id: UUID, sha256: str) -> QuestionnaireDraft | None:
    """The organization's open draft with exactly this content, if there is one."""
    found = select(QuestionnaireDraft).where(
        QuestionnaireDraft.organization_id == organization_id,
        QuestionnaireDraft.sha256 == sha256,
        QuestionnaireDraft.status == "draft",
    )
    return session.scalars(found).first()
