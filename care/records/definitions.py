"""Definitions: published PlanDefinitions, Questionnaires and rule sets. The table is the truth; files are seeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.errors import NotFound
from care.records.base import Base


class Definition(Base):
    """One published version. A trigger refuses to change or delete it; a new version is a new row."""

    __tablename__ = "definition"
    __table_args__ = (
        UniqueConstraint("url", "version"),
        CheckConstraint("kind IN ('PlanDefinition', 'Questionnaire', 'RuleSet')", name="kind"),
    )
    kind: Mapped[str]
    url: Mapped[str]
    version: Mapped[str]
    sha256: Mapped[str]
    document: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]
    retired: Mapped[bool] = mapped_column(default=False, server_default="false")

    @property
    def canonical(self) -> str:
        """FHIR's canonical: url|version."""
        return f"{self.url}|{self.version}"


def definition(session: Session, canonical: str) -> Definition:
    """The definition `url|version`. Raises NotFound."""
    url, _, version = canonical.partition("|")
    found = session.scalars(select(Definition).where(Definition.url == url, Definition.version == version)).first()
    if found is None:
        raise NotFound("definition", f"no published {canonical}")
    return found


def published(session: Session, kind: str) -> list[Definition]:
    """All versions of a kind that are not retired, newest last."""
    found = select(Definition).where(Definition.kind == kind, ~Definition.retired)
    return list(session.scalars(found.order_by(Definition.url, Definition.published_at, Definition.version)))


@dataclass(frozen=True, slots=True)
class Version:
    """One published version as a list shows it, without its document."""

    id: UUID
    url: str
    version: str
    title: str
    published_at: datetime
    retired: bool


def versions(session: Session, kind: str, limit: int = 500) -> list[Version]:
    """All versions of a kind, retired ones too: what was published last comes first."""
    title = func.coalesce(Definition.document["title"].astext, Definition.document["name"].astext, Definition.url)
    shown = Definition.id, Definition.url, Definition.version, title, Definition.published_at, Definition.retired
    found = select(*shown).where(Definition.kind == kind)
    newest = Definition.published_at.desc(), Definition.url, Definition.version.desc()
    return [Version(*row) for row in session.execute(found.order_by(*newest).limit(limit))]
