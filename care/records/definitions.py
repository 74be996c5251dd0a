"""Definitions: published PlanDefinitions, Questionnaires and rule sets. The table is the truth; files are seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, bindparam, case, func, select
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


class Name(NamedTuple):
    """A published version without its document, which is large. `always`: a rule set that judges by codes alone."""

    id: UUID
    kind: str
    url: str
    version: str
    sha256: str
    always: bool

    @property
    def canonical(self) -> str:
        """FHIR's canonical: url|version."""
        return f"{self.url}|{self.version}"


# Statements are made once: making one costs about as much as the database needs for it.
_ALWAYS = case(
    (Definition.kind == "RuleSet", func.coalesce(func.jsonb_array_length(Definition.document["always"]), 0) > 0),
    else_=False,
)
_NAMED = select(Definition.id, Definition.kind, Definition.url, Definition.version, Definition.sha256, _ALWAYS)
_BY_ID = _NAMED.where(Definition.id == bindparam("id"))
_BY_CANONICAL = _NAMED.where(Definition.url == bindparam("url"), Definition.version == bindparam("version"))
_OF_KIND = _NAMED.where(Definition.kind == bindparam("kind"), ~Definition.retired).order_by(
    Definition.url, Definition.published_at, Definition.version
)


def name_of(session: Session, name: UUID | str) -> Name | None:
    """What is published under this id or 'url|version'; None where nothing is."""
    if isinstance(name, UUID):
        found = session.execute(_BY_ID, {"id": name}).first()
    else:
        url, _, version = name.partition("|")
        found = session.execute(_BY_CANONICAL, {"url": url, "version": version}).first()
    return None if found is None else Name(*found)


def names(session: Session, kind: str) -> list[Name]:
    """All versions of a kind that are not retired, newest last: as `published`, without the documents."""
    return [Name(*row) for row in session.execute(_OF_KIND, {"kind": kind})]


def document(session: Session, definition_id: UUID) -> dict[str, Any]:
    """The document of a definition that is there."""
    return session.execute(select(Definition.document).where(Definition.id == definition_id)).scalar_one()


@dataclass(frozen=True, slots=True)
class Version:
    """One published version as a list shows it, without its document."""

    id: UUID
    url: str
    version: str
    title: str
    published_at: datetime
    retired: bool
    translated: Mapping[str, Any] | None = None

    @property
    def document(self) -> Mapping[str, Any]:
        """Of its document what names it."""
        return {"title": self.title, "_title": self.translated}


def versions(session: Session, kind: str, limit: int = 500) -> list[Version]:
    """All versions of a kind, retired ones too: what was published last comes first."""
    title = func.coalesce(Definition.document["title"].astext, Definition.document["name"].astext, Definition.url)
    shown = Definition.id, Definition.url, Definition.version, title, Definition.published_at, Definition.retired
    found = select(*shown, Definition.document["_title"]).where(Definition.kind == kind)
    newest = Definition.published_at.desc(), Definition.url, Definition.version.desc()
    return [Version(*row) for row in session.execute(found.order_by(*newest).limit(limit))]
