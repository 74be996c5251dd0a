"""Lock screens: whether words that a phone may show to anybody say who the patient is. Pure.

A net, not a proof: it stops the name in a greeting, the record number and the birth date, which is what slips in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import permutations
from typing import Literal

Reveals = Literal["name", "record_number", "birth_date"]

_HAN = re.compile("[\u3400-\u9fff]")
_SPLIT = re.compile(r"[\s,.;:'’·・()\-_/]+")
_GREETINGS = "mr|mrs|ms|miss|mx|dr|dear|hi|hello|hey|mister|madam"
_TITLES = "先生|女士|小姐|太太|太|生|伯伯|伯|叔叔|叔|阿姨|姨|婆婆|伯母|老师|老師|大爷|大爺|奶奶|爷爷|爺爺"
_MANY_PARTS = 5  # of a name; more are looked for in their order only
_FEWEST_DIGITS = 4  # a shorter number is found in any text that names a dose
_MONTHS = (
    *("jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?", "aug(?:ust)?"),
    *("sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?"),
)


def reveals(words: str, name: str, record_number: str, birth_date: str | None) -> Reveals | None:
    """What of a patient the words give away; None: nothing that is looked for. `birth_date` is ISO 8601 or None."""
    folded = _fold(words)
    if any(re.search(pattern, folded) for pattern in _of_name(name)):
        return "name"
    if any(re.search(pattern, folded) for pattern in _of_record(record_number)):
        return "record_number"
    if birth_date and any(re.search(pattern, folded) for pattern in _of_date(birth_date)):
        return "birth_date"
    return None


def _fold(words: str) -> str:
    """Without case, width, accents and what cannot be seen."""
    plain = unicodedata.normalize("NFKD", words).casefold()
    return "".join(char for char in plain if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")


def _of_name(name: str) -> Iterator[str]:
    """The whole name in any order and spacing; a part of it behind a greeting; a family name before a title."""
    parts = [part for part in _SPLIT.split(_fold(name)) if part]
    han = "".join(part for part in parts if _HAN.search(part))
    latin = [part for part in parts if not _HAN.search(part)]
    if len(han) > 1:
        yield r"\s*".join(map(re.escape, han))
        yield rf"{re.escape(han[0])}\s*(?:{_TITLES})"
        if len(han) > 2:
            yield r"\s*".join(map(re.escape, han[1:]))
    for order in permutations(latin) if len(latin) < _MANY_PARTS else (latin,):
        if len("".join(order)) > 2:
            yield rf"(?<![a-z0-9]){r'[^a-z0-9]{0,3}'.join(map(re.escape, order))}(?![a-z0-9])"
    for part in latin:
        if len(part) > 1:
            yield rf"(?<![a-z0-9])(?:{_GREETINGS})[^a-z0-9]+(?:[a-z]+[^a-z0-9]+)?{re.escape(part)}(?![a-z0-9])"


def _of_record(number: str) -> Iterator[str]:
    """The number, however it is spaced, where nothing else runs into it."""
    signs = re.sub("[^0-9a-z]+", "", _fold(number))
    if len(signs) > 1 and not (signs.isdigit() and len(signs) < _FEWEST_DIGITS):
        yield rf"(?<![0-9a-z]){r'[^0-9a-z]{0,2}'.join(signs)}(?![0-9a-z])"


def _of_date(date: str) -> Iterator[str]:
    """A day in figures, in either order, in Chinese or with the month's English name."""
    year, month, day = (int(part) for part in date.split("-"))
    between, months = r"\s*[-/.年月 ]\s*", f"0?{month}"
    yield rf"(?<!\d){year}{between}{months}{between}0?{day}(?!\d)"
    for first, second in ((months, f"0?{day}"), (f"0?{day}", months)):
        yield rf"(?<!\d){first}{between}{second}{between}(?:{year}|{year % 100:02d})(?!\d)"
    yield rf"(?<!\d){year}{month:02d}{day:02d}(?!\d)"
    named = _MONTHS[month - 1]
    yield rf"(?<![a-z])(?:{named})\.? 0?{day}(?:st|nd|rd|th)?,? {year}"
    yield rf"(?<!\d)0?{day}(?:st|nd|rd|th)?(?: of)? (?:{named})\.?,? {year}"
