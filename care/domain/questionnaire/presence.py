"""What of a form holds an answer, and what could be given one: questions, the groups around them, their instances."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from care.domain.questionnaire.model import Answers, Item, Questionnaire
from care.domain.questionnaire.places import instance_of, link_id_of, place


def holding(questionnaire: Questionnaire, answers: Answers, on: AbstractSet[str] | None = None) -> set[str]:
    """The places of what holds an answer; with `on` only of what is enabled.

    For something that repeats each of its instances is there too: its place with the instance's own number behind.
    """
    found: set[str] = set()
    for at, given in answers.items():
        item = questionnaire.by_id.get(link_id_of(at))
        if item is None or not given or not item.is_question or (on is not None and at not in on):
            continue
        found.add(at)
        if item.is_loop:
            found.update(place(item.link_id, (*instance_of(at), number)) for number in range(len(given)))
        found.update(_around(questionnaire, item, instance_of(at)))
    return found


def askable(questionnaire: Questionnaire, on: AbstractSet[str]) -> set[str]:
    """The places of the groups in which something can be asked as the form stands."""
    found: set[str] = set()
    for at in on:
        item = questionnaire.by_id[link_id_of(at)]
        if item.is_asked:
            found.update(_around(questionnaire, item, instance_of(at)))
    return found


def _around(questionnaire: Questionnaire, item: Item, instance: tuple[int, ...]) -> Iterable[str]:
    for link_id in item.path:
        above = questionnaire.by_id[link_id]
        depth = len(above.loops)
        yield place(link_id, instance[:depth])
        if above.is_loop:
            yield place(link_id, instance[: depth + 1])
