"""Speaking: what a conversation with one patient may know, taken from their row and the channel they write on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from care.domain.message import Capabilities, Channel
from care.domain.questionnaire import Questionnaire
from care.domain.turn import Desk, DiaryDesk, OpenTask, Voice
from care.library import emergency_number, texts
from care.records.patients import Patient, Person

PAGE = "/me"
_UNKNOWN = Capabilities()
_HERE = frozenset(("localhost", "127.0.0.1", "::1", ""))


def desk(
    person: Patient | Person,
    now: datetime,
    questionnaires: Callable[[str], Questionnaire],
    open_tasks: tuple[OpenTask, ...],
    diary: DiaryDesk | None,
    channel: Channel | None,
    public_url: str = "",
) -> Desk:
    """The desk of one patient. `now` is when they wrote, and the clock of their forms; without a channel it is not
    known how long a text may be.
    """
    able = channel.capabilities if channel else _UNKNOWN
    return Desk(
        language=person.language,
        zone=person.time_zone,
        now=now,
        questionnaires=lambda canonical: questionnaires(canonical).at(now),
        open_tasks=open_tasks,
        diary=diary,
        say=voice(person.language),
        emergency_number=emergency_number(person.country),
        max_length=able.max_length,
        segments=able.segments,
        max_bytes=able.max_bytes,
        link=page(public_url) if able.links else "",
        voices=voice,
    )


def shows_words(channel: Channel | None, country: str) -> bool:
    """Whether a reminder may put its question there: behind a sign-in, and at any time; else it is a notice."""
    able = channel.capabilities.in_country(country) if channel else _UNKNOWN
    return able.private and able.window is None and not able.notices_only


def voice(language: str) -> Voice:
    """The texts of the library in one language."""
    known = texts()
    return lambda key, params: known.say(language, key, **params)


def page(public_url: str) -> str:
    """Where patients have their own page; "" where the address is this machine's own, which no phone reaches."""
    there = urlsplit(public_url)
    return "" if (there.hostname or "") in _HERE else public_url.rstrip("/") + PAGE
