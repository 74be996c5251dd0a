"""Drafts of forms: what was kept while one was filled in is read again, and judged when it is given up.

When a task's time is over with a draft still there, what it says is judged like an answer that broke off in a
conversation: as a stopped report. Words of danger in a draft do not wait for that: they reach a person soon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, ResponseStatus, TaskStatus
from care.domain.questionnaire import Answer, Answers, Questionnaire, check, from_response
from care.domain.questionnaire.check import Issue
from care.domain.questionnaire.form import holds_answer, standing
from care.domain.questionnaire.posted import read_posted
from care.domain.screen import Verdict
from care.domain.triage import Alarm
from care.errors import Invalid
from care.records.form_drafts import FormDraft
from care.records.observations import stop_counting
from care.records.patients import Patient
from care.records.questionnaire_responses import OF_DRAFTS, QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, reports
from care.services.alarms import raise_alarms
from care.services.drafts import draft, store
from care.services.locks import lock_patients
from care.services.queue import Queue, Worked, work
from care.services.tellers import APP, by_phone

Posted = Mapping[str, Sequence[Any]]
QUEUE = Queue("form-drafts", FormDraft, "settle_at")
UNFINISHED = frozenset(("required", "too-few"))
"""Problems that are none while a form is being filled in."""
QUIET = timedelta(minutes=30)  # ours: who filled something in so lately is still at it, as in a conversation
CALL = timedelta(minutes=5)  # ours: so long words of danger may be thought over; then a person is called
AGAIN = timedelta(minutes=1)


class Kept(NamedTuple):
    """A draft as it was posted, and as its form reads it."""

    posted: Posted
    answers: Answers
    issues: list[Issue]


def read_kept(form: Questionnaire, posted: Posted, zone: str) -> Kept:
    """What a draft says. What the form has no place for is left out: the task may follow another version by now."""
    try:
        return Kept(posted, *read_posted(form, posted, zone))
    except Invalid:
        fitting = {at: values for at, values in posted.items() if _fits(form, at, values)}
        return Kept(fitting, *read_posted(form, fitting, zone))


def settle_at(task: Task, now: datetime, danger: bool) -> datetime:
    """When a draft that is kept now is looked at, if nothing else happens: its task is over, and nobody is writing."""
    over = max(now + QUIET, task.closes_at or task.expires_at)
    return min(over, now + CALL) if danger else over


def danger_kept(form: Questionnaire, posted: Posted, answers: Answers) -> Verdict | None:
    """Words of danger in what was filled in, also where it is no answer that the form can take."""
    return reports.danger_in(_written(form, posted, answers))


def settle_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 200) -> Worked:
    """Drafts of tasks whose time is over become stopped reports and are judged, and so do those with words of danger
    in them, which stay to be finished; commits.
    """

    def handle(inner: Session, rows: list[FormDraft]) -> None:
        ours = lock_patients(inner, {row.patient_id for row in rows})
        for row in rows:
            if row.patient_id in ours:
                _settle(inner, now, row)
            else:
                row.settle_at = now + AGAIN  # they are filling it in, or handing it in, at this moment

    session.expire_all()
    return work(session, QUEUE, handle, now, limit=limit, bury=_bury)


def _settle(session: Session, now: datetime, row: FormDraft) -> None:
    task, patient = session.get_one(Task, row.task_id), session.get_one(Patient, row.patient_id)
    form = content.questionnaire(session, task.questionnaire).at(row.updated_at)
    kept = read_kept(form, row.answers, patient.time_zone)
    written = _written(form, row.answers, kept.answers)
    danger = reports.danger_in(written) is not None
    over = settle_at(task, row.updated_at, False)
    if danger or (over <= now and not _answered(task)):
        _judge(session, now, row, task, patient, form, _standing(form, kept.answers), written)
    if over <= now:
        session.delete(row)
    row.settle_at = None if over <= now else over


def _judge(
    session: Session,
    now: datetime,
    row: FormDraft,
    task: Task,
    patient: Patient,
    form: Questionnaire,
    answers: Answers,
    written: Answers,
) -> None:
    """Keep what a draft says as a stopped report, unless one says so already; one that says less counts no more."""
    danger = reports.danger_in(written) is not None
    if not holds_answer(answers) and not danger:
        return
    before = _stopped_before(session, form, task)
    if any(_told(one, told, row, answers, danger) for one, told in before):
        return
    stop_counting(session, [one.id for one, told in before if _says(answers, told)])
    teller = by_phone(row.author_id) if row.author_id else APP
    stopped = draft(
        now,
        patient,
        form,
        answers,
        authored_at=row.updated_at,
        source=teller.source,
        task=task,
        status=ResponseStatus.STOPPED,
        said=teller.said,
    )
    store(session, [stopped])
    reports.answer_danger(session, now, patient, stopped.response["id"], written)


def _stopped_before(session: Session, form: Questionnaire, task: Task) -> list[tuple[QuestionnaireResponse, Answers]]:
    """The stopped reports that a task has already: of its conversation, or of this draft as it was."""
    found = select(QuestionnaireResponse).where(
        QuestionnaireResponse.task_id == task.id, QuestionnaireResponse.status == ResponseStatus.STOPPED.value
    )
    told: list[tuple[QuestionnaireResponse, Answers]] = []
    for one in session.scalars(found):
        try:
            told.append((one, from_response(form, one.document)))
        except Invalid:  # of another version
            continue
    return told


def _told(report: QuestionnaireResponse, told: Answers, row: FormDraft, answers: Answers, danger: bool) -> bool:
    """Whether a stopped report says all that a draft does. What is not among the answers only its own draft told."""
    own = report.source in OF_DRAFTS and row.updated_at <= report.recorded_at
    return own or (not danger and _says(told, answers))


def _says(report: Answers, answers: Answers) -> bool:
    """Whether these answers are among those of a report."""
    return all(report.get(at) == given for at, given in answers.items() if given)


def _standing(form: Questionnaire, answers: Answers) -> Answers:
    """The answers that can stand in a report."""
    wrong = {issue.link_id for issue in check(form, standing(form, answers)) if issue.code not in UNFINISHED}
    return standing(form, {at: given for at, given in answers.items() if at not in wrong})


def _written(form: Questionnaire, posted: Posted, answers: Answers) -> Answers:
    """The answers, and as texts what was posted and is none."""
    unread = {at: tuple(Answer("string", one) for one in _texts(posted[at])) for at in posted if at not in answers}
    return {**standing(form, answers), **unread}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _texts(part)


def _fits(form: Questionnaire, at: str, values: Sequence[Any]) -> bool:
    try:
        read_posted(form, {at: values})
    except Invalid:
        return False
    return True


def _answered(task: Task) -> bool:
    return task.status == TaskStatus.COMPLETED.value


def _bury(session: Session, row: FormDraft, error: str, now: datetime) -> None:
    """What was filled in and cannot be judged at all is a nurse's task."""
    patient = session.get_one(Patient, row.patient_id)
    raise_alarms(
        session,
        now,
        patient=patient,
        organization_id=row.organization_id,
        care_team_id=patient.care_team_id,
        alarms=[Alarm("unscorable", Priority.URGENT, "unscorable", {"failure": error}, "doubt")],
    )
