"""Whether the condition of an enableWhen holds for some answers.

As the implementations that hospitals use do it: without any answer only `exists` = false holds (not `!=`), and with
several answers one that fits is enough. Codings are the same by system and code; a coding compared with a string goes
by its display.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import ge, gt, le, lt
from typing import Any

from care.domain.questionnaire.model import Answer, Condition
from care.domain.questionnaire.units import convert

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {">": gt, "<": lt, ">=": ge, "<=": le}
_NUMBERS = ("integer", "decimal")
_TEXTS = ("string", "url")
_MOMENTS = ("date", "dateTime")


def holds(condition: Condition, given: tuple[Answer, ...]) -> bool:
    """Whether a condition holds for these answers. Without any answer only `exists` = false does."""
    operator, expected = condition.operator, condition.expected
    if operator == "exists":
        return bool(given) == expected.value
    if operator == "=":
        return any(_same(answer, expected) for answer in given)
    if operator == "!=":
        return any(not _same(answer, expected) for answer in given)
    compare = _ORDER[operator]
    return any(_ordered(answer, compare, expected) for answer in given)


def _same(answer: Answer, expected: Answer) -> bool:
    if expected.type == "coding":
        if answer.type != "coding":
            return False
        if not expected.code:
            return answer.value == expected.value
        return answer.code == expected.code and (
            not answer.system or not expected.system or answer.system == expected.system
        )
    if expected.type in _TEXTS:
        return answer.type in ("coding", *_TEXTS) and answer.value == expected.value
    pair = _comparable(answer, expected)
    return pair is not None and pair[0] == pair[1]


def _ordered(answer: Answer, compare: Callable[[Any, Any], bool], expected: Answer) -> bool:
    pair = _comparable(answer, expected)
    if pair is None and answer.type in _TEXTS and expected.type in _TEXTS:
        pair = (answer.value, expected.value)
    return pair is not None and not isinstance(pair[0], bool) and bool(compare(*pair))


def _comparable(answer: Answer, expected: Answer) -> tuple[Any, Any] | None:
    """Both values in a form that can be compared; None when they cannot be."""
    if expected.type == "quantity" and answer.type == "quantity":
        value = _in_its_unit(answer, expected)
        return None if answer.comparator or value is None else (value, float(expected.value))
    if expected.type in _NUMBERS and answer.type in (*_NUMBERS, "quantity"):
        return answer.value, expected.value
    if expected.type in _MOMENTS and answer.type in _MOMENTS:
        return _moments(str(answer.value), str(expected.value))
    if answer.type != expected.type:
        return None
    if expected.type == "time":
        return _padded(str(answer.value)), _padded(str(expected.value))
    return answer.value, expected.value


def _in_its_unit(answer: Answer, expected: Answer) -> float | None:
    """The answer's number in the unit of the expected quantity; as it is when either has no unit."""
    value = float(answer.value)
    if not answer.code or not expected.code:
        return value
    return convert(value, answer.code, expected.code)


def _moments(one: str, other: str) -> tuple[Any, Any]:
    """Two dates or dateTimes at the precision that both have; with a time of day on both, as moments."""
    if "T" in one and "T" in other:
        try:
            moments = datetime.fromisoformat(one), datetime.fromisoformat(other)
        except ValueError:
            return one, other
        return moments if (moments[0].tzinfo is None) == (moments[1].tzinfo is None) else (one[:10], other[:10])
    precision = min(len(one.partition("T")[0]), len(other.partition("T")[0]))
    return one[:precision], other[:precision]


def _padded(time: str) -> str:
    """A time of day with its seconds."""
    return f"{time}:00" if len(time) == 5 else time
