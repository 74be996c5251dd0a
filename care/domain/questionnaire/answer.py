"""read_answer: a patient's text to an answer of one item, or Unclear. Never a guess."""

from __future__ import annotations

import re
from datetime import datetime

from care.domain.questionnaire.amounts import read_number, read_quantity
from care.domain.questionnaire.booleans import read_boolean
from care.domain.questionnaire.choices import numbered, read_choice, several_choices
from care.domain.questionnaire.dates import read_date, read_datetime, read_time
from care.domain.questionnaire.model import CHOICES, MORE, Answer, Item
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.text import TRAILING, normalised, readable

__all__ = ["numbered", "read_answer", "read_answers"]

_LONGEST = 200
"""A longer text is no number, date or yes."""
_QUOTES = "'\""
_TRAILING_BUT_QUOTES = "".join(char for char in TRAILING if char not in _QUOTES)  # 5' are feet
_URL = re.compile(r"(?:https?://|urn:(?:uuid|oid):)[^\s<>\"]+")
_RAISED = re.compile("[0-9０-９][⁰¹²³⁴-⁹₀-₉①-⑳⑴-⒇]")  # folded, 7² would be 72
_MILLIONS = re.compile(r"(?<=[0-9])[MＭ](?![A-Za-z0-9])")


def read_answers(
    item: Item, text: str, language: str, now: datetime, zone: str, prefer: str = ""
) -> tuple[Answer, ...] | Unclear:
    """Like read_answer; an item that repeats takes several choices in one text ("1, 3")."""
    if item.repeats and item.type in CHOICES and readable(text):
        several = several_choices(item, text)
        if several:
            return several
    answer = read_answer(item, text, language, now, zone, prefer)
    return answer if isinstance(answer, Unclear) else (answer,)


def read_answer(item: Item, text: str, language: str, now: datetime, zone: str, prefer: str = "") -> Answer | Unclear:
    """The answer that a text gives to an item, or why it gives none.

    `now` is aware, `zone` the patient's; `prefer` a unit (UCUM) that the patient is known to use. Texts over MAX_TEXT
    characters and texts that cannot be stored are never read, and no text is an attachment or a reference.
    """
    if not readable(text) or item.type in ("attachment", "reference"):
        return NOT_UNDERSTOOD
    if item.type in ("string", "text"):
        return _read_text(item, text)
    if item.type == "url":
        return _read_url(item, text)
    plain = normalised(text).rstrip(TRAILING)
    if not plain:
        return NOT_UNDERSTOOD
    if item.type not in CHOICES and _RAISED.search(text):
        return Unclear("ambiguous")
    if item.type == "choice":
        return read_choice(item, plain)
    if item.type == "open-choice":
        return _read_open(item, text, plain)
    if len(plain) > _LONGEST:
        return NOT_UNDERSTOOD
    return _read_value(item, text, plain, language, now, zone, prefer)


def _read_value(
    item: Item, text: str, plain: str, language: str, now: datetime, zone: str, prefer: str
) -> Answer | Unclear:
    """What is no words: by the item's type."""
    if item.type in ("boolean", MORE):
        return read_boolean(item, plain)
    if item.type == "quantity":
        inches = normalised(text).rstrip(_TRAILING_BUT_QUOTES)
        return read_quantity(
            item, inches if inches.startswith(plain) and inches[:1] not in _QUOTES else plain, language, prefer
        )
    if item.type in ("integer", "decimal"):
        if _MILLIONS.search(text):  # 3M is three million; folded it would be three metres
            plain = normalised(_MILLIONS.sub(" million", text)).rstrip(TRAILING)
        return read_number(item, plain)
    if item.type == "date":
        return read_date(item, plain, now, zone)
    if item.type == "dateTime":
        return read_datetime(item, plain, now, zone)
    return read_time(item, plain) if item.type == "time" else NOT_UNDERSTOOD


def _read_text(item: Item, text: str) -> Answer | Unclear:
    # A line break is a text's; where one line is asked for (R4: type string), several lines are read as one.
    kept = text.strip() if item.type == "text" else " ".join(line.strip() for line in text.split("\n") if line.strip())
    if not kept:
        return NOT_UNDERSTOOD
    if item.max_length is not None and len(kept) > item.max_length:
        return Unclear("out-of-range")
    return Answer("string", kept)


def _read_url(item: Item, text: str) -> Answer | Unclear:
    """One whole address, as it was written."""
    kept = text.strip()
    if not _URL.fullmatch(kept):
        return NOT_UNDERSTOOD
    return (
        Unclear("out-of-range") if item.max_length is not None and len(kept) > item.max_length else Answer("url", kept)
    )


def _read_open(item: Item, text: str, plain: str) -> Answer | Unclear:
    """One of the options, else the words as they were written; a number that is no option is asked about."""
    chosen = read_choice(item, plain)
    return _read_text(item, text) if isinstance(chosen, Unclear) and chosen.reason == "not-understood" else chosen
