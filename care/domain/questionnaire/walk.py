"""Which items are enabled, which question comes next, and how far the patient is."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from operator import ge, gt, le, lt

from care.domain.questionnaire.model import Answer, Answers, Condition, Item, Questionnaire
from care.domain.questionnaire.units import convert

_ORDER = {">": gt, "<": lt, ">=": ge, "<=": le}
_NUMBERS = ("integer", "decimal")


def enabled(questionnaire: Questionnaire, answers: Answers) -> set[str]:
    """The linkIds of the enabled items.

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


def next_item(questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str] = frozenset()) -> Item | None:
    """The first enabled question in document order that is neither answered nor skipped; None when there is none."""
    on = enabled(questionnaire, answers)
    for item in questionnaire.questions:
        link_id = item.link_id
        if link_id in on and not answers.get(link_id) and link_id not in skipped:
            return item
    return None


def previous_item(
    questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str], before: str | None
) -> Item | None:
    """The enabled question answered or skipped last before `before` (None: the end), which "back" goes to."""
    on = enabled(questionnaire, answers)
    last = None
    for item in questionnaire.questions:
        if item.link_id == before:
            break
        if item.link_id in on and (answers.get(item.link_id) or item.link_id in skipped):
            last = item
    return last


def progress(
    questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str] = frozenset()
) -> tuple[int, int]:
    """(questions done, questions that are enabled now). What is skipped is done."""
    on = enabled(questionnaire, answers)
    asked = [item.link_id for item in questionnaire.questions if item.link_id in on]
    done = sum(1 for link_id in asked if answers.get(link_id) or link_id in skipped)
    return done, len(asked)


def lead(questionnaire: Questionnaire, item: Item, answers: Answers) -> tuple[Item, ...]:
    """The enabled displays and group headings with a text that stand between the question before and this one."""
    on = enabled(questionnaire, answers)
    found: list[Item] = []
    for each in questionnaire.items:
        if each.link_id == item.link_id:
            break
        if each.is_question:
            found.clear()
        elif each.link_id in on and each.text and not each.hidden:
            found.append(each)
    return tuple(found)
