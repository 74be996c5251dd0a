"""Nothing is open: a diary entry, a task to begin, a courtesy, or words for a person."""

from __future__ import annotations

import re
from dataclasses import replace

from care.domain.commands import command_in
from care.domain.conversation.answering import in_another_language
from care.domain.conversation.missing import MISSES_BEFORE_A_PERSON
from care.domain.conversation.noting import diary, inside, noted
from care.domain.conversation.opening import offer, opened
from care.domain.conversation.replying import reply, to_person
from care.domain.diary import Entry, Refusal
from care.domain.questionnaire.text import normalised
from care.domain.questionnaire.words import BEGIN, COURTESY
from care.domain.turn import AskedForPerson, Desk, Refused, Talk, Turn

_BARE_NUMBER = re.compile(r"[0-9]{1,4}(?:[.,][0-9]{1,2})?")
_OF_AN_ANSWER = ("back", "number", "instead")


def idling(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    """One text while no question is open. `plain` is the text as commands are compared."""
    entry, command = diary(text, desk), command_in(text)
    if isinstance(entry, Entry):
        return noted(talk, text, desk, None, entry)
    if isinstance(entry, Refusal) and (plain.isascii() or inside(text, desk) is None):
        params = {"value": entry.understood or "?"} if entry.reason == "out-of-range" else {}
        return Turn(talk, (reply(desk, f"diary-{entry.reason}", **params),), (Refused(entry.reason),))
    if isinstance(entry, Refusal):  # 血糖3.2有点头晕: no space tells the value from the remark
        return _remark(talk, text, desk)
    if plain in BEGIN and desk.open_tasks:
        return opened(desk.open_tasks[0], desk) if len(desk.open_tasks) == 1 else offer(desk)
    if plain in COURTESY:
        return Turn(talk)
    if command is not None and command.kind == "language":
        spoken = in_another_language(talk, command, None, desk)
        if spoken is not None:
            return spoken
    if desk.diary is not None and _BARE_NUMBER.fullmatch(plain):  # of what? a person reads it, and the reply asks
        acts = (Refused("unknown-kind"), AskedForPerson("free-text"))
        return Turn(talk, (reply(desk, "diary-unknown-kind"),), acts)
    if command is not None and command.kind in _OF_AN_ANSWER:
        return to_person(talk, desk, "correction", "correction-to-person")
    return _remark(talk, text, desk)


def choosing(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    """One text after it was asked which of several tasks is meant."""
    number = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 3 else 0
    named = [task for task in desk.open_tasks if normalised(desk.title(task)) == plain]
    if 1 <= number <= len(desk.open_tasks):
        named = [desk.open_tasks[number - 1]]
    if len(named) == 1:
        return opened(named[0], desk)
    if isinstance(diary(text, desk), Entry | Refusal):
        return idling(Talk.idle(), text, plain, desk)
    command = command_in(text)
    if command is not None and command.kind == "language":
        return idling(Talk.idle(), text, plain, desk)
    if not desk.open_tasks or talk.misses + 1 >= MISSES_BEFORE_A_PERSON:
        return to_person(Talk(told=talk.told), desk, "not-understood", "handed-to-person")
    offered = offer(desk)
    return replace(offered, talk=replace(offered.talk, misses=talk.misses + 1))


def _remark(talk: Talk, text: str, desk: Desk) -> Turn:
    """Free text is a person's; a reading in it is kept and told back too, so that a low is judged now."""
    found = inside(text, desk)
    person = to_person(talk, desk, "free-text", "free-text-received")
    if found is None:
        return person
    entry = noted(person.talk, text, desk, None, found)
    return Turn(entry.talk, entry.says + person.says, entry.acts + person.acts)
