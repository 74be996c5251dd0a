"""From answers to measures: what rules, models and charts read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from care.domain.measure import Measure
from care.domain.questionnaire.model import Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.places import instance_of, link_id_of
from care.domain.questionnaire.places import place as place_of
from care.domain.questionnaire.scores import ScoreDefinition, score_values
from care.domain.questionnaire.standing import Standing
from care.domain.questionnaire.units import to_canonical
from care.domain.questionnaire.worth import ordinal_of, own_code


def measures(
    questionnaire: Questionnaire,
    answers: Answers,
    at: datetime,
    make_id: Callable[[int], str],
    scores: Sequence[ScoreDefinition] = (),
) -> tuple[Measure, ...]:
    """One measure for every answer to an enabled item with a code, in document order, then one for each score.

    Quantities are in the canonical unit of their dimension; a boolean is 1 or 0; a choice is its ordinal value, or,
    where its option is an event, 1 under the option's code. Values that the form computes itself count as answers; but
    a score of `scores` is ours, and the form's own sum under the same code is left out. `make_id` is given 0, 1, 2 …
    """
    standing = Standing(questionnaire, answers)
    on, full = standing.on, standing.values
    places: dict[str, list[str]] = {}
    for place in full:
        if place in on:
            places.setdefault(link_id_of(place), []).append(place)
    totals = score_values(scores, questionnaire, standing)
    found: list[Measure] = []
    for item in questionnaire.questions:
        for place in sorted(places.get(item.link_id, ()), key=instance_of):
            for answer in full[place]:
                read = _value(item, answer)
                if read is None or read[0] in totals:
                    continue
                code, value, unit = read
                context = _context(questionnaire, item, full, on, place)
                found.append(Measure(make_id(len(found)), code, value, unit, at, answer.comparator, context))
    for code, total in totals.items():
        found.append(Measure(make_id(len(found)), code, total, "", at))
    return tuple(found)


def _value(item: Item, answer: Answer) -> tuple[str, float, str] | None:
    code = own_code(item)
    if item.type in ("choice", "open-choice"):
        option = item.option_of(answer)
        if option is None:
            return None
        if option.is_event:
            return option.code, 1.0, ""
        ordinal = ordinal_of(option)
        return (code, ordinal, "") if code and ordinal is not None else None
    if not code:
        return None
    if item.type == "quantity":
        value, unit = to_canonical(float(answer.value), answer.code)
        return code, value, unit
    if item.type in ("boolean", "integer", "decimal"):
        return code, float(answer.value), ""
    return None


def _context(questionnaire: Questionnaire, item: Item, answers: Answers, on: set[str], place: str) -> str:
    """The code that was chosen in the item that refines this one: in the same instance, else outside of it."""
    if not item.context_from or item.context_from not in questionnaire.by_id:
        return ""
    instance = instance_of(place)
    for depth in range(len(instance), -1, -1):
        there = place_of(item.context_from, instance[:depth])
        if there in on and answers.get(there):
            return answers[there][0].code
    return ""
