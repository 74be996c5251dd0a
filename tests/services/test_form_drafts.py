"""Drafts of forms that are given up: every word of danger reaches a person, and what was answered counts once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from care.domain.message import Incoming
from care.errors import Conflict
from care.library import seeds
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.records.form_drafts import FormDraft
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, form_drafts, forms, inbox
from care.services.locks import key_of
from care.services.plans import start_plan, stop_plan
from care.services.reminders import send_due
from tests.care_api.own_forms import FORM, PROTOCOL, document, own_seeds
from tests.care_api.own_forms import seed as as_seed
from tests.care_api.serving import GLUCOSE, PHONE, enrolled
from tests.conftest import Clinic, Clock

DANGER = {"else": ["I have chest pain"]}


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient who can be put on a protocol."""
    content.publish_seeds(session, rt.now(), own_seeds())
    return enrolled(session, rt, clinic.nurse)


def asked(session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient, protocol: str) -> Task:
    """The first task of a protocol that starts today, now that it is due."""
    start_plan(session, rt, clinic.nurse, patient.id, protocol, clock.now.date())
    first = session.scalars(select(Task).order_by(Task.due_at)).first()
    assert first is not None
    clock.set(first.due_at)
    return first


@pytest.fixture
def task(session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient) -> Task:
    """Today's evening check, which may be answered for twenty hours."""
    return asked(session, rt, clock, clinic, patient, f"{PROTOCOL}|1")


def count(session: Session, of: type[Any]) -> int:
    return session.scalars(select(func.count()).select_from(of)).one()


