"""Definitions: published PlanDefinitions, Questionnaires and rule sets. The table is the truth; files are seeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint, select
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
