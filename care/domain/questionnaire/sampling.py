"""Random answers that a question takes: for trying a form out without a patient. Pure; the chance is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from random import Random

from care.domain.questionnaire.ask import bounds
from care.domain.questionnaire.check import problem_of
from care.domain.questionnaire.matching import matching
from care.domain.questionnaire.model import CHOICES, MORE, Answer, Item
from care.domain.questionnaire.units import label
from care.domain.questionnaire.values import LARGEST

Given = tuple[Answer, ...]

BY_HAND = frozenset(("attachment", "reference"))
"""What no text answers."""
LEFT_OUT = 0.15
"""How often a question is left out that may be."""
_ANOTHER = 0.35
_MOST = 3  # answers to one question, instances of one group
_TRIES = 40
_CLEAR = 4  # letters: "r" and "t" are words to us too
_SENTENCES = (
    *("a little better than last week", "much the same", "a quiet day at home", "some tea and rice"),
    *("walking in the garden", "slept well", "nothing else to tell", "soup for lunch"),
)
_SHORT = ("Ann", "Lee", "tea", "blue", "x", "7", "2019", "12345", "+1 202 555 0143", "ann@example.org", "AB 12")


def sampled(item: Item, chance: Random, now: datetime) -> Given | None:
    """Answers that may stand for this question: () when it is left out, None when none was found and one is needed.

    For "another one?" the answer is a boolean. Words of one's own stand alone: in a text nobody could tell them apart
    from what stands beside them.
    """
    if item.type == MORE:
        return (Answer("boolean", (item.min_occurs or 0) < _MOST and chance.random() < _ANOTHER),)
    if item.max_occurs == 0:
        return ()
    needed = item.required or bool(item.min_occurs)
    if not needed and chance.random() < LEFT_OUT:
        return ()
    wanted = 1
    if item.repeats:
        least = max(item.min_occurs or 1, 1)
        wanted = chance.randint(least, max(least, min(item.max_occurs or _MOST, _MOST)))
    found: list[Answer] = []
    for _ in range(_TRIES):
        answer = _one(item, chance, now)
        if answer is not None and answer not in found and problem_of(item, answer) is None:
            found.append(answer)
        if len(found) == wanted or _is_alone(item, found):
            break
    if _is_alone(item, found):
        found = found[-1:]
    return tuple(found) if found or not needed else None


def _is_alone(item: Item, found: list[Answer]) -> bool:
    """Whether the last of these answers can only be given alone."""
    if not found or item.type not in CHOICES:
        return False
    option = item.option_of(found[-1])
    return option is None or option.exclusive


def _one(item: Item, chance: Random, now: datetime) -> Answer | None:
    if item.type in CHOICES:
        own_words = item.type == "open-choice" and (not item.options or chance.random() < LEFT_OUT)
        if own_words:
            return Answer("string", chance.choice(_SENTENCES))
        return chance.choice(item.options).answer() if item.options else None
    maker = _MAKERS.get(item.type)
    return maker(item, chance, now) if maker else None


def _boolean(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("boolean", chance.random() < 0.5)


def _between(item: Item, chance: Random) -> float:
    """A number inside of what is possible and usual."""
    low, high = bounds(item)
    usual, unit = item.usual, item.units[0] if item.units else ""
    if usual is not None and usual.unit in ("", unit):
        low = usual.low if low is None else max(low, usual.low if usual.low is not None else low)
        high = usual.high if high is None else min(high, usual.high if usual.high is not None else high)
    if low is None:
        low = 0.0 if high is None or high > 0 else high - 10
    if high is None:
        high = low + 10
    return chance.uniform(low, high) if chance.random() > 0.2 else chance.choice((low, high))


def _integer(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("integer", round(_between(item, chance)))


def _decimal(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("decimal", _rounded(item, chance))


def _quantity(item: Item, chance: Random, now: datetime) -> Answer:
    unit = item.units[0] if item.units else ""
    return Answer("quantity", _rounded(item, chance), unit=label(unit, "en") if unit else "", code=unit)


def _rounded(item: Item, chance: Random) -> float:
    places = 1 if item.max_decimals is None else min(item.max_decimals, 2)
    value = _between(item, chance)
    return float(round(value, places if chance.random() < 0.7 else 0))


def _day(item: Item, chance: Random, now: datetime) -> date:
    low, high = (_date_of(bound) for bound in (item.minimum, item.maximum))
    last = high or max(now.date(), low or now.date()) + timedelta(days=0 if low is None else 365)
    first = low or min(date(last.year - 5 if last.year > 5 else 1, 1, 1), last)
    return first + timedelta(days=chance.randint(0, max((last - first).days, 0)))


def _date_of(bound: float | str | None) -> date | None:
    try:
        return date.fromisoformat(f"{bound}-01-01"[:10]) if isinstance(bound, str) else None
    except ValueError:
        return None


def _date(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("date", _day(item, chance, now).isoformat())


def _clock(item: Item, chance: Random, now: datetime) -> str:
    return f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00"


def _date_time(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("dateTime", f"{_day(item, chance, now).isoformat()}T{_clock(item, chance, now)}+00:00")


def _time(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("time", _clock(item, chance, now))


def _string(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("string", _words(item, chance))


def _url(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("url", f"https://example.org/{chance.randint(1, 999)}")


def _file(item: Item, chance: Random, now: datetime) -> Answer:
    media = next((each for each in item.media if not each.endswith("/*")), "text/plain")
    content = {"contentType": media, "data": "aGVsbG8=", "size": 5}
    return Answer("attachment", "note", content=json.dumps(content, separators=(",", ":")))


def _reference(item: Item, chance: Random, now: datetime) -> Answer:
    return Answer("reference", f"{item.resources[0] if item.resources else 'Organization'}/{chance.randint(1, 999)}")


def _words(item: Item, chance: Random) -> str:
    """Words that neither command nor alarm anybody, as long as they must be and no longer than they may be."""
    if item.pattern is not None and chance.random() < 0.8:
        tries = (matching(item.pattern.source, chance) or "" for _ in range(_TRIES))
        least, most = max(item.min_length or 0, _CLEAR), item.max_length or LARGEST
        made = next((text for text in tries if least <= len(text) <= most and text.strip() == text), None)
        if made is not None:
            return made
    words = chance.choice(_SHORT if chance.random() < 0.3 or item.pattern is not None else _SENTENCES)
    while len(words) < (item.min_length or 0):
        words = f"{words} {chance.choice(_SENTENCES)}"
    return words if item.max_length is None else words[: item.max_length].strip()


_MAKERS: Mapping[str, Callable[[Item, Random, datetime], Answer]] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "quantity": _quantity,
    "date": _date,
    "dateTime": _date_time,
    "time": _time,
    "string": _string,
    "text": _string,
    "url": _url,
    "attachment": _file,
    "reference": _reference,
}