def test_who_is_still_filling_in_when_the_time_is_over_is_not_cut_off(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    clock.forward(hours=19, minutes=59)
    for _ in range(5):
        forms.keep_draft(session, rt, patient, task.id, {"pain": [True], "strength": ["9"]})
        clock.forward(minutes=2)
        form_drafts.settle_due(session, rt, clock.now)
    assert count(session, QuestionnaireResponse) == 0
    assert count(session, FormDraft) == 1
    clock.forward(minutes=40)
    form_drafts.settle_due(session, rt, clock.now)
    assert count(session, QuestionnaireResponse) == 1


def test_words_of_danger_in_a_form_that_lies_there_reach_a_person_soon_and_the_form_can_be_finished(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    forms.keep_draft(session, rt, patient, task.id, DANGER)
    form_drafts.settle_due(session, rt, clock.now)
    assert count(session, Escalation) == 0
    clock.forward(minutes=6)
    form_drafts.settle_due(session, rt, clock.now)
    (raised,) = session.scalars(select(Escalation))
    assert raised.cause == "red-flag"
    assert forms.open_form(session, rt, patient, task.id).saved_at is not None
    clock.forward(hours=21)
    form_drafts.settle_due(session, rt, clock.now)
    assert count(session, QuestionnaireResponse) == 1
    assert count(session, FormDraft) == 0


@pytest.mark.parametrize(
    "posted",
    [
        {"temperature": ["I want to kill myself"]},
        {"else": ["I want to kill myself " + "again " * 200]},
    ],
)
def test_words_of_danger_reach_a_person_also_where_the_form_cannot_take_them(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task, posted: dict[str, Any]
):
    assert forms.keep_draft(session, rt, patient, task.id, posted).advice
    clock.forward(hours=21)
    form_drafts.settle_due(session, rt, clock.now)
    (raised,) = session.scalars(select(Escalation))
    assert raised.cause == "crisis"


def test_what_was_filled_in_when_the_plan_was_stopped_is_judged(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient, task: Task
):
    forms.keep_draft(session, rt, patient, task.id, {"pain": [True], "strength": ["9"]})
    stop_plan(session, rt, clinic.nurse, task.care_plan_id)
    clock.forward(hours=21)
    form_drafts.settle_due(session, rt, clock.now)
    (report,) = session.scalars(select(QuestionnaireResponse))
    assert report.status == "stopped"
    assert session.get_one(Task, task.id).status == "cancelled"


def test_words_of_danger_in_a_correction_that_is_given_up_reach_a_person_and_other_corrections_change_nothing(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    forms.hand_in(session, rt, patient, task.id, {"pain": [False]})
    clock.forward(minutes=1)
    forms.keep_draft(session, rt, patient, task.id, {"pain": [True], "strength": ["3"]})
    clock.forward(hours=21)
    form_drafts.settle_due(session, rt, clock.now)
    assert count(session, QuestionnaireResponse) == 1
    forms.keep_draft(session, rt, patient, task.id, {"pain": [False], **DANGER})
    clock.forward(hours=1)
    form_drafts.settle_due(session, rt, clock.now)
    (raised,) = session.scalars(select(Escalation))
    assert raised.cause == "red-flag"


def test_a_draft_that_is_being_handed_in_at_this_moment_is_left_alone(
    session: Session, empty_database: Engine, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    forms.keep_draft(session, rt, patient, task.id, {"pain": [True], "strength": ["9"]})
    clock.forward(hours=21)
    with empty_database.connect() as handing_in:
        handing_in.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key_of(patient.id)})
        form_drafts.settle_due(session, rt, clock.now)
    assert count(session, QuestionnaireResponse) == 0
    clock.forward(minutes=2)
    form_drafts.settle_due(session, rt, clock.now)
    assert count(session, QuestionnaireResponse) == 1


def test_a_draft_that_cannot_be_judged_at_all_is_a_nurses(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    forms.keep_draft(session, rt, patient, task.id, {"pain": [True]})
    session.execute(text("UPDATE form_draft SET answers_sealed = '\\x00'"))
    session.commit()
    for _ in range(6):
        clock.forward(hours=21)
        form_drafts.settle_due(session, rt, clock.now)
    assert count(session, DeadLetter) == 1
    (raised,) = session.scalars(select(Escalation))
    assert raised.cause == "unscorable"


def test_a_form_handed_in_again_has_the_same_answer_whatever_has_happened_since(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient, task: Task
):
    first = forms.hand_in(session, rt, patient, task.id, {"pain": [False]}, "once")
    task.status = "cancelled"
    session.commit()
    assert forms.hand_in(session, rt, patient, task.id, {"pain": [False]}, "once") == first
    with pytest.raises(Conflict) as refused:
        forms.hand_in(session, rt, patient, task.id, {"pain": [True], "strength": [3]}, "once")
    assert refused.value.code == "idempotency-key-reused"


def test_a_draft_of_a_form_that_the_task_no_longer_asks_is_opened_with_what_still_fits(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    forms.keep_draft(session, rt, patient, task.id, {"pain": [True], **DANGER})
    newer = document()
    newer["version"], newer["item"] = "2", [one for one in newer["item"] if one["linkId"] != "else"]
    content.publish_seeds(session, rt.now(), [*seeds(), as_seed("Questionnaire", newer)])
    task.questionnaire = f"{FORM}|2"
    session.commit()
    opened = forms.open_form(session, rt, patient, task.id)
    assert opened.form["progress"]["done"] == 1
    assert forms.keep_draft(session, rt, patient, task.id, {"pain": [True], "strength": [4]}).saved_at


def test_what_reached_a_person_before_the_form_was_handed_in_counts_with_the_form_only(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    task = asked(session, rt, clock, clinic, patient, GLUCOSE)
    nodes = forms.open_form(session, rt, patient, task.id).form["items"]
    reading = next(node["place"] for node in nodes if node.get("units"))
    other = next(node["place"] for node in nodes if node["type"] in ("boolean", "choice"))
    posted = {reading: [{"value": 104, "code": "mg/dL"}]}
    forms.keep_draft(session, rt, patient, task.id, {**posted, other: ["I have chest pain"]})
    clock.forward(minutes=6)
    form_drafts.settle_due(session, rt, clock.now)
    assert [one.status for one in session.scalars(select(QuestionnaireResponse))] == ["stopped"]
    early = set(session.scalars(select(Observation.id)))
    assert early
    nodes = forms.keep_draft(session, rt, patient, task.id, posted).form["items"]
    rest = {
        one["place"]: [one["options"][0]["key"] if one.get("options") else False]
        for one in nodes
        if one.get("required")
    }
    forms.hand_in(session, rt, patient, task.id, {**rest, **posted})
    counting = set(session.scalars(select(Observation.id).where(~Observation.superseded)))
    assert counting
    assert not counting & early


def test_a_draft_from_before_the_task_was_answered_by_text_is_not_shown_again(
    session: Session, rt: Runtime, clock: Clock, patient: Patient, task: Task
):
    forms.keep_draft(session, rt, patient, task.id, {"pain": [True]})
    clock.forward(minutes=1)
    task.status, task.completed_at = "completed", clock.now
    session.commit()
    assert forms.open_form(session, rt, patient, task.id).saved_at is None


def test_what_was_answered_by_text_and_again_in_a_form_that_is_given_up_counts_once(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    task = asked(session, rt, clock, clinic, patient, GLUCOSE)
    clock.forward(minutes=1)
    send_due(session, rt, clock.now)
    clock.forward(minutes=1)
    inbox.receive(session, rt, Incoming("sms", PHONE, "104", "SM1", clock.now))
    inbox.take_turns_due(session, rt, clock.now)
    first = next(node for node in forms.open_form(session, rt, patient, task.id).form["items"] if node.get("units"))
    forms.keep_draft(session, rt, patient, task.id, {first["place"]: first["values"]})
    clock.set(task.expires_at)
    for _ in range(3):
        clock.forward(hours=1)
        send_due(session, rt, clock.now)
        form_drafts.settle_due(session, rt, clock.now)
    of_this = select(Observation).where(Observation.code == "2339-0", ~Observation.superseded)
    assert len(session.scalars(of_this).all()) == 1


def test_what_was_begun_by_text_and_handed_in_as_a_form_is_one_report_and_no_text_asks_on(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    task = asked(session, rt, clock, clinic, patient, GLUCOSE)
    clock.forward(minutes=1)
    send_due(session, rt, clock.now)
    clock.forward(minutes=1)
    inbox.receive(session, rt, Incoming("sms", PHONE, "104", "SM1", clock.now))
    inbox.take_turns_due(session, rt, clock.now)
    nodes = forms.open_form(session, rt, patient, task.id).form["items"]
    begun = {node["place"]: node["values"] for node in nodes if node.get("values")}
    rest = {
        node["place"]: [node["options"][0]["key"] if node.get("options") else False]
        for node in nodes
        if node["place"] not in begun and node["type"] in ("boolean", "choice")
    }
    forms.hand_in(session, rt, patient, task.id, begun | rest)
    clock.forward(hours=26)
    for _ in range(4):
        send_due(session, rt, clock.now)
        clock.forward(hours=3)
    assert session.scalars(select(QuestionnaireResponse.status)).all() == ["completed"]
