"""Going back: an earlier answer is asked again, or replaced at once. What is left as it was is not lost."""

from __future__ import annotations

from dataclasses import replace

from care.domain.conversation.asking import ask_at, ask_next, form_of
from care.domain.conversation.hearing import BY_HAND, told
from care.domain.conversation.wording import numbered, whole
from care.domain.questionnaire import Spot, spot_at, taken_back
from care.domain.questionnaire.model import MORE
from care.domain.questionnaire.walk import course
from care.domain.turn import Desk, Talk, Turn


def back(talk: Talk, desk: Desk) -> Turn:
    """Ask the answer given last again; after that, the one before it, and so on to the beginning."""
    spot = given_last(talk, desk)
    return again(talk, desk) if spot is None else reopened(talk, spot, desk)


def change(talk: Talk, number: int, desk: Desk) -> Turn:
    """Ask question `number`, as it was counted when it was asked, again."""
    form = form_of(talk, desk)
    numbers = numbered(form, talk)
    place = numbers[number - 1] if 1 <= number <= len(numbers) else ""
    spot = spot_at(form, whole(talk), place) if _is_done(talk, place) else None
    if spot is None or spot.item.type in BY_HAND:
        return again(talk, desk, desk.say("no-such-question", {"number": str(number)}))
    return reopened(talk, spot, desk)


def reopened(talk: Talk, spot: Spot, desk: Desk) -> Turn:
    """Ask a question that was answered. Its answer counts no more, unless it is left as it was."""
    answers = whole(talk)
    kept = taken_back(form_of(talk, desk), answers, spot)
    given = () if spot.item.type == MORE else answers.get(spot.place, ())
    talk = replace(
        talk,
        status="asking",
        answers=kept,
        before=answers if given else None,
        skipped=talk.skipped - {spot.place},
        misses=0,
        last=None,
    )
    said = told(spot.item, given, desk)
    return ask_at(talk, spot, desk, desk.say("corrected-from", {"value": said}) if said else desk.say("corrected", {}))


def given_last(talk: Talk, desk: Desk) -> Spot | None:
    """The question whose answer was given last, else the one done before the open question; None at the beginning.

    An "another one?" in between that was answered with yes is passed over: its answer is the instance after it.
    """
    form, answers = form_of(talk, desk), whole(talk)
    if talk.last is not None and talk.answers.get(talk.last):
        return spot_at(form, talk.answers, talk.last)
    places = list(course(form, answers))
    here = [number for number, (place, _) in enumerate(places) if place == talk.asked]
    last = {place: number for number, (place, _) in enumerate(places)}
    for number in reversed(range(here[-1] if here else len(places))):
        place, is_more = places[number]
        closed = is_more and last[place] == number and any(each.code == "closed" for each in answers.get(place, ()))
        if closed or (not is_more and _is_done(talk, place)):
            spot = spot_at(form, answers, place)
            if spot is not None and spot.item.type not in BY_HAND:
                return spot
    return None


def _is_done(talk: Talk, place: str) -> bool:
    return bool(whole(talk).get(place)) or place in talk.skipped


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
