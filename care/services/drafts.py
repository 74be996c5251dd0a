"""Reports on their way into the tables: the whole document sealed, the values that rules need beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from care.domain.codes import ResponseStatus, TaskStatus
from care.domain.questionnaire import Answers, Questionnaire, measures, to_response
from care.library.scores import scores
from care.records.ids import new_id
from care.records.observations import Observation
from care.records.patients import Patient, Person
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.seal import seal
from care.records.tasks import DueTask, Task
from care.services import content

OPEN = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)


@dataclass(slots=True)
class Draft:
    """A report on its way into the tables, as columns (many are written, none is read again).

    `again`: its task had been answered before.
    """

    response: dict[str, Any]
    observations: list[dict[str, Any]]
    again: bool = False


def keep(
    session: Session,
    now: datetime,
    patient: Patient,
    questionnaire: str,
    answers: Answers,
    *,
    authored_at: datetime,
    source: str,
    task: Task | None = None,
    care_plan_id: UUID | None = None,
    communication_id: UUID | None = None,
    said: Mapping[str, Any] | None = None,
) -> QuestionnaireResponse:
    """Keep one report and queue it for scoring (no commit). A second one for a task supersedes the first."""
    form = content.questionnaire(session, questionnaire)
    made = draft(
        now,
        patient,
        form,
        answers,
        authored_at=authored_at,
        source=source,
        task=task,
        care_plan_id=care_plan_id,
        communication_id=communication_id,
        said=said,
    )
    store(session, [made])
    return session.get_one(QuestionnaireResponse, made.response["id"])


def draft(
    now: datetime,
    patient: Patient | Person,
    form: Questionnaire,
    answers: Answers,
    *,
    authored_at: datetime,
    source: str,
    task: Task | DueTask | None = None,
    care_plan_id: UUID | None = None,
    communication_id: UUID | None = None,
    status: ResponseStatus = ResponseStatus.COMPLETED,
    said: Mapping[str, Any] | None = None,
) -> Draft:
    """The rows of a report, and its task done (unless it is `stopped`); nothing is written until `store`.

    `said` are parts of the document that tell who answered, where it was not the patient alone (services/tellers).
    A DueTask is only named by the report: whoever holds it writes what becomes of it.
    """
    response_id = new_id()
    document = to_response(
        form, answers, id=str(response_id), patient=str(patient.id), authored=authored_at, status=status.value
    )
    response = {
        "id": response_id,
        "organization_id": patient.organization_id,
        "patient_id": patient.id,
        "questionnaire": form.canonical,
        "care_plan_id": task.care_plan_id if task else care_plan_id,
        "task_id": task.id if task else None,
        "communication_id": communication_id,
        "status": status.value,
        "source": source,
        "document_sealed": _sealed(response_id, {**document, **(said or {})}),
        "authored_at": authored_at,
        "recorded_at": now,
        "supersedes_id": None,
        "score_at": now,
        "judged": None,
        "attempts": 0,
    }
    found = measures(form, answers, authored_at, lambda _: str(new_id()), scores())
    observations = [
        {
            "id": UUID(one.id),
            "organization_id": patient.organization_id,
            "patient_id": patient.id,
            "response_id": response_id,
            "code": one.code,
            "value": one.value,
            "unit": one.unit,
            "comparator": one.comparator,
            "context": one.context,
            "at": one.at,
            "recorded_at": now,
            "superseded": False,
        }
        for one in found
    ]
    done = isinstance(task, Task) and status is ResponseStatus.COMPLETED and _done(task, now)
    return Draft(response, observations, done)


def _sealed(response_id: UUID, document: dict[str, Any]) -> bytes:
    words = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return seal(QuestionnaireResponse.__tablename__, "document_sealed", response_id, words)


def _done(task: Task, now: datetime) -> bool:
    """The task is completed, late or not; returns whether it had been before."""
    again = task.status == TaskStatus.COMPLETED.value
    if task.status not in (*OPEN, TaskStatus.COMPLETED.value):
        task.status_reason = "late"
    task.status, task.completed_at, task.remind_at = TaskStatus.COMPLETED.value, task.completed_at or now, None
    return again


def store(session: Session, drafts: Sequence[Draft]) -> None:
    """Write reports in their order, whatever their number with the same few statements (no commit)."""
    _supersede(session, drafts)
    readings = [row for one in drafts for row in one.observations]
    if drafts:
        session.execute(insert(QuestionnaireResponse), [one.response for one in drafts])
    if readings:
        session.execute(insert(Observation), readings)


def _supersede(session: Session, drafts: Sequence[Draft]) -> None:
    """One completed report a task: an earlier one becomes amended and its values stop counting.

    An earlier report that is not scored yet keeps its place in the queue: what was reported once is judged.
    """
    again = {one.response["task_id"] for one in drafts if one.again}
    if not again:
        return
    latest: dict[UUID | None, UUID] = {}
    before = select(QuestionnaireResponse).where(
        QuestionnaireResponse.task_id.in_(again), QuestionnaireResponse.status == ResponseStatus.COMPLETED.value
    )
    with session.no_autoflush:
        for row in session.scalars(before.with_for_update()):
            latest[row.task_id] = row.id
    if latest:
        for model, column, value in (
            (QuestionnaireResponse, QuestionnaireResponse.id, {"status": ResponseStatus.AMENDED.value}),
            (Observation, Observation.response_id, {"superseded": True}),
        ):
            change = update(model).where(column.in_(latest.values())).values(value)
            session.execute(change.execution_options(synchronize_session="fetch"))
    here: dict[UUID | None, Draft] = {}
    for one in drafts:
        task_id = one.response["task_id"]
        if task_id not in again:
            continue
        one.response["supersedes_id"] = latest.get(task_id)
        earlier = here.get(task_id)
        if earlier is not None:
            earlier.response["status"] = ResponseStatus.AMENDED.value
            for reading in earlier.observations:
                reading["superseded"] = True
        here[task_id], latest[task_id] = one, one.response["id"]
