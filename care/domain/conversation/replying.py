"""Replies and calls for a person: what every part of a conversation says in the same way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from care.domain.codes import Purpose
from care.domain.segments import divided, folded
from care.domain.turn import Act, AskedForPerson, Desk, Say, Stopped, Talk, Turn

TOLD_AGAIN = timedelta(minutes=15)
"""Until then a further text that a person reads is not answered: a phone that answers by itself never stops."""
_UNASKED = ("free-text", "not-understood", "unreadable")


def reply(desk: Desk, key: str, **params: str) -> Say:
    """One text of the library as a reply."""
    return Say(Purpose.REPLY, desk.say(key, params))


def to_person(talk: Talk, desk: Desk, reason: str, key: str) -> Turn:
    """A person reads it, and the patient is told so; not again for each text of the next minutes."""
    act = AskedForPerson(reason)
    if reason in _UNASKED and talk.told is not None and desk.now - talk.told < TOLD_AGAIN:
        return Turn(talk, (), (act,))
    return Turn(replace(talk, told=desk.now), (reply(desk, key, number=desk.emergency_number),), (act,))


def stopped(talk: Talk | None) -> tuple[Act, ...]:
    """What was answered in a conversation that ends before its end."""
    if talk is None or talk.questionnaire is None or not talk.answers:
        return ()
    return (Stopped(talk.questionnaire, talk.task_id, talk.answers),)


def fitted(turn: Turn, desk: Desk) -> Turn:
    """The same turn with messages that the channel takes: folded for SMS, divided where one is too long."""
    says = []
    for say in turn.says:
        text = folded(say.text) if desk.segments else say.text
        says += (
            [say]
            if text == say.text and desk.room.holds(text)
            else [Say(say.purpose, part) for part in divided(text, desk.room)]
        )
    return replace(turn, says=tuple(says))
