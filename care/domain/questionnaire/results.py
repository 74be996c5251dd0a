"""What an expression gives, as answers of the item that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

from care.domain.questionnaire.model import CHOICES, Answer, Item
from care.domain.questionnaire.values import Malformed, answer_of

_MOST_DECIMALS = 8
_OBJECTS = {"quantity": "valueQuantity", "reference": "valueReference", "attachment": "valueAttachment"}


def answers_of(item: Item, results: Sequence[Any]) -> tuple[Answer, ...]:
    """The results as answers of an item; () unless every one of them fits, and is the only one where one is asked."""
    if len(results) > 1 and not item.repeats:
        return ()
    found = [_answer(item, each) for each in results]
    return () if None in found else tuple(answer for answer in found if answer is not None)


def _answer(item: Item, result: Any) -> Answer | None:
    if isinstance(result, Decimal):
        result = float(result)
    if item.type in CHOICES:
        return _choice(item, result)
    if item.type == "boolean":
        return Answer("boolean", result) if isinstance(result, bool) else None
    if item.type in ("integer", "decimal"):
        return _number(item, result)
    if item.type in _OBJECTS:
        if item.type == "quantity" and isinstance(result, int | float) and not isinstance(result, bool):
            result = {"value": _rounded(item, result)}
        return _read(item, {_OBJECTS[item.type]: result}) if isinstance(result, Mapping) else None
    if item.type in ("string", "text"):
        return Answer("string", _text(result)) if isinstance(result, str | int | float) and result != "" else None
    if not isinstance(result, str):
        return None
    kept = result.removeprefix("@").removeprefix("T")
    return Answer(item.type, kept[:10] if item.type == "date" else kept)


def _number(item: Item, result: Any) -> Answer | None:
    if isinstance(result, bool) or not isinstance(result, int | float) or not isfinite(result):
        return None
    if item.type == "integer":
        return Answer("integer", int(result)) if result == int(result) else None
    return Answer("decimal", _rounded(item, result))


def _rounded(item: Item, number: float) -> float:
    """Without the digits that only dividing has made: a third is not known to sixteen places."""
    return round(float(number), _MOST_DECIMALS if item.max_decimals is None else item.max_decimals)


def _choice(item: Item, result: Any) -> Answer | None:
    if isinstance(result, Mapping):
        return _read(item, {"valueCoding": result})
    if isinstance(result, bool) or not isinstance(result, str | int):
        return None
    for option in item.options:
        if str(result) in (option.code, option.text[""]):
            return option.answer()
    return Answer("string", result) if item.type == "open-choice" and isinstance(result, str) and result else None


def _read(item: Item, raw: Mapping[str, Any]) -> Answer | None:
    try:
        return answer_of(item, raw)
    except Malformed:
        return None


def _text(result: Any) -> str:
    if isinstance(result, bool):
        return "true" if result else "false"
    return f"{result:.10g}" if isinstance(result, float) else str(result)
