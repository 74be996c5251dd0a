"""Content: what is published, and its compiled form. The table is the truth; the files are seeds of it.

Compiling is done once a process for each content (by its SHA-256); which content a name means is asked of the database
once a session, since a published version is never edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care import library
from care.domain.plan import PlanDefinition, read_plan
from care.domain.questionnaire import Questionnaire, read_questionnaire
from care.domain.questionnaire.convert import to_r4
from care.domain.rules import RuleSet, read_rules
from care.errors import Conflict, NotFound
from care.records.definitions import Definition, Name, definition, document, name_of, names, published
from care.records.ids import new_id

PLAN, QUESTIONNAIRE, RULES = "PlanDefinition", "Questionnaire", "RuleSet"


def read_form(document: Mapping[str, Any]) -> Questionnaire:
    """A questionnaire of any FHIR version with all the tools that there are. Raises Invalid with the place."""
    return read_questionnaire(to_r4(document)[0], library.questionnaire_tools())


_READERS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    PLAN: lambda document, _: read_plan(document, library.calendars()),
    QUESTIONNAIRE: lambda document, _: read_form(document),
    RULES: read_rules,
}
_compiled: dict[tuple[str, str], Any] = {}
# What an id means never changes; a 'url|version' may mean something else in another database.
_by_id: dict[UUID, tuple[str, str]] = {}
_MOST_IDS = 10_000


def publish_seeds(session: Session, now: datetime, seeds: Sequence[library.Seed] | None = None) -> dict[str, int]:
    """Publish what the library (or `seeds`) has and the table has not; commits. Returns {"published", "unchanged"}.

    Raises Conflict when a published version has another content, and Invalid for a document that can't be done as
    written; then nothing is published.
    """
    counts = {"published": 0, "unchanged": 0}
    for seed in library.seeds() if seeds is None else seeds:
        _READERS[seed.kind](seed.document, seed.sha256)
        row = {
            "id": new_id(),
            "kind": seed.kind,
            "url": seed.url,
            "version": seed.version,
            "sha256": seed.sha256,
            "document": seed.document,
            "published_at": now,
        }
        once = insert(Definition).values(row).on_conflict_do_nothing(index_elements=["url", "version"])
        if session.execute(once.returning(Definition.id)).first() is not None:
            counts["published"] += 1
            continue
        if definition(session, f"{seed.url}|{seed.version}").sha256 != seed.sha256:
            session.rollback()
            raise Conflict("published", f"{seed.url}|{seed.version} is published with another content")
        counts["unchanged"] += 1
    session.commit()
    return counts


def protocols(session: Session) -> list[Definition]:
    """The newest version of every protocol that is not retired, by url."""
    newest = {found.url: found for found in published(session, PLAN)}
    return [newest[url] for url in sorted(newest)]


def plan(session: Session, name: UUID | str) -> PlanDefinition:
    """The protocol of this definition id or 'url|version'. Raises NotFound."""
    found: PlanDefinition = _read(session, name, PLAN)
    return found


def questionnaire(session: Session, name: UUID | str) -> Questionnaire:
    """The questionnaire of this definition id or 'url|version'. Raises NotFound."""
    found: Questionnaire = _read(session, name, QUESTIONNAIRE)
    return found


def rule_sets(session: Session, ids: Iterable[str]) -> tuple[RuleSet, ...]:
    """The rule sets of these ids, the newest version of each, or of 'url|version'. Raises NotFound."""
    return tuple(_rule_set(session, one) for one in ids)


def newest_rule_sets(session: Session) -> tuple[RuleSet, ...]:
    """The newest version of every rule set that is not retired, by url."""
    newest = {found.url: found for found in names(session, RULES)}
    for found in newest.values():
        _learn(session, found)
    return tuple(_compiled[RULES, found.sha256] for found in newest.values())


def standing_rule_sets(session: Session, codes: Iterable[str]) -> tuple[RuleSet, ...]:
    """The rule sets, the newest version of each, that judge a report with one of these codes whatever its protocol."""
    standing: list[RuleSet] | None = session.info.get("standing rules")
    if standing is None:
        newest = {found.url: found for found in names(session, RULES) if found.always}
        for found in newest.values():
            _learn(session, found)
        standing = [_compiled[RULES, found.sha256] for found in newest.values()]
        session.info["standing rules"] = standing
    wanted = frozenset(codes)
    return tuple(one for one in standing if one.always & wanted)


def _rule_set(session: Session, name: str) -> RuleSet:
    known = _known(session)
    if (RULES, name) not in known:
        for found in names(session, RULES):
            _learn(session, found)
            known[RULES, found.url.rsplit("/", 1)[-1]] = (found.kind, found.sha256)
    found_set: RuleSet = _read(session, name, RULES)
    return found_set


def _read(session: Session, name: UUID | str, kind: str) -> Any:
    known = _known(session)
    key = _by_id.get(name) if isinstance(name, UUID) else None
    if key is not None and key[0] == kind:
        return _compiled[key]
    if (kind, name) not in known:
        found = name_of(session, name)
        if found is None or found.kind != kind:
            raise NotFound("definition", f"no published {kind} of this name")
        _learn(session, found)
    return _compiled[known[kind, name]]


def _learn(session: Session, found: Name) -> None:
    """Its document is read where this process has not compiled it yet: mostly the name is all that is needed."""
    key = (found.kind, found.sha256)
    if key not in _compiled:
        _compiled[key] = _READERS[found.kind](document(session, found.id), found.sha256)
    known = _known(session)
    known[found.kind, found.id] = known[found.kind, found.canonical] = key
    if len(_by_id) >= _MOST_IDS:
        _by_id.clear()
    _by_id[found.id] = key


def _known(session: Session) -> dict[tuple[str, UUID | str], tuple[str, str]]:
    known: dict[tuple[str, UUID | str], tuple[str, str]] = session.info.setdefault("content", {})
    return known
