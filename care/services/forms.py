"""Forms: a task's questionnaire as the patient's app fills it in. What was filled in is kept until it is handed in.

A phone that dies loses nothing, and what a patient began by text goes on in the form. What becomes of a draft that is
given up is in services/form_drafts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import ResponseStatus
from care.domain.questionnaire import Answer, Answers, Questionnaire, check, from_response, to_response
from care.domain.questionnaire.check import Issue
from care.domain.questionnaire.form import form as drawn
from care.domain.questionnaire.form import standing
from care.domain.questionnaire.places import link_id_of
from care.domain.questionnaire.posted import answers_from_form, followed, read_posted, without_instance
from care.domain.questionnaire.values import value_of
from care.domain.turn import Talk
from care.errors import CareError, Invalid, NotFound
from care.records.conversations import conversation_of
from care.records.form_drafts import FormDraft, form_draft
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, reports
from care.services.emergencies import emergency_words
from care.services.form_drafts import UNFINISHED, Posted, danger_kept, read_kept, settle_at
from care.services.locks import wait_for_patient
from care.services.tellers import APP, Teller


class Removal(NamedTuple):
    """An instance (0-based) of what repeats at a place, which is to be taken away."""

    place: str
    instance: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A form as it stands: the JSON of domain/questionnaire/form, and when its draft was kept.

    `advice`: what the patient must be told at once because of words of danger in it ("" for nothing).
    `unread`: what was filled in and cannot be read, as it was posted, by place: it is still there to be mended.
    """

    task_id: UUID
    form: dict[str, Any]
    saved_at: datetime | None
    unread: dict[str, list[Any]]
    advice: str = ""
    answers: Answers = field(default_factory=dict)


def open_form(session: Session, rt: Runtime, patient: Patient, task_id: UUID, language: str | None = None) -> Opened:
    """The form of a task with what is known of its answers: the draft, else what was begun by text, else what was
    handed in before. Raises NotFound, Conflict (cancelled, or not due yet).
    """
    task = _task(session, rt, patient, task_id)
    form = content.questionnaire(session, task.questionnaire).at(rt.now())
    kept = form_draft(session, task.id)
    spoken = language or patient.language
    if kept is None or (task.completed_at is not None and kept.updated_at < task.completed_at):
        known = _begun(session, patient, task) or _handed_in(session, form, task)
        return Opened(task.id, _draw(form, known, spoken, ()), None, {}, answers=known)
    posted, answers, issues = read_kept(form, kept.answers, patient.time_zone)
    made = _draw(form, answers, spoken, issues)
    return Opened(task.id, made, kept.updated_at, _unread(posted, issues), _advice(patient, form, posted, answers))


def keep_draft(
    session: Session,
    rt: Runtime,
    patient: Patient,
    task_id: UUID,
    posted: Posted,
    removal: Removal | None = None,
    language: str | None = None,
    author_id: UUID | None = None,
) -> Opened:
    """Keep what is filled in so far and give the form as it stands with it; commits. Problems stand in the form.

    `author_id` is who of staff wrote it, for the patient.
    Raises NotFound, Conflict, and Invalid for what no form of ours posts.
    """
    wait_for_patient(session, patient.id)
    now = rt.now()
    task = _task(session, rt, patient, task_id)
    form = content.questionnaire(session, task.questionnaire).at(now)
    if removal is not None:
        posted = without_instance(form, posted, removal.place, removal.instance)
    read, issues = read_posted(form, posted, patient.time_zone)
    answers: Answers = read
    kept = form_draft(session, task.id)
    if kept is not None and removal is None:
        before = read_kept(form, kept.answers, patient.time_zone).answers
        posted, answers = _followed(form, before, posted, answers)
    made = _draw(form, answers, language or patient.language, issues)
    if kept is None:
        kept = FormDraft(organization_id=patient.organization_id, patient_id=patient.id, task_id=task.id)
        session.add(kept)
    kept.answers = {place: _without_data(values) for place, values in posted.items()}
    kept.author_id, kept.updated_at = author_id, now
    advice = _advice(patient, form, kept.answers, answers)
    kept.settle_at = settle_at(task, now, bool(advice))
    session.commit()
    return Opened(task.id, made, now, _unread(kept.answers, issues), advice)


def draw_posted(
    rt: Runtime, patient: Patient, task: Task, questionnaire: Questionnaire, posted: Posted, language: str
) -> Opened:
    """The form as it would stand with what was typed. Nothing is kept."""
    form = questionnaire.at(rt.now())
    posted, answers, issues = read_kept(form, posted, patient.time_zone)
    made = _draw(form, answers, language, issues)
    return Opened(task.id, made, None, _unread(posted, issues), _advice(patient, form, posted, answers), answers)


