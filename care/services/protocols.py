"""Protocols: the next version of one is written as a draft, compared with the last one, and published for good.

A published version is never edited, and plans that run on an older one stay there until somebody moves them. Of one
protocol an organization has one draft at a time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.codes import CarePlanStatus, Role
from care.domain.people import Staff
from care.domain.plan import Change, PlanDefinition, difference, read_plan
from care.domain.plan.editing import ActionForm, edited
from care.errors import Conflict, Invalid, NotFound
from care.library import calendars, sha256_of
from care.records.care_plans import CarePlan
from care.records.definitions import Definition, published
from care.records.ids import new_id
from care.records.patients import Patient, visible_to
from care.records.protocol_drafts import ProtocolDraft, protocol_draft_of
from care.runtime import Runtime
from care.services import audits, content
from care.services.plans import migrate_plan

LONGEST_REASON = 500
_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Moved:
    """How many plans were moved to another version, and how many could not be (they had ended meanwhile)."""

    moved: int
    left: int


def protocol(session: Session, definition_id: UUID) -> Definition:
    """A published version of a protocol, retired or not. Raises NotFound."""
    found = session.get(Definition, definition_id)
    if found is None or found.kind != content.PLAN:
        raise NotFound("definition", "no such published protocol")
    return found


def begin_draft(session: Session, rt: Runtime, staff: Staff, definition_id: UUID) -> ProtocolDraft:
    """A draft on top of this version, which must be the newest; commits. The draft there is already, if there is one.

    Raises NotFound, NotAllowed, Conflict (`overtaken`).
    """
    _may(staff)
    base, now = protocol(session, definition_id), rt.now()
    known = _open(session, staff, base.url)
    if known is not None:
        return known
    if newest(session, base.url).id != base.id:
        raise Conflict("overtaken", "there is a newer version of this protocol: begin with that one")
    draft = ProtocolDraft(
        organization_id=staff.organization_id,
        url=base.url,
        base_id=base.id,
        document=dict(base.document),
        author_id=staff.id,
        begun_at=now,
        saved_by=staff.id,
        saved_at=now,
    )
    session.add(draft)
    try:
        session.flush()
    except IntegrityError:  # a colleague began one in this very moment
        session.rollback()
        known = _open(session, staff, base.url)
        if known is None:
            raise
        return known
    _audit(session, now, staff, "protocol.draft", "protocol_draft", draft.id, base=base.canonical)
    session.commit()
    return draft


def save(
    session: Session, rt: Runtime, staff: Staff, draft_id: UUID, forms: Sequence[ActionForm], seen: int
) -> ProtocolDraft:
    """Keep what was typed, if it can be asked as it is written; commits. `seen` is the saving that was looked at.

    Raises Invalid (place: the number of the action and its field, or as `read_plan` names it), NotFound, NotAllowed,
    Conflict: settled, or `saved-meanwhile` by a colleague.
    """
    draft = _locked(session, staff, draft_id, seen)
    document = edited(draft.document, forms)
    _check(session, document)
    draft.document, draft.saved = document, draft.saved + 1
    draft.saved_by, draft.saved_at = staff.id, rt.now()
    _audit(session, rt.now(), staff, "protocol.save", "protocol_draft", draft.id, saved=draft.saved)
    session.commit()
    return draft


def rebase(session: Session, rt: Runtime, staff: Staff, draft_id: UUID, seen: int) -> ProtocolDraft:
    """Put a draft that was overtaken on top of the newest version; commits. Its difference is then told against that.

    Raises as `save`.
    """
    draft = _locked(session, staff, draft_id, seen)
    base = newest(session, draft.url)
    draft.base_id, draft.saved = base.id, draft.saved + 1
    _audit(session, rt.now(), staff, "protocol.rebase", "protocol_draft", draft.id, base=base.canonical)
    session.commit()
    return draft


def publish(session: Session, rt: Runtime, staff: Staff, draft_id: UUID, reason: str, seen: int) -> Definition:
    """Publish a draft as the next version; commits. From then on nobody can edit it, and no running plan changes.

    Raises Invalid (no reason; nothing changed; a questionnaire that is retired by now), NotFound, NotAllowed, Conflict:
    settled, `saved-meanwhile`, or `overtaken` by another version.
    """
    why = " ".join(reason.split())
    if not 3 <= len(why) <= LONGEST_REASON or "\x00" in why:
        raise Invalid("reason", f"say in a few words why (at most {LONGEST_REASON} characters)", place="reason")
    draft, now = _locked(session, staff, draft_id, seen), rt.now()
    base = newest(session, draft.url)
    if base.id != draft.base_id:
        raise _overtaken()
    version = next_version(base.version)
    document = {**draft.document, "version": version, "status": "active", "date": now.date().isoformat()}
    if not difference(content.plan(session, base.id), _check(session, document)):
        raise Invalid("no-changes", "nothing differs from the version that is published", place="reason")
    row = {
        "id": new_id(),
        "kind": content.PLAN,
        "url": draft.url,
        "version": version,
        "sha256": sha256_of(document),
        "document": document,
        "published_at": now,
    }
    once = insert(Definition).values(row).on_conflict_do_nothing(index_elements=["url", "version"])
    made = session.execute(once.returning(Definition.id)).scalar()
    if made is None:
        session.rollback()
        raise _overtaken()
    draft.definition_id = made
    _settle(draft, staff, now, "published", why)
    _audit(session, now, staff, "protocol.publish", "definition", made, base=base.canonical, draft=str(draft.id))
    session.commit()
    return session.get_one(Definition, made)


def discard(session: Session, rt: Runtime, staff: Staff, draft_id: UUID) -> None:
    """Put a draft away unpublished; commits. Raises NotFound, NotAllowed, Conflict when it is settled already."""
    draft = _locked(session, staff, draft_id, None)
    _settle(draft, staff, rt.now(), "discarded", "")
    _audit(session, rt.now(), staff, "protocol.discard", "protocol_draft", draft.id)
    session.commit()


def plan_of(draft: ProtocolDraft) -> PlanDefinition:
    """The protocol that a draft would be. Raises Invalid."""
    return read_plan(draft.document, calendars())


def changes(session: Session, draft: ProtocolDraft) -> tuple[Change, ...]:
    """What a draft changes of the version that it is on top of."""
    return difference(content.plan(session, draft.base_id), plan_of(draft))


def newest(session: Session, url: str) -> Definition:
    """The newest version of a protocol that is not retired. Raises NotFound."""
    found = [one for one in published(session, content.PLAN) if one.url == url]
    if not found:
        raise NotFound("definition", "no version of this protocol is in use")
    return found[-1]


def on_older(session: Session, staff: Staff, target: Definition) -> list[tuple[CarePlan, Patient, str]]:
    """The team's running plans on other versions of this protocol, with the patient and the version, oldest first."""
    found = (
        select(CarePlan, Patient, Definition.version)
        .join(Definition, Definition.id == CarePlan.definition_id)
        .join(Patient, Patient.id == CarePlan.patient_id)
        .where(Definition.url == target.url, Definition.id != target.id, visible_to(staff))
        .where(CarePlan.status == CarePlanStatus.ACTIVE.value)
        .order_by(CarePlan.created_at, CarePlan.id)
    )
    return [(plan, patient, version) for plan, patient, version in session.execute(found)]


