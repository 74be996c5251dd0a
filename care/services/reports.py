"""Reports: handed in whole by the patient's app, kept as a conversation's are, and scored by a worker afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose, ResponseStatus, TaskStatus
from care.domain.questionnaire import (
    Answers,
    Issue,
    Questionnaire,
    check,
    from_response,
    instance_of,
    link_id_of,
)
from care.domain.screen import Verdict, screen
from care.errors import Conflict, Invalid, NotFound
from care.library import lexicon
from care.records.care_plans import active_plans
from care.records.conversations import end_talk
from care.records.form_drafts import drop_form_draft
from care.records.idempotency_keys import IdempotencyKey
from care.records.observations import stop_counting
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse, told_of_draft
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, outbox
from care.services.drafts import Draft, draft, keep, store
from care.services.emergencies import alarm_of, emergency_words, is_alarming
from care.services.escalations import raise_alarms
from care.services.locks import wait_for_patient
from care.services.scoring import score_due
from care.services.tellers import APP, Teller

__all__ = [
    "Draft",
    "answer_danger",
    "answer_from",
    "danger_in",
    "draft",
    "keep",
    "may_be_answered",
    "score_due",
    "store",
    "submit",
    "submitted",
]

AHEAD = timedelta(hours=24)  # how long before its due moment a task can be answered (today's list is longer than now)
SKEW = timedelta(minutes=5)  # how far a phone's clock may be ahead of ours
OLDEST = timedelta(days=366)
LONGEST_KEY = 200


def submit(
    session: Session,
    rt: Runtime,
    patient: Patient,
    document: Mapping[str, Any],
    task_id: UUID | None = None,
    idempotency_key: str | None = None,
    request: Mapping[str, Any] | None = None,
    teller: Teller = APP,
) -> tuple[int, dict[str, Any]]:
    """A whole report from the patient's app, or as staff were told it: (HTTP status, answer); commits.

    The same key with the same request (the document, where it is not what was sent) gives the stored answer, whatever
    has happened since. Raises NotFound (someone else's task, a questionnaire that is not this patient's), Invalid
    (`errors` names each linkId), Conflict (the key was used for another request; the task is cancelled or not due yet).
    """
    now = rt.now()
    wait_for_patient(session, patient.id)
    digest = _digest(document if request is None else request, task_id)
    if idempotency_key is not None:
        stored = _stored(session, patient, idempotency_key, digest)
        if stored is not None:
            session.rollback()
            return stored
    task = _task(session, patient, task_id, now)
    form, care_plan_id = _form(session, patient, document, task)
    authored_at = _authored(document, now)
    answers = _answers(form.at(authored_at), document)
    response = keep(
        session,
        now,
        patient,
        form.canonical,
        answers,
        authored_at=authored_at,
        source=teller.source,
        task=None if task is not None and _over(task, authored_at) else task,
        care_plan_id=care_plan_id,
        said=teller.said,
    )
    if task is not None:
        drop_form_draft(session, task.id)
        if not _over(task, authored_at):
            stop_counting(session, told_of_draft(session, task.id))
            end_talk(session, patient.id, task.id, now)
    answer = _answer(response, answer_danger(session, now, patient, response.id, answers))
    if idempotency_key is not None:
        row = IdempotencyKey(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            key=idempotency_key,
            request_sha256=digest,
            status=201,
            created_at=now,
        )
        row.answer = answer
        session.add(row)
    session.commit()
    return 201, answer


def submitted(
    session: Session, patient: Patient, request: Mapping[str, Any], task_id: UUID, idempotency_key: str
) -> tuple[int, dict[str, Any]] | None:
    """The answer that this request with this key had; None for a new one. Raises Invalid, Conflict: as submit."""
    return _stored(session, patient, idempotency_key, _digest(request, task_id))


def _digest(document: Mapping[str, Any], task_id: UUID | None) -> str:
    try:
        body = json.dumps([str(task_id), document], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise Invalid("not-json", "the report is not a JSON document", place="") from None
    return hashlib.sha256(body.encode()).hexdigest()


def _stored(session: Session, patient: Patient, key: str, digest: str) -> tuple[int, dict[str, Any]] | None:
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid("idempotency-key", f"a key has 1 to {LONGEST_KEY} printable characters", place="Idempotency-Key")
    found = session.scalars(
        select(IdempotencyKey).where(IdempotencyKey.patient_id == patient.id, IdempotencyKey.key == key)
    ).first()
    if found is None:
        return None
    if found.request_sha256 != digest:
        raise Conflict("idempotency-key-reused", "this key was used for another request")
    return found.status, found.answer


def _task(session: Session, patient: Patient, task_id: UUID | None, now: datetime) -> Task | None:
    if task_id is None:
        return None
    found = select(Task).where(Task.id == task_id, Task.patient_id == patient.id)
    task = session.scalars(found.with_for_update().execution_options(populate_existing=True)).first()
    if task is None:
        raise NotFound("task", "no such task")
    may_be_answered(task, now)
    return task


def may_be_answered(task: Task, now: datetime) -> None:
    """Raise Conflict when the task cannot be answered now: it is cancelled, or not due yet."""
    if task.status == TaskStatus.CANCELLED.value:
        raise Conflict("task-cancelled", "this task is no longer needed")
    if answer_from(task) > now:
        raise Conflict("task-not-due", "this task cannot be answered yet")


def answer_from(task: Task) -> datetime:
    """When a task can be answered first."""
    early = timedelta() if task.closes_at is not None else AHEAD  # a window that closes is kept on both sides
    return (task.opens_at or task.due_at) - early


def _over(task: Task, authored_at: datetime) -> bool:
    """Whether the report was true after the task had closed: it is kept and judged, but it is no answer to the task."""
    return task.closes_at is not None and authored_at >= task.closes_at


def _form(
    session: Session, patient: Patient, document: Mapping[str, Any], task: Task | None
) -> tuple[Questionnaire, UUID | None]:
    """The questionnaire that is answered, and the care plan that asks for it."""
    named = document.get("questionnaire") if isinstance(document, Mapping) else None
    if not isinstance(named, str) or not named or "\x00" in named:
        raise Invalid("missing-questionnaire", "the report names no questionnaire", place="questionnaire")
    if task is not None:
        if named not in (task.questionnaire, task.questionnaire.partition("|")[0]):
            raise Invalid("wrong-questionnaire", "the task asks for another questionnaire", place="questionnaire")
        return content.questionnaire(session, task.questionnaire), task.care_plan_id
    for row in active_plans(session, patient.id):
        plan = content.plan(session, row.definition_id)
        for canonical in (plan.diary, *(action.questionnaire for action in plan.actions)):
            if canonical is not None and named in (canonical, canonical.partition("|")[0]):
                return content.questionnaire(session, canonical), row.id
    raise NotFound("questionnaire", "no such questionnaire in your plan")


def _answers(form: Questionnaire, document: Mapping[str, Any]) -> Answers:
    if document.get("status") != ResponseStatus.COMPLETED.value:
        raise Invalid("not-completed", "only a completed report can be handed in", place="status")
    answers = from_response(form, document)
    issues = check(form, answers)
    if issues:
        first, link_id = issues[0], link_id_of(issues[0].link_id)
        raise Invalid(
            first.code,
            f"item {link_id!r}: {first.message}",
            place=link_id,
            link_id=link_id,
            errors=[_told(one) for one in issues],
        )
    if not any(given and given[0].type != "count" for given in answers.values()):
        raise Invalid("empty-report", "the report answers nothing", place="item")
    return answers


def _told(issue: Issue) -> dict[str, Any]:
    """An issue for the app: the linkId, and where something repeats in which instance (0-based, outermost first)."""
    told: dict[str, Any] = {"linkId": link_id_of(issue.link_id), "code": issue.code, "message": issue.message}
    instance = instance_of(issue.link_id)
    return told | {"instance": list(instance)} if instance else told


def _authored(document: Mapping[str, Any], now: datetime) -> datetime:
    """When the report was true: an instant with its offset, not in the future and not a year ago."""
    named = document.get("authored")
    if named is None:
        return now
    try:
        at = datetime.fromisoformat(named)
        offset = at.utcoffset()
        inside = offset is not None and now - OLDEST <= at <= now + SKEW
    except (TypeError, ValueError, OverflowError):
        offset, inside = None, False
    if offset is None:
        raise Invalid("bad-date", "authored is a date and time with its offset from UTC", place="authored")
    if not inside:
        raise Invalid("date-out-of-range", "authored lies in the future or too far in the past", place="authored")
    return min(at, now)


def danger_in(answers: Answers) -> Verdict | None:
    """The most pressing red-flag words in the written answers; None when there are none."""
    words = lexicon()
    written = [str(one.value) for given in answers.values() for one in given if one.type == "string"]
    verdicts = [verdict for verdict in (screen(one, words) for one in written) if is_alarming(verdict)]
    return min(verdicts, key=lambda one: one.kind) if verdicts else None  # a crisis before a red flag


def answer_danger(session: Session, now: datetime, patient: Patient, response_id: UUID, answers: Answers) -> str | None:
    """Red-flag words in a written answer are screened like those in a text: a person is called, the patient told."""
    verdict = danger_in(answers)
    if verdict is None:
        return None
    raise_alarms(
        session,
        now,
        patient=patient,
        organization_id=patient.organization_id,
        care_team_id=patient.care_team_id,
        alarms=[alarm_of(verdict)],
        response_id=response_id,
    )
    advice = emergency_words(verdict, patient.language, patient.country)
    outbox.enqueue(
        session,
        now,
        purpose=Purpose.EMERGENCY,
        text=advice,
        dedupe=f"emergency:{response_id}",
        patient=patient,
        priority=Priority.STAT,
        response_id=response_id,
        check=False,
    )
    return advice


def _answer(response: QuestionnaireResponse, advice: str | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": str(response.id),
        "status": response.status,
        "questionnaire": response.questionnaire,
        "task_id": str(response.task_id) if response.task_id else None,
        "supersedes": str(response.supersedes_id) if response.supersedes_id else None,
        "authored": response.authored_at.isoformat(),
        "recorded": response.recorded_at.isoformat(),
    }
    if advice:
        answer["advice"] = advice
    return answer
