"""Questionnaires that a hospital brings: imported as a draft, looked at, and then published for good.

A draft is asked of nobody. Publishing makes a definition of it, which no one can edit afterwards; a correction is a new
version. `by` is an administrator, or None for whoever works on the machine itself (the command line).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.domain.questionnaire import Questionnaire
from care.errors import Conflict, Invalid, NotFound
from care.library import sha256_of
from care.records.definitions import Definition, published
from care.records.ids import new_id
from care.records.organizations import Organization
from care.records.questionnaire_drafts import QuestionnaireDraft, draft_of, open_draft_of_content
from care.runtime import Runtime
from care.services import audits, content
from care.services.questionnaire_files import read_file

LONGEST_URL, LONGEST_VERSION, LONGEST_REASON = 300, 50, 500
WHY_RETIRED = ("replaced", "faulty", "unused")
_FORBIDDEN = re.compile(r"[\s|#\x00-\x1f\x7f]")
_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_KEPT_COMPILED = 32
_compiled: dict[str, Questionnaire] = {}


def import_draft(
    session: Session, rt: Runtime, by: Staff | None, source: bytes, organization_id: UUID | None = None
) -> QuestionnaireDraft:
    """Read a FHIR Questionnaire file and keep it as a draft; commits. The same file twice is one open draft.

    Without `by` the organization is `organization_id`, or the only one there is. A form without a url or a version gets
    one, which its notes say. Raises Invalid (not a form, or one that cannot be run as it is written: `refusals` in its
    detail), NotAllowed.
    """
    organization = _organization(session, by, organization_id)
    reading = read_file(source)
    document, named = _named(reading.document, rt.public_url)
    sha256 = sha256_of(document)
    known = open_draft_of_content(session, organization, sha256)
    if known is not None:
        return known
    if not named:
        _remember(sha256, reading.questionnaire)
    draft = QuestionnaireDraft(
        organization_id=organization,
        url=document["url"],
        version=document["version"],
        sha256=sha256,
        document=document,
        notes=[*reading.notes, *named],
        status="draft",
        author_id=by.id if by else None,
        imported_at=rt.now(),
    )
    session.add(draft)
    try:
        session.flush()
    except IntegrityError:  # somebody imported the same file in this very moment
        session.rollback()
        known = open_draft_of_content(session, organization, sha256)
        if known is None:
            raise
        return known
    _audit(session, rt, by, organization, "questionnaire.import", draft.id, sha256=sha256)
    session.commit()
    return draft


def publish(
    session: Session,
    rt: Runtime,
    by: Staff | None,
    draft_id: UUID,
    reason: str,
    version: str = "",
    organization_id: UUID | None = None,
) -> Definition:
    """Publish a draft, as `version` where one is given; commits. From then on nobody can edit it.

    Raises NotFound, NotAllowed, Invalid (no reason, a version that is none), Conflict: `version-taken`, or the draft is
    settled already.
    """
    organization = _organization(session, by, organization_id)
    why = _reason(reason)
    draft = _open(session, organization, draft_id)
    wanted = _plain(version or draft.version, "version", LONGEST_VERSION)
    document = {**draft.document, "version": wanted, "status": "active"}
    content.read_form(document)
    row = {
        "id": new_id(),
        "kind": content.QUESTIONNAIRE,
        "url": draft.url,
        "version": wanted,
        "sha256": sha256_of(document),
        "document": document,
        "published_at": rt.now(),
    }
    once = insert(Definition).values(row).on_conflict_do_nothing(index_elements=["url", "version"])
    made = session.execute(once.returning(Definition.id)).scalar()
    if made is None:
        session.rollback()
        raise Conflict(
            "version-taken",
            f"version {wanted} of this questionnaire is published already, and what is published is never edited: "
            "give this one another version",
            place="version",
        )
    _settle(draft, rt, by, "published", why)
    draft.definition_id = made
    _audit(session, rt, by, organization, "questionnaire.publish", made, "definition", draft=str(draft.id))
    session.commit()
    return session.get_one(Definition, made)


def discard(session: Session, rt: Runtime, by: Staff, draft_id: UUID) -> None:
    """Put a draft away unpublished; commits. Raises NotFound, NotAllowed, Conflict when it is settled already."""
    organization = _organization(session, by, None)
    draft = _open(session, organization, draft_id)
    _settle(draft, rt, by, "discarded", "")
    _audit(session, rt, by, organization, "questionnaire.discard", draft.id)
    session.commit()


def retire(session: Session, rt: Runtime, by: Staff, definition_id: UUID, reason: str) -> Definition:
    """Take a published version out of use; commits. Nothing of it changes, and reports on it stay readable.

    `reason` is one of WHY_RETIRED. Raises NotFound, NotAllowed, Invalid, Conflict: retired already, or a protocol that
    patients can be put on still asks it.
    """
    organization = _organization(session, by, None)
    if reason not in WHY_RETIRED:
        raise Invalid("unknown-value", "choose why it is retired", place="reason")
    found = select(Definition).where(Definition.id == definition_id, Definition.kind == content.QUESTIONNAIRE)
    definition = session.scalars(found.with_for_update().execution_options(populate_existing=True)).first()
    if definition is None:
        raise NotFound("definition", "no such published questionnaire")
    if definition.retired:
        raise Conflict("retired", "this version is retired already")
    asking = asked_by(session, definition)
    if asking:
        raise Conflict("in-use", f"it is still asked by {', '.join(asking)}")
    definition.retired = True
    _audit(session, rt, by, organization, "questionnaire.retire", definition.id, "definition", reason=reason)
    session.commit()
    return definition


def asked_by(session: Session, definition: Definition) -> list[str]:
    """The protocols (url|version) that patients can be put on and that ask this questionnaire."""
    asking = []
    for one in published(session, content.PLAN):
        plan = content.plan(session, one.id)
        if definition.canonical in {plan.diary, *(action.questionnaire for action in plan.actions)}:
            asking.append(one.canonical)
    return asking


def form_of(draft: QuestionnaireDraft) -> Questionnaire:
    """The form of a draft, read once for each content while it is looked at. Raises Invalid."""
    found = _compiled.get(draft.sha256)
    if found is None:
        found = content.read_form(draft.document)
        _remember(draft.sha256, found)
    return found


def _remember(sha256: str, form: Questionnaire) -> None:
    if len(_compiled) >= _KEPT_COMPILED:
        _compiled.clear()
    _compiled[sha256] = form


def _organization(session: Session, by: Staff | None, organization_id: UUID | None) -> UUID:
    if by is not None:
        by.must_be(Role.ADMIN)
        return by.organization_id
    known = list(session.scalars(select(Organization.id).limit(2)))
    if organization_id is None and len(known) == 1:
        return known[0]
    if organization_id is None or session.get(Organization, organization_id) is None:
        raise Invalid("organization", "name the organization that the questionnaire is for", place="organization")
    return organization_id


def _open(session: Session, organization_id: UUID, draft_id: UUID) -> QuestionnaireDraft:
    draft = draft_of(session, organization_id, draft_id, lock=True)
    if draft.status != "draft":
        raise Conflict("settled", f"this draft was {draft.status} already")
    return draft


def _settle(draft: QuestionnaireDraft, rt: Runtime, by: Staff | None, status: str, reason: str) -> None:
    draft.status, draft.reason = status, reason
    draft.settled_by, draft.settled_at = (by.id if by else None), rt.now()


def _named(document: Mapping[str, Any], public_url: str) -> tuple[dict[str, Any], list[str]]:
    """The document with the url and the version that reports will name it by, and what had to be made up for that."""
    named, notes = dict(document), []
    if not document.get("url"):
        stem = _NAME.sub("-", str(document.get("id") or document.get("name") or "")).strip("-")[:60]
        named["url"] = f"{public_url.rstrip('/')}/fhir/Questionnaire/{stem or sha256_of(document)[:12]}"
        notes.append(f"It had no url; it is known here as {named['url']}.")
    if not document.get("version"):
        named["version"] = "1"
        notes.append("It had no version; this is version 1.")
    _plain(named["url"], "url", LONGEST_URL)
    _plain(named["version"], "version", LONGEST_VERSION)
    return named, notes


def _plain(value: Any, place: str, longest: int) -> str:
    if not isinstance(value, str) or not value or len(value) > longest or _FORBIDDEN.search(value):
        rule = f"the {place} must be 1 to {longest} characters without spaces, | or #"
        raise Invalid(f"malformed-{place}", rule, place=place)
    return value


def _reason(reason: str) -> str:
    why = " ".join(reason.split())
    if not 3 <= len(why) <= LONGEST_REASON or "\x00" in why:
        raise Invalid("reason", f"say in a few words why (at most {LONGEST_REASON} characters)", place="reason")
    return why


def _audit(
    session: Session,
    rt: Runtime,
    by: Staff | None,
    organization_id: UUID,
    action: str,
    entity_id: UUID,
    entity: str = "questionnaire_draft",
    **detail: Any,
) -> None:
    audits.record(session, rt.now(), action, entity, entity_id, staff=by, organization_id=organization_id, **detail)
