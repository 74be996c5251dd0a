"""Openings: a reminder that asks the first question or says that there is one, and what ends with its task.

The question itself stands only where no lock screen shows it; elsewhere a constant notice asks for an OK.

Where nothing is going on, asking writes nothing of a conversation: it opens with the patient's answer, in
`services.desks`. Only what breaks into a conversation, or ends one, is written here.

The state of a conversation is changed only by whoever holds the patient's lock, as when a text is answered.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.codes import ResponseStatus
from care.domain.conversation import awaiting, invite, remind
from care.domain.message import Channel
from care.domain.plan import PlanDefinition
from care.domain.questionnaire import Questionnaire
from care.domain.turn import Desk, DiaryDesk, OpenTask, Stopped, Talk, Turn
from care.library import notices
from care.records.among import among
from care.records.arrays import as_arrays, insert_arrays
from care.records.conversations import Conversation
from care.records.ids import new_id
from care.records.patients import Person
from care.records.seal import sealer, unseal
from care.records.tasks import DueTask, Task
from care.services import content, speaking
from care.services.drafts import OPEN, Draft, draft, store
from care.services.locks import lock_patients

SOURCE = "text"
STILL_WRITING = timedelta(minutes=30)  # who answered a question so lately is not reminded to go on
ASKED_LATELY = timedelta(days=14)  # a question older than that is no longer what the patient has in mind
_TICK = timedelta(microseconds=1)
_CHOOSING = timedelta(hours=1)  # after so long nobody remembers which number meant what
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TABLE = Conversation.__tablename__
_seal_state = sealer(Conversation, "state_sealed")
_COLUMNS = ("id", "organization_id", "patient_id", "state_sealed", "updated_at")
_NEW = insert_arrays(Conversation, _COLUMNS)
# One row a patient: the insert of a first conversation, or the new state of the one there is.
_KEEP = _NEW.on_conflict_do_update(
    index_elements=["patient_id"],
    set_={"state_sealed": _NEW.excluded.state_sealed, "updated_at": _NEW.excluded.updated_at},
)
_QUESTIONS = select(Task.patient_id, Task.id, Task.asked_at).where(
    Task.patient_id == any_(bindparam("ids", type_=ARRAY(Uuid()))),
    Task.asked_at.is_not(None),
    Task.due_at > bindparam("earliest"),
    Task.due_at <= bindparam("now"),
    Task.status.in_(OPEN),
)


@dataclass(frozen=True, slots=True)
class _Held:
    """A conversation as it stands in its table."""

    id: UUID
    updated_at: datetime


class Openings:
    """The conversations of the patients of one batch, read once and written once."""

    def __init__(self, session: Session, now: datetime, patient_ids: Collection[UUID], public_url: str = "") -> None:
        self.session, self.now, self.public_url = session, now, public_url
        self.locked = lock_patients(session, patient_ids)
        self._rows: dict[UUID, _Held] = {}
        self._talks: dict[UUID, Talk] = {}
        self._questions: dict[UUID, list[tuple[UUID, datetime | None]]] = {}
        self._read()
        self._tasks = self._asked()
        self._first: dict[tuple[Any, ...], str] = {}
        self._asking: set[UUID] = set()
        self._spoken_to: set[UUID] = set()
        self._changed: dict[UUID, Person] = {}
        self._drafts: list[Draft] = []

    def _read(self) -> None:
        if not self.locked:
            return
        found = select(Conversation.id, Conversation.patient_id, Conversation.state_sealed, Conversation.updated_at)
        for row in self.session.execute(found.where(among(Conversation.patient_id, self.locked))):
            self._rows[row.patient_id] = _Held(row.id, row.updated_at)
            state = json.loads(unseal(_TABLE, "state_sealed", row.id, bytes(row.state_sealed)))
            self._talks[row.patient_id] = Talk.from_json(state)
        # Read under the lock: what was read with the claim, another process may have asked for since.
        which = {"ids": list(self.locked), "earliest": self.now - ASKED_LATELY, "now": self.now}
        for patient_id, task_id, asked_at in self.session.execute(_QUESTIONS, which):
            self._questions.setdefault(patient_id, []).append((task_id, asked_at))

    def _asked(self) -> dict[UUID, Any]:
        """The tasks that the conversations are about: (id, care_plan_id, status, expires_at)."""
        ids = {UUID(talk.task_id) for talk in self._talks.values() if talk.task_id}
        if not ids:
            return {}
        found = select(Task.id, Task.care_plan_id, Task.status, Task.expires_at).where(among(Task.id, ids))
        return {row.id: row for row in self.session.execute(found)}

    def still_writing(self, task: DueTask) -> datetime | None:
        """Until when the patient is left alone, because they are in the middle of this very task; None when not."""
        talk, row = self._talks.get(task.person.id), self._rows.get(task.person.id)
        if talk is None or row is None or talk.task_id != str(task.id) or not talk.answers:
            return None
        until = row.updated_at + STILL_WRITING
        return until if until > self.now else None

    def held(self, task: DueTask) -> datetime | None:
        """Until when nothing is asked of the patient, because they wrote of a crisis; None when they did not."""
        talk = self._talks.get(task.person.id)
        return talk.held if talk is not None and talk.held is not None and talk.held > self.now else None

    def asks(self, task: DueTask, channel: Channel | None) -> datetime | None:
        """When the reminder itself puts the question to a patient with whom no conversation is going on; else None.

        Then nothing is written of a conversation: it opens when the patient answers (`Task.asked_at`). The moment is
        after the last change of the conversation, whatever the clocks of two machines say.
        """
        person = task.person
        talk = self._talks.get(person.id)
        if (talk is not None and talk.status != "idle") or person.id in self._spoken_to:
            return None
        others = (at for one, at in self._questions.get(person.id, ()) if one != task.id)
        if any(self._since(person.id, at) for at in others) or not _two_way(channel, person):
            return None
        self._spoken_to.add(person.id)
        self._asking.add(task.id)
        row = self._rows.get(person.id)
        return self.now if row is None else max(self.now, row.updated_at + _TICK)

    def words(self, task: DueTask, plan: PlanDefinition, channel: Channel | None) -> tuple[str, str]:
        """What the reminder says, and the notice that may stand for it.

        That is the open or first question where the patient alone sees it and can answer it, a nudge where another
        conversation is going on, and the notice itself on every channel that may show it on a lock screen.
        """
        key = notices.AGAIN if task.reminders_sent else notices.REMINDER
        if speaking.shows_words(channel, task.person.country):
            return self._own_words(task, plan, channel), key
        able = channel.capabilities.in_country(task.person.country) if channel else None
        two_way = able is not None and able.two_way
        if two_way and task.id not in self._asking:
            self._invite(task)
        url = speaking.page(self.public_url) if able is not None and able.links else ""
        return notices.notice(task.person.language, key, two_way=two_way, url=url), key

    def _invite(self, task: DueTask) -> None:
        """In a conversation that is going on, an OK now means that it goes on, or that this task begins."""
        person = task.person
        talk = self._talks.get(person.id)
        if talk is None or talk.questionnaire is None:
            return
        if self._busy(person, talk, str(task.id)):
            self._talks[person.id], self._changed[person.id] = awaiting(talk), person
            return
        self._take(task, invite(OpenTask(str(task.id), task.questionnaire, {}, task.due_at), talk))

    def _take(self, task: DueTask, turn: Turn) -> None:
        """The conversation is about this task now; what was answered of another is kept."""
        person = task.person
        for act in turn.acts:
            if isinstance(act, Stopped):
                self._keep(person, act)
        self._talks[person.id], self._tasks[task.id] = turn.talk, task
        self._changed[person.id] = person

    def _own_words(self, task: DueTask, plan: PlanDefinition, channel: Channel | None) -> str:
        person = task.person
        if task.id in self._asking:
            return self._question(task, plan, channel)
        desk, named = self._desk(task, plan, channel)
        if not _two_way(channel, person):
            return desk.say("reminder-again" if task.reminders_sent else "reminder", {"title": desk.title(named)})
        talk = self._talks.get(person.id, Talk.idle())
        if talk.status == "idle" or self._busy(person, talk, named.id):
            return desk.say("reminder-later", {"title": desk.title(named)})
        turn = remind(named, desk, talk)
        self._take(task, turn)
        return turn.says[0].text

    def _question(self, task: DueTask, plan: PlanDefinition, channel: Channel | None) -> str:
        """The first question; the same words for all who are asked the same, so they are made once a batch."""
        person, again = task.person, self._since(task.person.id, task.asked_at)
        how = (plan.canonical, task.action_id, task.questionnaire, person.language, person.glucose_unit, again)
        here = (*how, channel.name if channel else "")
        words = self._first.get(here)
        if words is None:
            desk, named = self._desk(task, plan, channel)
            talk = Talk("asking", task.questionnaire, named.id) if again else None
            words = self._first[here] = remind(named, desk, talk).says[0].text
        return words

    def _since(self, patient_id: UUID, asked_at: datetime | None) -> bool:
        """Whether the patient was asked then and nothing of their conversation has changed since."""
        row = self._rows.get(patient_id)
        return asked_at is not None and (row is None or asked_at > row.updated_at)

    def end(self, task: DueTask) -> None:
        """The task is over: what was answered of it is kept and judged, and nothing is asked of it any more."""
        person = task.person
        talk = self._talks.get(person.id)
        if talk is None or talk.questionnaire is None or talk.task_id != str(task.id):
            return
        if talk.answers:
            self._keep(person, Stopped(talk.questionnaire, talk.task_id, talk.answers), task)
        self._talks[person.id] = Talk.idle()
        self._changed[person.id] = person

    def write(self) -> None:
        """Write what changed (no commit)."""
        if self._changed:
            rows = [self._row(person) for person in self._changed.values()]
            self.session.execute(_KEEP, as_arrays(rows, _COLUMNS))
        if self._drafts:
            store(self.session, self._drafts)

    def _row(self, person: Person) -> Mapping[str, Any]:
        held = self._rows.get(person.id)
        row = held.id if held else new_id()
        state = _as_json(self._talks[person.id].to_json())
        return {
            "id": row,
            "organization_id": person.organization_id,
            "patient_id": person.id,
            "state_sealed": _seal_state(str(row), state),
            "updated_at": self.now,
        }

    def _busy(self, person: Person, talk: Talk, task_id: str) -> bool:
        """Whether the patient is in the middle of something else: a question under it would take a wrong answer."""
        if talk.status == "choosing":
            row = self._rows.get(person.id)
            return row is not None and self.now - row.updated_at < _CHOOSING
        if talk.questionnaire is None or talk.task_id == task_id:
            return False
        other = self._tasks.get(UUID(talk.task_id)) if talk.task_id else None
        return other is not None and other.status in OPEN and other.expires_at > self.now

    def _desk(self, task: DueTask, plan: PlanDefinition, channel: Channel | None) -> tuple[Desk, OpenTask]:
        person, action = task.person, plan.action(task.action_id)
        title = action.title if action else content.questionnaire(self.session, task.questionnaire).title
        named = OpenTask(str(task.id), task.questionnaire, title, task.due_at)
        diary = DiaryDesk(plan.diary, person.glucose_unit) if plan.diary else None
        return speaking.desk(person, self.now, self._form, (named,), diary, channel, self.public_url), named

    def _form(self, canonical: str) -> Questionnaire:
        return content.questionnaire(self.session, canonical)

    def _keep(self, person: Person, act: Stopped, task: DueTask | None = None) -> None:
        task = task or (self._tasks.get(UUID(act.task_id)) if act.task_id else None)
        self._drafts.append(
            draft(
                self.now,
                person,
                content.questionnaire(self.session, act.questionnaire),
                act.answers,
                authored_at=self.now,
                source=SOURCE,
                task=task,
                status=ResponseStatus.STOPPED,
            )
        )


def _two_way(channel: Channel | None, person: Person) -> bool:
    if channel is None:
        return False
    return channel.capabilities.in_country(person.country).two_way
