"""Which items are enabled, which question comes next, and how far the patient is."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from operator import ge, gt, le, lt

from care.domain.questionnaire.model import Answer, Answers, Condition, Item, Questionnaire, Spot
from care.domain.questionnaire.places import link_id_of
from care.domain.questionnaire.units import convert

_ORDER = {">": gt, "<": lt, ">=": ge, "<=": le}
_NUMBERS = ("integer", "decimal")


def enabled(questionnaire: Questionnaire, answers: Answers) -> set[str]:
    """The places of the enabled items.

    An item is enabled when its conditions hold and the item above it is enabled; an answer to a disabled question
    counts as no answer.
    """
    on: set[str] = set()
    for item in questionnaire.sequence:
        if item.path and item.path[-1] not in on:
            continue
        if item.enable_when and not _met(item, answers, on):
            continue
        on.add(item.link_id)
    return on


def _met(item: Item, answers: Answers, on: AbstractSet[str]) -> bool:
    results = (
        holds(condition, answers.get(condition.question, ()) if condition.question in on else ())
        for condition in item.enable_when
    )
    return any(results) if item.enable_any else all(results)


def holds(condition: Condition, given: tuple[Answer, ...]) -> bool:
    """Whether a condition holds for these answers. Without any answer only `exists` = false does."""
    if condition.operator == "exists":
        return bool(given) == condition.expected.value
    if condition.operator == "=":
        return any(_same(answer, condition.expected) for answer in given)
    if condition.operator == "!=":
        return any(not _same(answer, condition.expected) for answer in given)
    return any(_ordered(answer, condition.operator, condition.expected) for answer in given)


def _same(answer: Answer, expected: Answer) -> bool:
    if expected.type == "coding" and answer.type == "coding":
        return answer.code == expected.code and (
            not answer.system or not expected.system or answer.system == expected.system
        )
    if expected.type == "quantity" and answer.type == "quantity":
        return not answer.comparator and _as(answer, expected) == expected.value
    if expected.type in _NUMBERS and answer.type in _NUMBERS:
        return answer.value == expected.value
    return answer.type == expected.type and answer.value == expected.value


def _ordered(answer: Answer, operator: str, expected: Answer) -> bool:
    compare = _ORDER[operator]
    if expected.type == "quantity" and answer.type == "quantity":
        value = _as(answer, expected)
        return value is not None and bool(compare(value, expected.value))
    if expected.type in _NUMBERS and answer.type in _NUMBERS:
        return bool(compare(answer.value, expected.value))
    same_kind = answer.type == expected.type and answer.type in ("string", "date", "dateTime")
    return same_kind and bool(compare(answer.value, expected.value))


def _as(answer: Answer, expected: Answer) -> float | None:
    """The answer's number in the unit of the expected quantity; as it is when either has no unit."""
    value = float(answer.value)
    if not answer.code or not expected.code:
        return value
    return convert(value, answer.code, expected.code)


def next_item(questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str] = frozenset()) -> Spot | None:
    """The first enabled question in document order that is neither answered nor skipped; None when there is none.

    `skipped` holds places. In a repeating group "another one?" is asked after each instance that has an answer.
    """
    on = enabled(questionnaire, answers)
    for item in questionnaire.questions:
        link_id = item.link_id
        if link_id in on and not answers.get(link_id) and link_id not in skipped:
            return Spot(link_id, item)
    return None


def previous_item(
    questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str], before: str | None
) -> Spot | None:
    """The enabled question answered or skipped last before the place `before` (None: the end); "back" goes to it."""
    on = enabled(questionnaire, answers)
    last = None
    for item in questionnaire.questions:
        if item.link_id == before:
            break
        if item.link_id in on and (answers.get(item.link_id) or item.link_id in skipped):
            last = Spot(item.link_id, item)
    return last


def spot_at(questionnaire: Questionnaire, answers: Answers, place: str) -> Spot | None:
    """The question that is asked at a place; None when no question is there."""
    item = questionnaire.by_id.get(link_id_of(place))
    return Spot(place, item) if item is not None and item.is_question else None


def answered(
    questionnaire: Questionnaire, answers: Answers, spot: Spot, given: tuple[Answer, ...]
) -> dict[str, tuple[Answer, ...]]:
    """The answers with one more: the only way in which a face records an answer.

    "Another one?" is answered with a boolean: yes begins one more instance, no closes the group.
    """
    return {**answers, spot.place: given}


def taken_back(questionnaire: Questionnaire, answers: Answers, spot: Spot) -> dict[str, tuple[Answer, ...]]:
    """The answers without the one of this spot, which can be asked again."""
    return {at: given for at, given in answers.items() if at != spot.place}


def filled(questionnaire: Questionnaire, answers: Answers) -> Answers:
    """The answers with the initial and the calculated values of what is never asked."""
    return answers


def progress(
    questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str] = frozenset()
) -> tuple[int, int]:
    """(questions done, questions that are enabled now). What is skipped is done."""
    on = enabled(questionnaire, answers)
    asked = [item.link_id for item in questionnaire.questions if item.link_id in on]
    done = sum(1 for link_id in asked if answers.get(link_id) or link_id in skipped)
    return done, len(asked)


def lead(questionnaire: Questionnaire, spot: Spot, answers: Answers) -> tuple[Item, ...]:
    """The enabled displays and group headings with a text that stand between the question before and this one."""
    on = enabled(questionnaire, answers)
    found: list[Item] = []
    for each in questionnaire.items:
        if each.link_id == spot.item.link_id:
            break
        if each.is_question:
            found.clear()
        elif each.link_id in on and each.text and not each.hidden:
            found.append(each)
    return tuple(found)
