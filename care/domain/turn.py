"""The values of a conversation: its state, the desk it is held at, what is said, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from care.domain.civil import local, zone_of
from care.domain.codes import Purpose
from care.domain.diary import Entry
from care.domain.questionnaire import Answer, Answers, Item, Questionnaire, in_language

Status = Literal["idle", "asking", "choosing", "handed-over"]


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that may be answered now. `questionnaire` is url|version, `title` by language, `due_at` aware."""

    id: str
    questionnaire: str
    title: Mapping[str, str]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """Where a conversation stands; kept between texts as JSON.

    `asked` is the place of the question that the patient saw last (None: none since an emergency). `misses` counts the
    texts since then that were no answer. In "handed-over" a person reads along and the question stays open. `told` is
    when it was last said that a person reads what was written: two machines must not thank each other for ever.
    """

    status: Status = "idle"
    questionnaire: str | None = None
    task_id: str | None = None
    answers: Answers = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    asked: str | None = None
    misses: int = 0
    told: datetime | None = None

    @staticmethod
    def idle() -> Talk:
        """Nothing is going on."""
        return _IDLE

    def answered(self, link_id: str, given: tuple[Answer, ...]) -> Talk:
        """The same talk with one more answer."""
        answers = {**self.answers, link_id: given}
        return Talk(
            self.status, self.questionnaire, self.task_id, answers, self.skipped, self.asked, self.misses, self.told
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object; from_json gives an equal talk."""
        return {
            "status": self.status,
            "questionnaire": self.questionnaire,
            "task_id": self.task_id,
            "answers": {link_id: [answer.to_json() for answer in given] for link_id, given in self.answers.items()},
            "skipped": sorted(self.skipped),
            "asked": self.asked,
            "misses": self.misses,
            "told": self.told.isoformat() if self.told else None,
        }

    @staticmethod
    def from_json(document: Mapping[str, Any] | None) -> Talk:
        """The talk that to_json wrote; None or an empty object is idle."""
        if not document:
            return _IDLE
        return Talk(
            status=document["status"],
            questionnaire=document["questionnaire"],
            task_id=document["task_id"],
            answers={
                link_id: tuple(Answer.from_json(answer) for answer in given)
                for link_id, given in document["answers"].items()
            },
            skipped=frozenset(document["skipped"]),
            asked=document["asked"],
            misses=document["misses"],
            told=datetime.fromisoformat(document["told"]) if document.get("told") else None,
        )


_IDLE = Talk()


@dataclass(frozen=True, slots=True)
class DiaryDesk:
    """The diary of a patient who keeps one: its questionnaire (url|version) and the unit of a bare glucose value."""

    questionnaire: str
    default_unit: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a turn may know. `open_tasks` are all tasks that may be answered now, the one in progress included.

    `questionnaires` gives a read questionnaire for url|version; `say(key, params)` a text of the library in the
    patient's language. `max_length` is the longest message of the channel, in characters.
    """

    language: str
    zone: str
    now: datetime
    questionnaires: Callable[[str], Questionnaire]
    open_tasks: tuple[OpenTask, ...]
    diary: DiaryDesk | None
    say: Callable[[str, Mapping[str, str]], str]
    emergency_number: str
    max_length: int = 1600

    def title(self, task: OpenTask) -> str:
        """A task's title in the patient's language."""
        return in_language(task.title, self.language) or task.title.get("en", "")

    def prefer(self, item: Item) -> str:
        """The unit this patient is known to use, where the item takes it; else ""."""
        return self.diary.default_unit if self.diary is not None and self.diary.default_unit in item.units else ""

    def moment(self, at: datetime) -> str:
        """A moment in the patient's own time: 9:09, with the date in front when it is not today."""
        there, today = local(at, zone_of(self.zone)), local(self.now, zone_of(self.zone))
        clock = f"{there.hour}:{there.minute:02d}"
        return clock if there.date() == today.date() else f"{there.date().isoformat()} {clock}"


@dataclass(frozen=True, slots=True)
class Say:
    """One message to the patient; `purpose` decides consent and quiet hours."""

    purpose: Purpose
    text: str


@dataclass(frozen=True, slots=True)
class Began:
    """A questionnaire was opened for a task."""

    task_id: str
    questionnaire: str


@dataclass(frozen=True, slots=True)
class Completed:
    """All that is asked was answered: this is a report."""

    questionnaire: str
    task_id: str | None
    answers: Answers


@dataclass(frozen=True, slots=True)
class Stopped:
    """A conversation ended before its end (STOP, the task is over, another began): what was answered, not lost."""

    questionnaire: str
    task_id: str | None
    answers: Answers


@dataclass(frozen=True, slots=True)
class Noted:
    """A diary entry nobody asked for: a report of its own, at entry.at."""

    questionnaire: str
    answers: Answers
    entry: Entry


@dataclass(frozen=True, slots=True)
class Refused:
    """A diary entry could not be taken; the reply says what to write."""

    reason: str


@dataclass(frozen=True, slots=True)
class Withdrew:
    """STOP."""


@dataclass(frozen=True, slots=True)
class Returned:
    """START."""


@dataclass(frozen=True, slots=True)
class AskedForPerson:
    """A person must read this. Reasons: asked, not-understood, free-text, correction, unreadable."""

    reason: str


Act = Began | Completed | Stopped | Noted | Refused | Withdrew | Returned | AskedForPerson


@dataclass(frozen=True, slots=True)
class Turn:
    """What one text led to: the next state, what is said (in this order), what happened (in this order)."""

    talk: Talk
    says: tuple[Say, ...] = ()
    acts: tuple[Act, ...] = ()
