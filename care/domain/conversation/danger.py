"""A text with a crisis or red-flag word: what it answers is kept, and nothing is said under the emergency reply."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from care.domain.conversation.asking import completed
from care.domain.conversation.hearing import hear
from care.domain.conversation.noting import diary, inside, noted
from care.domain.conversation.replying import to_person
from care.domain.diary import NOT_OF_A_READING, Entry, answers_for
from care.domain.questionnaire import Answer, Spot, Unclear, answered, next_item, spot_at
from care.domain.questionnaire.text import normalised, readable
from care.domain.questionnaire.units import SPELLED
from care.domain.questionnaire.words import BEGIN, COURTESY
from care.domain.turn import Desk, Noted, Talk, Turn

_CLAUSES = re.compile(r"[,，、。;；!！?？\n]|\. |\band\b")
_LEADING = re.compile(rf"([0-9]{{1,3}}(?:\.[0-9]{{1,2}})?(?: ?(?:{SPELLED.pattern}))?)(?!{NOT_OF_A_READING.pattern})")


HELD = timedelta(hours=2)
"""Ours: so long nothing is asked of somebody who wrote of a crisis. A person is on the way to them, not a form."""


def in_danger(talk: Talk, text: str, desk: Desk, crisis: bool = False) -> Turn:
    """Keep a valid answer that the text holds, and say nothing: no question may stand under an emergency reply."""
    turn = _kept(talk, text, desk)
    return replace(turn, talk=replace(turn.talk, held=desk.now + HELD)) if crisis else turn


def in_quiet(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    """A text soon after a crisis: an entry is kept and words reach a person; nothing is asked, and nothing debated."""
    entry = diary(text, desk)
    if isinstance(entry, Entry):
        return noted(talk, text, desk, None, entry)
    if plain in COURTESY or plain in BEGIN:
        return Turn(talk)
    return to_person(talk, desk, "free-text", "free-text-received")


def _kept(talk: Talk, text: str, desk: Desk) -> Turn:
    if talk.questionnaire is None:
        return _entry(talk, text, desk)
    form = desk.questionnaires(talk.questionnaire)
    spot = spot_at(form, talk.answers, talk.asked or "")
    found = _answer_inside(spot, text, desk) if spot is not None and readable(text) else None
    if spot is None or found is None:
        return _entry(talk, text, desk)
    talk = replace(talk, answers=answered(form, talk.answers, spot, found), before=None, last=spot.place)
    if next_item(form, talk.answers, talk.skipped) is None:
        return Turn(Talk.idle(), (), completed(talk, form))
    return Turn(replace(talk, asked=None, shown=0))


def _entry(talk: Talk, text: str, desk: Desk) -> Turn:
    """A diary entry in a dangerous text is kept too, in silence."""
    if desk.diary is None:
        return Turn(talk)
    parts = (diary(part, desk) for part in (text, *_CLAUSES.split(text)))
    entry = next((part for part in parts if isinstance(part, Entry)), None)
    entry = entry or inside(text, desk)
    if entry is None:
        return Turn(talk)
    return Turn(talk, (), (Noted(desk.diary.questionnaire, answers_for(entry), entry),))


def _answer_inside(spot: Spot, text: str, desk: Desk) -> tuple[Answer, ...] | None:
    """The answer in the whole text, or in exactly one of its clauses ("38.5, …"), or the number it begins with."""
    whole = hear(spot, text, desk)
    if not isinstance(whole, Unclear):
        return whole
    parts = [part for part in _CLAUSES.split(text) if part and part.strip()][:10]
    read = [hear(spot, part, desk) for part in parts]
    found = [answers for answers in read if not isinstance(answers, Unclear)]
    if len(found) == 1 or spot.item.type != "quantity":
        return found[0] if len(found) == 1 else None
    first = _LEADING.match(normalised(text))
    said = hear(spot, first[1], desk) if first else None
    return None if isinstance(said, Unclear) else said
