"""How a form lies open with some answers: every item in every instance of what repeats, in the order of the form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from care.domain.questionnaire.model import Answers, Item, Questionnaire
from care.domain.questionnaire.places import place

MAX_PLACES = 10_000
"""Places that what repeats in a form may open; what lies behind them is not looked at."""


class Position(NamedTuple):
    """An item in an instance. With `after`, it is the question after that instance of a repeating group (-1: before
    the first one) whether there is another."""

    item: Item
    instance: tuple[int, ...]
    after: int | None = None


def begun(item: Item, instance: tuple[int, ...], values: Answers) -> int:
    """How many instances of something that repeats are begun: one an answer of a question; of a group as counted, and
    at least one, or as many as the form asks for, where nothing was counted."""
    given = values.get(place(item.link_id, instance), ())
    if item.is_question:
        return min(len(given), MAX_PLACES)
    if given and given[0].type == "count":
        return max(0, min(int(given[0].value), MAX_PLACES))
    return min(max(1, item.min_occurs or 0), MAX_PLACES)


def is_closed(item: Item, instance: tuple[int, ...], values: Answers) -> bool:
    """Whether it was said that there is no other instance of a repeating group."""
    given = values.get(place(item.link_id, instance), ())
    return bool(given) and given[0].code == "closed"


def instances(
    questionnaire: Questionnaire, loops: tuple[str, ...], values: Answers, within: tuple[int, ...] = ()
) -> list[tuple[int, ...]]:
    """The instances of whatever stands inside these repeating ancestors, `within` one instance of the first of them;
    [()] where there are none."""
    found = [within]
    for link_id in loops[len(within) :]:
        loop = questionnaire.by_id[link_id]
        every = ((*one, number) for one in found for number in range(begun(loop, one, values)))
        found = list(islice(every, MAX_PLACES))
    return found


def positions(questionnaire: Questionnaire, values: Answers) -> Iterator[Position]:
    """Every item in every instance in the order of the form; after each instance of a group the question for more."""
    if not questionnaire.has_loops:
        for item in questionnaire.items:
            yield Position(item, ())
        return
    stack = [Position(item, ()) for item in reversed(questionnaire.children[""])]
    for _ in range(MAX_PLACES + len(questionnaire.items)):
        if not stack:
            return
        here = stack.pop()
        yield here
        if here.after is None:
            stack.extend(_inside(questionnaire, here.item, here.instance, values))


def _inside(questionnaire: Questionnaire, item: Item, instance: tuple[int, ...], values: Answers) -> Iterator[Position]:
    """What stands right below an item, last first."""
    below = questionnaire.children.get(item.link_id, ())
    if not item.is_loop:
        for each in reversed(below):
            yield Position(each, instance)
        return
    for number in reversed(range(begun(item, instance, values))):
        if not item.is_question:
            yield Position(item, instance, number)
        for each in reversed(below):
            yield Position(each, (*instance, number))
    if not item.is_question:
        yield Position(item, instance, -1)
