"""How a patient writes an answer in a text: the mark of an option, a number with its unit, a date. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from care.domain.questionnaire.marks import marks
from care.domain.questionnaire.model import CHOICES, MORE, Answer, Item
from care.domain.questionnaire.units import label

_LINES = "\n"


def reply(item: Item, given: Sequence[Answer]) -> str:
    """The text that gives these answers to a question as it was asked; several of them in one text."""
    words = [_word(item, answer) for answer in given]
    if item.type == "text" or (item.type == "open-choice" and any(each.type == "string" for each in given)):
        return _LINES.join(words)
    return ", ".join(words)


def _word(item: Item, answer: Answer) -> str:
    if item.type in CHOICES:
        option = item.option_of(answer)
        return marks(item).replies[item.options.index(option)] if option is not None else str(answer.value)
    if item.type == MORE or answer.type == "boolean":
        return "1" if answer.value else "2"
    if answer.type == "quantity":
        return f"{_number(answer.value)} {label(answer.code, 'en')}".strip()
    if answer.type in ("integer", "decimal"):
        return _number(answer.value)
    if answer.type == "dateTime":
        return str(answer.value).replace("T", " ")[:16]
    if answer.type == "time":
        return str(answer.value)[:5]
    return str(answer.value)


def _number(value: bool | int | float | str) -> str:
    """38.5 and 38: without an exponent, and without a zero behind the point."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.6f}".rstrip("0").rstrip(".")
