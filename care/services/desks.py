"""Desks: what is at hand when a patient's texts are answered, read once for many patients and written once.

One `Desks` is one transaction: three statements read what all its texts need, whatever their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Priority, Purpose, ResponseStatus, TaskStatus
from care.domain.conversation import invite, remind, take_turn
from care.domain.diary import Entry, read_entry
from care.domain.questionnaire import Answers, Questionnaire
from care.domain.screen import NOTHING, screen
from care.domain.triage import Alarm
from care.domain.turn import (
    Act,
    AskedForPerson,
    Began,
    ChoseLanguage,
    Completed,
    Desk,
    DiaryDesk,
    Noted,
    OpenTask,
    Refused,
    Returned,
    Stopped,
    Talk,
    Withdrew,
)
from care.library import emergency_number, lexicon, texts
from care.records.communications import Communication
from care.records.conversations import Conversation
from care.records.patients import ContactPoint
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import audits, consents, content, outbox, patients, speaking
from care.services.alarms import Case, raise_many
from care.services.at_once import alarms_at_once
from care.services.drafts import OPEN, Draft, draft, store
from care.services.talking import Row, Talking, talking

ATTACHMENT = "attachment"
ODD = "odd"  # a text that did not come as it was written: nothing is made of it, a person reads it
SOURCE = "text"

_TAKEN = (
    update(Communication)
    .where(Communication.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
    .values(take_at=None, lease_until=None, attempts=0, status=CommunicationStatus.COMPLETED.value)
    .execution_options(synchronize_session=False)
)


class Desks:
    """The desks of all patients whose texts are taken in one transaction."""

    def __init__(self, session: Session, rt: Runtime, now: datetime, rows: Sequence[Row]) -> None:
        self.session, self.rt, self.now = session, rt, now
        self.taken: list[UUID] = []
        self.heard: set[tuple[str, bytes]] = set()
        self.drafts: list[Draft] = []
        self.replies = outbox.Pile()
        self.cases: list[Case] = []
        self.forms: dict[str, Questionnaire] = {}
        self.lexicon, self.texts = lexicon(), texts()
        self.contacts = {row.contact.id: row.contact for row in rows if row.contact is not None}
        ids = {row.message.patient_id for row in rows if row.message.patient_id}
        self.talking = talking(session, now, ids, min(row.message.at for row in rows)) if ids else {}

    def turn(self, row: Row) -> None:
        """One text: understood, its acts applied, its replies queued (all in memory until `write`)."""
        message = row.message
        patient_id = message.patient_id
        if patient_id is None:
            return
        desk = self.talking[patient_id]
        words = str(row.content.text)
        if row.contact is not None and row.contact.status == "failed":
            self._works_again(desk, row.contact)
        if message.status_reason == ATTACHMENT:
            self._to_person(desk, message, None if desk.taken_over else "media-received")
        elif message.status_reason == ODD:
            self._to_person(desk, message, None if desk.taken_over else "too-long")
        if message.status_reason != ODD and (words.strip() or message.status_reason != ATTACHMENT):
            self._say_and_do(desk, message, words)
        self.taken.append(message.id)
        channel = self.rt.channels.get(message.channel)
        if channel is not None and channel.capabilities.quota and message.address_token:
            self.heard.add((message.channel, bytes(message.address_token)))

    def _works_again(self, desk: Talking, contact: ContactPoint) -> None:
        """Somebody writes from an address that had failed: what answers them goes there again."""
        contact.status = "active"
        audits.record(
            self.session,
            self.now,
            "contact.active",
            "contact_point",
            contact.id,
            patient_id=desk.patient.id,
            organization_id=desk.patient.organization_id,
            channel=contact.channel,
        )

    def _say_and_do(self, desk: Talking, message: Communication, words: str) -> None:
        verdict = screen(words, self.lexicon)
        if desk.taken_over and verdict.kind == "none":  # danger, STOP, START, HELP act as ever
            self._to_whoever_writes(desk, message, words)
            return
        self._open(desk, message)
        before, turn = desk.talk, take_turn(desk.talk, words, verdict, self._desk(desk, message))
        if turn.talk != before:
            desk.talk, desk.changed = turn.talk, True
            self._raise_at_once(desk, message, before)
        for act in turn.acts:
            self._apply(act, desk, message)
        for number, say in enumerate(turn.says):
            self._reply(desk, message, say.purpose, say.text, str(number))

    def _to_whoever_writes(self, desk: Talking, message: Communication, words: str) -> None:
        """A person has the conversation: the text waits for them, and the bot says nothing.

        It is on the worklist when they leave it (services.takeovers). What reads like a measurement, or like a stat
        answer to a question of ours, is in no record and judged by no rule, so it does not wait for that.
        """
        message.waits_since = message.waits_since or self.now
        measured = isinstance(read_entry(words, message.at, desk.patient.time_zone), Entry)
        if measured or self._would_be_stat(desk, message, words):
            self._raise_person(desk, message, Priority.URGENT)

    def _would_be_stat(self, desk: Talking, message: Communication, words: str) -> bool:
        """Whether the bot, had it the conversation, would wake somebody for this answer. Nothing is kept of it."""
        talk, changed = desk.talk, desk.changed
        self._open(desk, message)
        before = desk.talk
        turn = take_turn(before, words, NOTHING, self._desk(desk, message))
        desk.talk, desk.changed = talk, changed
        done = next((act for act in turn.acts if isinstance(act, Completed)), None)
        form, told = (done.questionnaire, done.answers) if done else (turn.talk.questionnaire, turn.talk.answers)
        return bool(self._stat_alarms(message, before, form, told))

    def _raise_at_once(self, desk: Talking, message: Communication, before: Talk) -> None:
        """An answer that is stat by itself wakes somebody now: nobody knows when the form is handed in, or whether."""
        patient, alarms = desk.patient, self._stat_alarms(message, before, desk.talk.questionnaire, desk.talk.answers)
        if alarms:
            own = (patient.organization_id, patient.care_team_id, patient.id)
            self.cases.append(Case(*own, message.at, alarms, communication_id=message.id))

    def _stat_alarms(
        self, message: Communication, before: Talk, questionnaire: str | None, answers: Answers
    ) -> tuple[Alarm, ...]:
        """What these answers say at once and those before this text did not."""
        if questionnaire is None or not answers or answers == before.answers:
            return ()
        known = before.answers if before.questionnaire == questionnaire else {}
        return alarms_at_once(self.session, self._form(questionnaire), known, answers, message.at)

    def _open(self, desk: Talking, message: Communication) -> None:
        """The conversation that a reminder asked for opens with the answer to it; until then nothing was written."""
        if desk.talk.status != "idle" or desk.changed:
            return
        since = desk.conversation.updated_at if desk.conversation else None
        asked = [
            (task.asked_at, task)
            for task in desk.tasks.values()
            if task.asked_at is not None
            and (since is None or task.asked_at > since)
            and task.status in OPEN
            and task.expires_at > message.at
        ]
        if asked:
            task = max(asked, key=lambda one: one[0])[1]
            named = OpenTask(str(task.id), task.questionnaire, self._title(desk, task), task.due_at)
            asked_here = speaking.shows_words(self.rt.channels.get(message.channel), desk.patient.country)
            turn = remind(named, self._desk(desk, message)) if asked_here else invite(named)
            desk.talk, desk.changed = turn.talk, True

    def _desk(self, desk: Talking, message: Communication) -> Desk:
        """What the conversation may know; its "now" is when the text was written."""
        channel, open_tasks = self.rt.channels.get(message.channel), self._open_tasks(desk, message.at)
        diary, url = self._diary(desk), self.rt.public_url
        return speaking.desk(desk.patient, message.at, self._form, open_tasks, diary, channel, url)

    def _form(self, canonical: str) -> Questionnaire:
        found = self.forms.get(canonical)
        if found is None:
            found = self.forms[canonical] = content.questionnaire(self.session, canonical)
        return found

    def _open_tasks(self, desk: Talking, at: datetime) -> tuple[OpenTask, ...]:
        return tuple(
            OpenTask(str(task.id), task.questionnaire, self._title(desk, task), task.due_at)
            for task in desk.tasks.values()
            if task.status in (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)
            and (task.opens_at or task.due_at) <= self.now
            and task.expires_at > at
        )

    def _title(self, desk: Talking, task: Task) -> dict[str, str]:
        for row, plan in desk.plans:
            action = plan.action(task.action_id) if row.id == task.care_plan_id else None
            if action is not None:
                return dict(action.title)
        return dict(self._form(task.questionnaire).title)

    def _diary(self, desk: Talking) -> DiaryDesk | None:
        for row, plan in desk.plans:
            if row.status == "active" and plan.diary:
                return DiaryDesk(plan.diary, desk.patient.glucose_unit)
        return None

    def _apply(self, act: Act, desk: Talking, message: Communication) -> None:
        match act:
            case Began():
                task = desk.tasks.get(UUID(act.task_id))
                if task is not None and task.status == TaskStatus.READY.value:
                    task.status = TaskStatus.IN_PROGRESS.value
            case Completed():
                self._keep(desk, message, act, message.at, _task(desk, act.task_id))
            case Stopped():  # what was answered before it broke off is judged like a whole report
                self._keep(desk, message, act, message.at, _task(desk, act.task_id), ResponseStatus.STOPPED)
            case Noted():
                self._keep(desk, message, act, act.entry.at)
            case Refused():
                message.status_reason = f"refused:{act.reason}"
            case Withdrew() | Returned():
                self._consent(desk, message, granted=isinstance(act, Returned))
            case AskedForPerson():
                self._to_person(desk, message)
            case ChoseLanguage():
                patients.chose_language(self.session, self.now, desk.patient, act.language)

    def _keep(
        self,
        desk: Talking,
        message: Communication,
        act: Completed | Stopped | Noted,
        at: datetime,
        task: Task | None = None,
        status: ResponseStatus = ResponseStatus.COMPLETED,
    ) -> None:
        made = draft(
            self.now,
            desk.patient,
            self._form(act.questionnaire),
            act.answers,
            authored_at=at,
            source=SOURCE,
            task=task,
            care_plan_id=_plan_that_asks(desk, act.questionnaire),
            communication_id=message.id,
            status=status,
        )
        self.drafts.append(made)

    def _consent(self, desk: Talking, message: Communication, granted: bool) -> None:
        """A decision by text is for the channel it came on. What is queued and needs consent is stopped with it."""
        consents.decide(self.session, message.at, desk.patient, granted=granted, source=SOURCE, channel=message.channel)
        contact = self.contacts.get(message.contact_point_id) if message.contact_point_id else None
        if contact is not None:
            contact.status = "active" if granted else "opted-out"
        if not granted:
            self.session.flush()
            self.replies.write(self.session)
            outbox.stop_queued(self.session, desk.patient.id, message.channel, "opted-out")
            self._to_person(desk, message, cause="opted-out", reason="opted-out")
        audits.record(
            self.session,
            self.now,
            "consent.give" if granted else "consent.withdraw",
            "contact_point",
            message.contact_point_id,
            agent_kind="patient",
            agent_id=desk.patient.id,
            patient_id=desk.patient.id,
            organization_id=desk.patient.organization_id,
            channel=message.channel,
        )

    def _to_person(
        self,
        desk: Talking,
        message: Communication,
        reply: str | None = None,
        cause: str = "needs-person",
        reason: str = "asked-for-person",
    ) -> None:
        """A person reads this text: it waits in the team's inbox and stands on the worklist."""
        message.waits_since = message.waits_since or self.now
        self._raise_person(desk, message, Priority.ROUTINE, cause, reason)
        if reply is not None:
            patient = desk.patient
            words = self.texts.say(patient.language, reply, number=emergency_number(patient.country))
            self._reply(desk, message, Purpose.REPLY, words, reply)

    def _raise_person(
        self,
        desk: Talking,
        message: Communication,
        priority: Priority,
        cause: str = "needs-person",
        reason: str = "asked-for-person",
    ) -> None:
        alarm, patient = Alarm(cause, priority, reason, {}, "doubt"), desk.patient
        self.cases.append(
            Case(
                patient.organization_id,
                patient.care_team_id,
                patient.id,
                message.at,
                (alarm,),
                communication_id=message.id,
            )
        )

    def _reply(self, desk: Talking, message: Communication, purpose: Purpose, words: str, which: str) -> None:
        outbox.enqueue(
            self.session,
            self.now,
            purpose=purpose,
            text=words,
            dedupe=f"turn:{message.id}:{which}",
            patient=desk.patient,
            contact=self.contacts.get(message.contact_point_id) if message.contact_point_id else None,
            check=False,
            pile=self.replies,
        )

    def write(self) -> None:
        """Write everything the turns decided, parents first, with a few statements (no commit)."""
        for desk in self.talking.values():
            if not desk.changed:
                continue
            if desk.conversation is None:
                desk.conversation = Conversation(
                    organization_id=desk.patient.organization_id, patient_id=desk.patient.id
                )
                self.session.add(desk.conversation)
            # What was asked before this turn is over with it, also where the clock of who asked is ahead of ours.
            asked = (task.asked_at for task in desk.tasks.values() if task.asked_at is not None)
            desk.conversation.state, desk.conversation.updated_at = desk.talk.to_json(), max((self.now, *asked))
        self.session.execute(_TAKEN, {"ids": self.taken})
        outbox.wake(self.session, self.now, self.heard)
        self.replies.write(self.session)
        store(self.session, self.drafts)
        raise_many(self.session, self.now, self.cases)


def _task(desk: Talking, task_id: str | None) -> Task | None:
    return desk.tasks.get(UUID(task_id)) if task_id else None


def _plan_that_asks(desk: Talking, questionnaire: str) -> UUID | None:
    """The patient's care plan that this questionnaire belongs to: an active one before one that is over."""
    fitting = [
        row
        for row, plan in desk.plans
        if questionnaire == plan.diary or any(action.questionnaire == questionnaire for action in plan.actions)
    ]
    fitting.sort(key=lambda row: row.status != "active")
    return fitting[0].id if fitting else None
