"""From answers to measures: what rules, models and charts read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from care.domain.measure import Measure
from care.domain.questionnaire.model import Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.units import to_canonical
from care.domain.questionnaire.walk import enabled


def measures(
    questionnaire: Questionnaire, answers: Answers, at: datetime, make_id: Callable[[int], str]
) -> tuple[Measure, ...]:
    """One measure for every answer to an enabled item with a code, in document order.

    Quantities are in the canonical unit of their dimension; a boolean is 1 or 0; a choice is its ordinal value, or,
    where its option is an event, 1 under the option's code. `make_id` is given 0, 1, 2 …
    """
    on = enabled(questionnaire, answers)
    found: list[Measure] = []
    for item in questionnaire.questions:
        if not (item.code or item.type == "choice") or item.link_id not in on:
            continue
        for answer in answers.get(item.link_id, ()):
            read = _value(item, answer)
            if read is None:
                continue
            code, value, unit = read
            context = _context(questionnaire, item, answers, on)
            found.append(Measure(make_id(len(found)), code, value, unit, at, answer.comparator, context))
    return tuple(found)


def _value(item: Item, answer: Answer) -> tuple[str, float, str] | None:
    if item.type == "quantity":
        value, unit = to_canonical(float(answer.value), answer.code)
        return item.code, value, unit
    if item.type == "choice":
        option = item.option_of(answer)
        if option is None:
            return None
        if option.is_event:
            return option.code, 1.0, ""
        return (item.code, option.ordinal, "") if item.code and option.ordinal is not None else None
    if item.type in ("boolean", "integer", "decimal"):
        return item.code, float(answer.value), ""
    return None


def _context(questionnaire: Questionnaire, item: Item, answers: Answers, on: set[str]) -> str:
    if not item.context_from or item.context_from not in on:
        return ""
    given = answers.get(item.context_from, ())
    return given[0].code if given and item.context_from in questionnaire.by_id else ""