def move(session: Session, rt: Runtime, staff: Staff, target: Definition, care_plan_ids: Collection[UUID]) -> Moved:
    """Move these plans to a version from each patient's next midnight on; each is an act of its own and commits.

    Raises NotFound for a plan that is not the team's, NotAllowed, Invalid (another protocol, a retired version).
    """
    moved = left = 0
    for plan_id in care_plan_ids:
        try:
            migrate_plan(session, rt, staff, plan_id, target.canonical)
            moved += 1
        except Conflict:  # stopped by a colleague since the list was drawn
            session.rollback()
            left += 1
    return Moved(moved, left)


def next_version(version: str) -> str:
    """The version after this one: 1.2.3 is followed by 1.3.0, any other by itself with a number more."""
    numbers = _NUMBERS.fullmatch(version)
    if numbers:
        return f"{numbers[1]}.{int(numbers[2]) + 1}.0"
    stem, number = re.fullmatch(r"(.*?)(\d*)", version).groups()  # type: ignore[union-attr]
    return f"{stem}{int(number) + 1}" if number else f"{stem}-2"


def _may(staff: Staff) -> None:
    staff.must_be(Role.CLINICIAN, Role.ADMIN)


def _open(session: Session, staff: Staff, url: str) -> ProtocolDraft | None:
    found = select(ProtocolDraft).where(
        ProtocolDraft.organization_id == staff.organization_id,
        ProtocolDraft.url == url,
        ProtocolDraft.status == "draft",
    )
    return session.scalars(found).first()


def _locked(session: Session, staff: Staff, draft_id: UUID, seen: int | None) -> ProtocolDraft:
    _may(staff)
    draft = protocol_draft_of(session, staff, draft_id, lock=True)
    if draft.status != "draft":
        raise Conflict("settled", f"this draft was {draft.status} already")
    if seen is not None and draft.saved != seen:
        raise Conflict("saved-meanwhile", "a colleague has saved this draft since you opened it")
    return draft


def _check(session: Session, document: Mapping[str, Any]) -> PlanDefinition:
    """The protocol in a document, which asks only what is published. Raises Invalid."""
    plan = read_plan(document, calendars())
    for number, action in enumerate(plan.actions):
        url, _, version = action.questionnaire.partition("|")
        found = select(Definition.retired).where(
            Definition.url == url, Definition.version == version, Definition.kind == content.QUESTIONNAIRE
        )
        if session.scalar(found) is not False:
            raise Invalid("unknown-questionnaire", "no such questionnaire is in use", place=f"{number}-questionnaire")
    return plan


def _settle(draft: ProtocolDraft, staff: Staff, now: datetime, status: str, reason: str) -> None:
    draft.status, draft.reason = status, reason
    draft.settled_by, draft.settled_at = staff.id, now


def _overtaken() -> Conflict:
    return Conflict(
        "overtaken", "another version of this protocol was published since you began: compare with it first"
    )


def _audit(
    session: Session, now: datetime, staff: Staff, action: str, entity: str, entity_id: UUID, **detail: Any
) -> None:
    audits.record(session, now, action, entity, entity_id, staff=staff, **detail)
