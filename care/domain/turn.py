"""The values of a conversation: the desk it is held at, what is said, and what it did. Its state is in talk.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from care.domain.civil import local, zone_of
from care.domain.codes import Purpose
from care.domain.diary import Entry
from care.domain.questionnaire import Answers, Item, Questionnaire, in_language
from care.domain.segments import Room
from care.domain.talk import Talk as Talk


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that may be answered now. `questionnaire` is url|version, `title` by language, `due_at` aware."""

    id: str
    questionnaire: str
    title: Mapping[str, str]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DiaryDesk:
    """The diary of a patient who keeps one: its questionnaire (url|version) and the unit of a bare glucose value."""

    questionnaire: str
    default_unit: str


Voice = Callable[[str, Mapping[str, str]], str]
"""A text of the library by key and params, in one language."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a turn may know. `open_tasks` are all tasks that may be answered now, the one in progress included.

    `questionnaires` gives a read questionnaire for url|version; `say(key, params)` a text of the library in the
    patient's language, and `voices` the same for another language (None: it cannot be changed here). `max_length` is
    the longest message of the channel in characters, `segments` in SMS parts and `max_bytes` in UTF-8 (0 where nobody
    counts them). `link` leads to the patient's own page ("" where there is none).
    """

    language: str
    zone: str
    now: datetime
    questionnaires: Callable[[str], Questionnaire]
    open_tasks: tuple[OpenTask, ...]
    diary: DiaryDesk | None
    say: Voice
    emergency_number: str
    max_length: int = 1600
    segments: int = 0
    link: str = ""
    voices: Callable[[str], Voice] | None = None
    max_bytes: int = 0

    @property
    def room(self) -> Room:
        """How long a message may be."""
        return Room(self.max_length, self.segments, self.max_bytes)

    def speaking(self, language: str) -> Desk:
        """The same desk in another language, where `voices` has it."""
        return replace(self, language=language, say=self.voices(language)) if self.voices else self

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
    """A person must read this. Reasons: asked, not-understood, free-text, correction, unreadable, by-hand, rule."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChoseLanguage:
    """The patient wants to be written to in this language from now on; `says` of the same turn are in it already."""

    language: str


Act = Began | Completed | Stopped | Noted | Refused | Withdrew | Returned | AskedForPerson | ChoseLanguage


@dataclass(frozen=True, slots=True)
class Turn:
    """What one text led to: the next state, what is said (in this order), what happened (in this order)."""

    talk: Talk
    says: tuple[Say, ...] = ()
    acts: tuple[Act, ...] = ()
