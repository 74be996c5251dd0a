"""Openings: a reminder that itself asks the first question, and conversations that end with their task.

The state of a conversation is changed only by whoever holds the patient's lock, as when a text is answered.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import ResponseStatus
from care.domain.conversation import begin
from care.domain.message import Channel
from care.domain.plan import PlanDefinition
from care.domain.turn import Desk, DiaryDesk, OpenTask, Stopped, Talk
from care.library import emergency_number, texts
from care.records.among import among
from care.records.conversations import Conversation
from care.records.patients import Patient
from care.records.tasks import Task
from care.services import content
from care.services.drafts import OPEN, Draft, draft, store
from care.services.locks import lock_patients

SOURCE = "text"
_CHOOSING = timedelta(hours=1)  # after so long nobody remembers which number meant what


class Openings:
    """The conversations of the patients of one batch, read once and written once."""

    def __init__(self, session: Session, now: datetime, patient_ids: Collection[UUID]) -> None:
        self.session, self.now = session, now
        self.locked = lock_patients(session, patient_ids)
        rows = session.scalars(select(Conversation).where(Conversation.patient_id.in_(self.locked)))
        self._rows = {row.patient_id: row for row in rows} if self.locked else {}
        self._talks = {key: Talk.from_json(row.state) for key, row in self._rows.items()}
        asked = {UUID(talk.task_id) for talk in self._talks.values() if talk.task_id}
        tasks = session.scalars(select(Task).where(among(Task.id, asked))) if asked else ()
        self._tasks = {task.id: task for task in tasks}
        self._changed: set[UUID] = set()
        self._drafts: list[Draft] = []

    def words(self, task: Task, plan: PlanDefinition, patient: Patient, channel: Channel | None) -> str:
        """What the reminder says: the open or first question, where the patient can answer it here; else a nudge."""
        talk = self._talks.get(patient.id, Talk.idle())
        action = plan.action(task.action_id)
        title = action.title if action else content.questionnaire(self.session, task.questionnaire).title
        named = OpenTask(str(task.id), task.questionnaire, title, task.due_at)
        desk = self._desk(named, plan, patient, channel)
        if not _two_way(channel, patient):
            return desk.say("reminder-again" if task.reminders_sent else "reminder", {"title": desk.title(named)})
        if self._busy(patient, talk, named.id):
            return desk.say("reminder-later", {"title": desk.title(named)})
        turn = begin(named, desk, talk)
        for act in turn.acts:
            if isinstance(act, Stopped):
                self._keep(patient, act)
        self._talks[patient.id], self._tasks[task.id] = turn.talk, task
        self._changed.add(patient.id)
        return turn.says[0].text

    def end(self, task: Task, patient: Patient) -> None:
        """The task is over: what was answered of it is kept and judged, and nothing is asked of it any more."""
        talk = self._talks.get(patient.id)
        if talk is None or talk.questionnaire is None or talk.task_id != str(task.id):
            return
        if talk.answers:
            self._keep(patient, Stopped(talk.questionnaire, talk.task_id, talk.answers), task)
        self._talks[patient.id] = Talk.idle()
        self._changed.add(patient.id)

    def write(self, patients: dict[UUID, Patient]) -> None:
        """Write what changed (no commit)."""
        for patient_id in self._changed:
            row = self._rows.get(patient_id)
            if row is None:
                organization = patients[patient_id].organization_id
                row = Conversation(organization_id=organization, patient_id=patient_id)
                self.session.add(row)
            row.state, row.updated_at = self._talks[patient_id].to_json(), self.now
        if self._drafts:
            store(self.session, self._drafts)

    def _busy(self, patient: Patient, talk: Talk, task_id: str) -> bool:
        """Whether the patient is in the middle of something else: a question under it would take a wrong answer."""
        if talk.status == "choosing":
            row = self._rows.get(patient.id)
            return row is not None and self.now - row.updated_at < _CHOOSING
        if talk.questionnaire is None or talk.task_id == task_id:
            return False
        other = self._tasks.get(UUID(talk.task_id)) if talk.task_id else None
        return other is not None and other.status in OPEN and other.expires_at > self.now

    def _desk(self, task: OpenTask, plan: PlanDefinition, patient: Patient, channel: Channel | None) -> Desk:
        return Desk(
            language=patient.language,
            zone=patient.time_zone,
            now=self.now,
            questionnaires=lambda canonical: content.questionnaire(self.session, canonical),
            open_tasks=(task,),
            diary=DiaryDesk(plan.diary, patient.glucose_unit) if plan.diary else None,
            say=lambda key, params: texts().say(patient.language, key, **params),
            emergency_number=emergency_number(patient.country),
            **({"max_length": channel.capabilities.max_length} if channel else {}),
        )

    def _keep(self, patient: Patient, act: Stopped, task: Task | None = None) -> None:
        task = task or (self._tasks.get(UUID(act.task_id)) if act.task_id else None)
        self._drafts.append(
            draft(
                self.now,
                patient,
                content.questionnaire(self.session, act.questionnaire),
                act.answers,
                authored_at=self.now,
                source=SOURCE,
                task=task,
                status=ResponseStatus.STOPPED,
            )
        )


def _two_way(channel: Channel | None, patient: Patient) -> bool:
    if channel is None:
        return False
    able = channel.capabilities
    return able.two_way and patient.country not in able.countries_one_way
