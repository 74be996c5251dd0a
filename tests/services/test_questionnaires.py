"""Questionnaires that a hospital brings: imported, published, retired, and never edited."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.definitions import Definition
from care.records.organizations import Organization
from care.records.questionnaire_drafts import QuestionnaireDraft, open_drafts
from care.runtime import Runtime
from care.services import content, questionnaires
from tests.conftest import Clinic

FORM: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "url": "https://hospital.example/Questionnaire/sleep",
    "version": "2",
    "title": "Sleep",
    "status": "draft",
    "item": [
        {"linkId": "hours", "text": "How many hours did you sleep?", "type": "integer", "required": True},
        {"linkId": "tired", "text": "Are you tired?", "type": "boolean"},
    ],
}


def file(**changes: Any) -> bytes:
    """The form as a file; a change to None leaves the key out."""
    return json.dumps({key: value for key, value in {**FORM, **changes}.items() if value is not None}).encode()


def acts(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.at, AuditEvent.id)))


def test_a_form_is_imported_looked_at_and_published(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, clinic.admin, file())
    assert (draft.status, draft.canonical, draft.author_id) == ("draft", f"{FORM['url']}|2", clinic.admin.id)
    assert [item.link_id for item in questionnaires.form_of(draft).questions] == ["hours", "tired"]
    with pytest.raises(NotFound):
        content.questionnaire(session, draft.canonical)
    made = questionnaires.publish(session, rt, clinic.admin, draft.id, "agreed by the sleep clinic")
    assert made.document["status"] == "active"
    assert content.questionnaire(session, draft.canonical).title[""] == "Sleep"
    session.refresh(draft)
    assert (draft.status, draft.definition_id, draft.reason) == ("published", made.id, "agreed by the sleep clinic")
    assert acts(session) == ["questionnaire.import", "questionnaire.publish"]


def test_the_same_file_twice_is_one_draft(session: Session, rt: Runtime, clinic: Clinic):
    first = questionnaires.import_draft(session, rt, clinic.admin, file())
    assert questionnaires.import_draft(session, rt, clinic.admin, file()).id == first.id
    assert questionnaires.import_draft(session, rt, clinic.admin, file(version="3")).id != first.id
    assert len(open_drafts(session, clinic.admin)) == 2


def test_two_who_import_the_same_file_at_once_have_the_same_draft(
    session: Session, rt: Runtime, clinic: Clinic, engine: Engine
):
    with Session(engine, expire_on_commit=False) as slow, ThreadPoolExecutor(1) as pool:
        first = questionnaires.import_draft(session, rt, clinic.admin, file(version="7"))
        questionnaires.discard(session, rt, clinic.admin, first.id)
        again = slow.get_one(QuestionnaireDraft, first.id)
        again.status, again.settled_at, again.settled_by = "draft", None, None
        slow.flush()  # not committed yet: the other one does not see it, and waits
        other = pool.submit(questionnaires.import_draft, session, rt, clinic.admin, file(version="7"))
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with engine.connect() as looking:
            while not other.done() and not looking.execute(waiting).scalar():
                looking.rollback()
        slow.commit()
        assert other.result(timeout=20).id == first.id


def test_a_version_that_is_taken_is_refused_and_another_one_is_published(session: Session, rt: Runtime, clinic: Clinic):
    first = questionnaires.import_draft(session, rt, clinic.admin, file())
    questionnaires.publish(session, rt, clinic.admin, first.id, "first")
    again = questionnaires.import_draft(session, rt, clinic.admin, file(title="Sleep, mended"))
    with pytest.raises(Conflict, match="another version") as refused:
        questionnaires.publish(session, rt, clinic.admin, again.id, "mended")
    assert refused.value.code == "version-taken"
    made = questionnaires.publish(session, rt, clinic.admin, again.id, "mended", version="2.1")
    assert (made.version, made.document["version"], made.document["title"]) == ("2.1", "2.1", "Sleep, mended")
    assert content.questionnaire(session, f"{FORM['url']}|2").title[""] == "Sleep"


def test_a_draft_is_settled_once(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, clinic.admin, file())
    questionnaires.discard(session, rt, clinic.admin, draft.id)
    assert open_drafts(session, clinic.admin) == []
    for act in (
        lambda: questionnaires.discard(session, rt, clinic.admin, draft.id),
        lambda: questionnaires.publish(session, rt, clinic.admin, draft.id, "after all"),
    ):
        with pytest.raises(Conflict, match="discarded"):
            act()
    assert questionnaires.import_draft(session, rt, clinic.admin, file()).id != draft.id


def test_only_an_administrator_of_the_organization_brings_and_publishes(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, clinic.admin, file())
    for who in (clinic.nurse, clinic.clinician):
        with pytest.raises(NotAllowed):
            questionnaires.import_draft(session, rt, who, file())
        with pytest.raises(NotAllowed):
            questionnaires.publish(session, rt, who, draft.id, "because")
        with pytest.raises(NotAllowed):
            questionnaires.discard(session, rt, who, draft.id)
    elsewhere = Organization(name="Other Hospital", country="US", time_zone="UTC")
    session.add(elsewhere)
    session.commit()
    stranger = Staff(clinic.admin.id, elsewhere.id, None, Role.ADMIN)
    assert open_drafts(session, stranger) == []
    with pytest.raises(NotFound):
        questionnaires.publish(session, rt, stranger, draft.id, "because")


def test_on_the_machine_itself_the_only_organization_is_meant(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, None, file())
    assert (draft.organization_id, draft.author_id) == (clinic.organization.id, None)
    assert questionnaires.publish(session, rt, None, draft.id, "set up").version == "2"
    session.add(Organization(name="Other Hospital", country="US", time_zone="UTC"))
    session.commit()
    with pytest.raises(Invalid, match="organization"):
        questionnaires.import_draft(session, rt, None, file(version="3"))
    named = questionnaires.import_draft(session, rt, None, file(version="3"), clinic.organization.id)
    assert named.organization_id == clinic.organization.id


def test_a_form_without_a_name_of_its_own_gets_one_and_says_so(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, clinic.admin, file(url=None, version=None, id="Sleep 1"))
    assert draft.canonical == f"{rt.public_url}/fhir/Questionnaire/Sleep-1|1"
    assert len(draft.notes) == 2


@pytest.mark.parametrize(
    ("change", "place"), [({"url": "a|b"}, "url"), ({"url": "x" * 400}, "url"), ({"version": "1 2"}, "version")]
)
def test_a_name_that_nobody_could_refer_to_is_refused(
    session: Session, rt: Runtime, clinic: Clinic, change: dict[str, str], place: str
):
    with pytest.raises(Invalid) as refused:
        questionnaires.import_draft(session, rt, clinic.admin, file(**change))
    assert refused.value.detail["place"] == place


def test_publishing_needs_a_reason(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, clinic.admin, file())
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid) as refused:
            questionnaires.publish(session, rt, clinic.admin, draft.id, reason)
        assert refused.value.detail["place"] == "reason"


def test_a_published_version_is_retired_once_and_stays_readable(session: Session, rt: Runtime, clinic: Clinic):
    draft = questionnaires.import_draft(session, rt, clinic.admin, file())
    made = questionnaires.publish(session, rt, clinic.admin, draft.id, "agreed")
    with pytest.raises(Invalid):
        questionnaires.retire(session, rt, clinic.admin, made.id, "why not")
    with pytest.raises(NotAllowed):
        questionnaires.retire(session, rt, clinic.nurse, made.id, "replaced")
    assert questionnaires.retire(session, rt, clinic.admin, made.id, "replaced").retired
    with pytest.raises(Conflict):
        questionnaires.retire(session, rt, clinic.admin, made.id, "replaced")
    assert content.questionnaire(session, made.id).title[""] == "Sleep"
    with pytest.raises(NotFound):
        questionnaires.retire(session, rt, clinic.admin, UUID(int=5), "replaced")


def test_what_a_protocol_asks_is_not_retired(session: Session, rt: Runtime, clinic: Clinic):
    content.publish_seeds(session, rt.now())
    asked = session.scalars(select(Definition).where(Definition.url.like("%Questionnaire/glucose-daily"))).one()
    with pytest.raises(Conflict, match="diabetes-diary"):
        questionnaires.retire(session, rt, clinic.admin, asked.id, "replaced")


def test_two_who_publish_the_same_version_are_told_apart(session: Session, rt: Runtime, clinic: Clinic):
    one = questionnaires.import_draft(session, rt, clinic.admin, file())
    two = questionnaires.import_draft(session, rt, clinic.admin, file(title="Another"))
    questionnaires.publish(session, rt, clinic.admin, one.id, "first")
    with pytest.raises(Conflict):
        questionnaires.publish(session, rt, clinic.admin, two.id, "second")
    assert session.get_one(type(two), two.id).status == "draft"
