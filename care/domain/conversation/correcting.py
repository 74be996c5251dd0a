"""Going back: an earlier answer is asked again, or replaced at once. What is left as it was is not lost."""

from __future__ import annotations

from dataclasses import replace

from care.domain.conversation.asking import ask_at, ask_next, form_of
from care.domain.conversation.wording import spots_before
from care.domain.questionnaire import Answers, Spot, previous_item, spot_at, taken_back
from care.domain.turn import Desk, Talk, Turn


def back(talk: Talk, desk: Desk) -> Turn:
    """Ask the answer given last again; after that, the one before it, and so on to the beginning."""
    spot = given_last(talk, desk)
    if spot is None:
        return ask_next(talk, desk) if talk.before is None else again(talk, desk)
    return reopened(talk, spot, desk, desk.say("corrected", {}))


def change(talk: Talk, number: int, desk: Desk) -> Turn:
    """Ask question `number`, as it was counted when it was asked, again."""
    form = form_of(talk, desk)
    done = spots_before(replace(talk, answers=_whole(talk)), form, None)
    if not 1 <= number <= len(done):
        return again(talk, desk, desk.say("no-such-question", {"number": str(number)}))
    return reopened(talk, done[number - 1], desk, desk.say("corrected", {}))


def reopened(talk: Talk, spot: Spot, desk: Desk, *before: str) -> Turn:
    """Ask a question that was answered. Its answer counts no more, unless it is left as it was."""
    whole = _whole(talk)
    kept = taken_back(form_of(talk, desk), whole, spot)
    talk = replace(
        talk,
        status="asking",
        answers=kept,
        before=whole,
        skipped=talk.skipped - {spot.place},
        misses=0,
        last=None,
    )
    return ask_at(talk, spot, desk, *before)


def given_last(talk: Talk, desk: Desk) -> Spot | None:
    """The question whose answer was given last, or the one before the open question; None at the beginning."""
    if talk.last is not None and talk.answers.get(talk.last):
        return spot_at(form_of(talk, desk), talk.answers, talk.last)
    return previous_item(form_of(talk, desk), _whole(talk), talk.skipped, talk.asked)


def again(talk: Talk, desk: Desk, *before: str, example: bool = False) -> Turn:
    """The open question once more, as it was asked."""
    spot = spot_at(form_of(talk, desk), talk.answers, talk.asked or "")
    if spot is None:
        return ask_next(talk, desk, before=before)
    return ask_at(talk, spot, desk, *before, example=example)


def left(talk: Talk, spot: Spot, desk: Desk) -> Turn | None:
    """A question that was asked again is left as it was; None where it was not asked again."""
    if talk.before is None or not talk.before.get(spot.place):
        return None
    return ask_next(replace(talk, answers=talk.before, before=None, misses=0), desk, before=(desk.say("kept", {}),))


def _whole(talk: Talk) -> Answers:
    """All answers, the one that is being asked again included: who goes further back leaves it as it was."""
    return talk.before if talk.before is not None else talk.answers