def hand_in(
    session: Session,
    rt: Runtime,
    patient: Patient,
    task_id: UUID,
    posted: Posted,
    idempotency_key: str | None = None,
    teller: Teller = APP,
) -> tuple[int, dict[str, Any]]:
    """The filled form as a report, by the way that all reports go: see reports.submit; commits.

    Raises Invalid with `errors`, each with its place, when an answer is missing or cannot stand.
    """
    # The same form handed in again is the same request, whatever it would compute or be refused for by now.
    request = {"form": posted}
    if idempotency_key is not None:
        stored = reports.submitted(session, patient, request, task_id, idempotency_key)
        if stored is not None:
            return stored
    task = _task(session, rt, patient, task_id)
    form = content.questionnaire(session, task.questionnaire).at(rt.now())
    answers = standing(form, answers_from_form(form, posted, patient.time_zone))
    issues = [*check(form, answers), *_empty_files(answers)]
    if issues:
        errors = [{"place": one.link_id, "code": one.code, "message": one.message} for one in issues]
        raise Invalid(issues[0].code, "the form cannot be handed in yet", place=issues[0].link_id, errors=errors)
    document = to_response(
        form, answers, id="", patient=str(patient.id), authored=rt.now(), status=ResponseStatus.COMPLETED.value
    )
    # What only says when and by which id is left to the report.
    whole = {name: part for name, part in document.items() if name not in ("id", "authored")}
    return reports.submit(session, rt, patient, whole, task.id, idempotency_key, request, teller)


def _advice(patient: Patient, form: Questionnaire, posted: Posted, answers: Answers) -> str:
    """Words of danger are answered before the form is handed in; a person is called when it is, or soon after."""
    verdict = danger_kept(form, posted, answers)
    return emergency_words(verdict, patient.language, patient.country) if verdict else ""


def _task(session: Session, rt: Runtime, patient: Patient, task_id: UUID) -> Task:
    task = session.scalars(select(Task).where(Task.id == task_id, Task.patient_id == patient.id)).first()
    if task is None:
        raise NotFound("task", "no such task")
    reports.may_be_answered(task, rt.now())
    return task


def _draw(form: Questionnaire, answers: Answers, language: str, unread: Sequence[Issue]) -> dict[str, Any]:
    """The form with what is wrong so far; that something is still missing is not told before it is handed in."""
    found = [one for one in check(form, standing(form, answers)) if one.code not in UNFINISHED]
    return drawn(form, answers, language, (*unread, *found))


def _followed(form: Questionnaire, before: Answers, posted: Posted, answers: Answers) -> tuple[Posted, Answers]:
    """What stands below an answer of a question that repeats goes with it when those before it are taken away."""
    moved = followed(form, before, answers)
    if moved is answers:
        return posted, answers
    written = {
        at: [one.value if one.type == "count" else value_of(form.by_id[link_id_of(at)], one) for one in given]
        for at, given in moved.items()
    }
    return {at: values for at, values in posted.items() if at not in answers} | written, moved


def _unread(posted: Posted, issues: Sequence[Issue]) -> dict[str, list[Any]]:
    return {one.link_id: list(posted[one.link_id]) for one in issues}


def _begun(session: Session, patient: Patient, task: Task) -> Answers | None:
    """What was answered by text, if the conversation is about this task."""
    conversation = conversation_of(session, patient.id)
    talk = Talk.from_json(conversation.state) if conversation else Talk.idle()
    return talk.answers if talk.task_id == str(task.id) and talk.questionnaire == task.questionnaire else None


def _handed_in(session: Session, form: Questionnaire, task: Task) -> Answers:
    """The answers of the report that the task has, so that it can be corrected."""
    found = select(QuestionnaireResponse).where(
        QuestionnaireResponse.task_id == task.id, QuestionnaireResponse.status == ResponseStatus.COMPLETED.value
    )
    report = session.scalars(found).first()
    try:
        return from_response(form, report.document) if report else {}
    except CareError:
        return {}


def _without_data(values: Sequence[Any]) -> list[Any]:
    """Values without the data of their files, which are large and are kept only in a report."""
    return [_light(one) for one in values]


def _light(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _light(part) for name, part in value.items() if name != "data"}


def _empty_files(answers: Answers) -> list[Issue]:
    """Files of which only the name is there: a draft keeps no pictures."""
    return [
        Issue(place, "file-missing", "please add the file again")
        for place, given in answers.items()
        for one in given
        if one.type == "attachment" and not _has_content(one)
    ]


def _has_content(answer: Answer) -> bool:
    rest = json.loads(answer.content) if answer.content else {}
    return bool(rest.get("data") or rest.get("url"))
