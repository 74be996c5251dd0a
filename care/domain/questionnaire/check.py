"""Whether answers may stand as a report: the same rules for the app's form and for a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite

from care.domain.questionnaire.model import Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.units import convert
from care.domain.questionnaire.walk import enabled

_ANSWER_TYPE = {"text": ("string",), "choice": ("coding", "string", "integer"), "decimal": ("decimal", "integer")}


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a report: where, a stable code, and a sentence without any of the patient's words."""

    link_id: str
    code: str
    message: str


def check(questionnaire: Questionnaire, answers: Answers) -> list[Issue]:
    """Everything that keeps these answers from being a complete report; an empty list when nothing does.

    Codes: unknown-item, not-enabled, required, not-repeating, wrong-type, not-an-option, unknown-unit, out-of-range,
    too-long, not-a-date.
    """
    on = enabled(questionnaire, answers)
    issues = [
        Issue(link_id, "unknown-item", "the questionnaire has no question with this linkId")
        for link_id in answers
        if link_id not in questionnaire.by_id or not questionnaire.by_id[link_id].is_question
    ]
    for item in questionnaire.items:
        if item.is_question:
            issues.extend(_of_item(item, answers.get(item.link_id, ()), item.link_id in on))
    return issues


def _of_item(item: Item, given: tuple[Answer, ...], is_on: bool) -> Iterator[Issue]:
    if not is_on:
        if given:
            yield Issue(item.link_id, "not-enabled", "this question is not asked after the other answers")
        return
    if item.required and not given and not item.hidden and not item.read_only:
        yield Issue(item.link_id, "required", "this question needs an answer")
    if len(given) > 1 and not item.repeats:
        yield Issue(item.link_id, "not-repeating", "this question takes one answer")
    for answer in given:
        problem = problem_of(item, answer)
        if problem:
            yield Issue(item.link_id, *problem)


def problem_of(item: Item, answer: Answer) -> tuple[str, str] | None:
    """(code, sentence) for an answer that this item cannot take, or None."""
    if answer.type not in _ANSWER_TYPE.get(item.type, (item.type,)) or not _sound(answer):
        return "wrong-type", f"this question takes a {item.type}"
    if item.type == "choice":
        return None if item.option_of(answer) else ("not-an-option", "this is not one of the options")
    if item.type == "quantity":
        return _quantity_problem(item, answer)
    if item.type in ("date", "dateTime") and not is_date(str(answer.value), item.type):
        return "not-a-date", f"this is not a {item.type}"
    if item.type in ("string", "text"):
        too_long = item.max_length is not None and len(str(answer.value)) > item.max_length
        return ("too-long", f"at most {item.max_length} characters") if too_long else None
    return _range_problem(item, answer.value)


def _sound(answer: Answer) -> bool:
    """Whether the value's Python type is the one its FHIR type needs, and a number is finite."""
    value = answer.value
    if answer.type == "boolean":
        return isinstance(value, bool)
    if answer.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if answer.type in ("decimal", "quantity"):
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return isinstance(value, str)


def _quantity_problem(item: Item, answer: Answer) -> tuple[str, str] | None:
    if item.units and all(convert(1.0, answer.code, unit) is None for unit in item.units):
        return "unknown-unit", "this question takes another unit"
    value = float(answer.value)
    if item.limits is not None:
        in_unit = convert(value, answer.code, item.limits.unit) if item.limits.unit else value
        if in_unit is not None and not item.limits.holds(in_unit):
            return "out-of-range", "this value is outside of what is possible"
    return _range_problem(item, value)


def _range_problem(item: Item, value: bool | int | float | str) -> tuple[str, str] | None:
    low, high = item.minimum, item.maximum
    if isinstance(value, bool):
        return None
    for bound, below in ((low, True), (high, False)):
        if bound is None or isinstance(bound, str) is not isinstance(value, str):
            continue
        if (value < bound) if below else (value > bound):  # type: ignore[operator]  # both strings or both numbers
            return "out-of-range", "this value is outside of what is possible"
    return None


def is_date(text: str, kind: str) -> bool:
    """Whether a text is a FHIR date (partial allowed) or dateTime that exists in the calendar."""
    if len(text) > 40:
        return False
    try:
        if kind == "dateTime" and "T" in text:
            return datetime.fromisoformat(text).tzinfo is not None
        padded = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
        return date.fromisoformat(padded).isoformat() == padded
    except ValueError:
        return False
