"""Reading a diary kept by text: "glucose 58 before lunch", "04-21-1991 9:09 insulin regular 9", "血糖 3.2 早餐前".

A text that does not look like an entry is left to others (None); one that does but cannot be read is refused with the
reason, so that the reply can say what to write. Never a guess; a low in doubt is kept as a low.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from care.domain.civil import instant, local, zone_of
from care.domain.diary_words import (
    CLOCK,
    CONTEXT,
    CONTEXT_SYSTEM,
    CONTEXTS,
    DATE_EITHER,
    DATE_ISO,
    DATE_US,
    DATE_ZH,
    FILLER,
    GLUCOSE_UNIT,
    KIND,
    KIND_DISPLAY,
    KIND_SYSTEM,
    KINDS,
    RELATIVE_DAY,
    UNKNOWN_KIND,
    VALUE,
)
from care.domain.questionnaire.model import Answer
from care.domain.questionnaire.numbers import numbers_in
from care.domain.questionnaire.text import normalised, storable
from care.domain.questionnaire.units import convert, unit_spelled

Why = Literal["bad-date", "unknown-kind", "unreadable-value", "out-of-range", "future"]

MAX_ENTRY = 200
"""A diary entry is one line; a longer text is for a person."""
METER_LOW, METER_HIGH = 20.0, 600.0
"""mg/dL: what home glucose meters show; below and above they show Lo and Hi."""
GLUCOSE_HIGHEST, DOSE_HIGHEST = 1000.0, 500.0
"""mg/dL and units: more than this is a slip of the keyboard."""
NOT_OF_A_READING = re.compile(
    r"[-/:.,]?[0-9]| ?(?:min|hour|hr|h\b|day|week|month|year|time|x\b|am\b|pm\b|%|[分小天日周週月年次点點个個岁歲])"
)
"""What makes the number before it a duration, a time or a count, and no reading."""
_NOT_NOW = re.compile(
    r"\b(?:ago|last|yesterday|usually|never|not|no|without|if|when|target|goal|should|before|until|down|up)\b"
    r"|昨|前天|上[周週次]|[之以]前|如果|目[标標]|平时|平時|通常|[不没沒冇]"
)
_EARLY = timedelta(minutes=10)  # how far a patient's clock may be ahead of ours
_OLDEST = timedelta(days=366)
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class Entry:
    """One diary entry. `kind` is a code of the diary questionnaire; `at` is aware (UTC); `context` a reading context.

    A glucose of '<' 20 or '>' 600 mg/dL stands for what a meter cannot show. Events have no value.
    """

    kind: str
    value: float | None
    unit: str
    comparator: str
    at: datetime
    context: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text that looks like a diary entry was not taken, and what was understood of it (for its writer only)."""

    reason: Why
    understood: str = ""


def read_entry(
    text: str, now: datetime, zone: str, language: str = "en", default_unit: str = "mg/dL"
) -> Entry | Refusal | None:
    """The entry that a text makes, a Refusal, or None when it does not look like one.

    `now` is aware; times are in the patient's `zone`; an entry without a date is now's. A glucose without a unit is in
    mg/dL from 35 up and in mmol/L when written with a decimal; else `default_unit` decides. Raises Invalid for an
    unknown zone.
    """
    if len(text) > MAX_ENTRY or not storable(text):
        return None
    plain = normalised(text)
    kind = KIND.search(plain)
    if kind is None:
        return Refusal("unknown-kind") if UNKNOWN_KIND.search(plain) else _implied(plain, now, zone, default_unit)
    return _read(KINDS[kind[0]], plain[: kind.start()], plain[kind.end() :], now, zone, default_unit)


def entry_inside(
    text: str, now: datetime, zone: str, language: str = "en", default_unit: str = "mg/dL"
) -> Entry | None:
    """The glucose reading in a text that says more ("glucose 45 chest pain"): its name and then its value.

    Only for texts that a person reads anyway: a low with a remark must not wait for the day. None when the text speaks
    of another time, of a wish, or of more than one number.
    """
    plain = normalised(text) if len(text) <= MAX_ENTRY and storable(text) else ""
    kind = KIND.search(plain)
    if kind is None or KINDS[kind[0]] != "glucose":
        return None
    rest = plain[kind.end() :]
    while filler := FILLER.match(rest):
        rest = rest[filler.end() :]
    value = VALUE.match(rest)
    if value is None or NOT_OF_A_READING.match(rest, value.end()):
        return None
    beside = CONTEXT.sub(" ", rest[value.end() :])
    if any(char.isdigit() for char in beside) or _NOT_NOW.search(plain[: kind.start()]) or _NOT_NOW.search(beside):
        return None
    context = CONTEXT.search(rest, value.end())
    said = f"{kind[0]} {value[0]} {context[0] if context else ''}"
    for before in (plain[: kind.start()], ""):
        read = read_entry(before + said, now, zone, language, default_unit)
        if read is not None:
            return read if isinstance(read, Entry) else None
    return None


def _implied(plain: str, now: datetime, zone: str, default_unit: str) -> Entry | None:
    """ "5.6 mmol/L" and "fasting 95" are glucose readings without saying so; a number alone is not."""
    if CONTEXT.search(plain) is None and GLUCOSE_UNIT.search(plain) is None:
        return None
    read = _read("glucose", "", plain, now, zone, default_unit)
    return read if isinstance(read, Entry) else None


def _read(code: str, before: str, after: str, now: datetime, zone: str, default_unit: str) -> Entry | Refusal | None:
    """An entry of this kind from what stands before and after its name."""
    context = CONTEXT.search(after) or CONTEXT.search(before)
    if context is not None:
        before = before.replace(context[0], " ", 1) if context.string is before else before
        after = after.replace(context[0], " ", 1) if context.string is after else after
    moment = _moment(before, after, now, zone)
    if isinstance(moment, Refusal):
        return moment
    at, before, after = moment
    before, after = FILLER.sub(" ", before).strip(), FILLER.sub(" ", after).strip()
    where = CONTEXTS[context[0]] if context is not None else ""
    if code.startswith("insulin") or code == "glucose":
        return _amount(code, before, after, at, where, default_unit)
    return _event(code, before, after, at)


def answers_for(entry: Entry) -> dict[str, tuple[Answer, ...]]:
    """The entry as answers to the diary questionnaire (glucose-diary-entry), so that it is a report like any other."""
    answers: dict[str, tuple[Answer, ...]]
    answers = {"kind": (Answer("coding", KIND_DISPLAY[entry.kind], code=entry.kind, system=KIND_SYSTEM),)}
    if entry.value is not None:
        answers[entry.kind] = (Answer("quantity", entry.value, entry.unit, entry.comparator, entry.unit),)
    if entry.context:
        display = entry.context.replace("-", " ").replace("before snack", "before a snack")
        answers["context"] = (Answer("coding", display, code=entry.context, system=CONTEXT_SYSTEM),)
    answers["at"] = (Answer("dateTime", entry.at.isoformat(timespec="seconds")),)
    return answers


def _moment(before: str, after: str, now: datetime, zone: str) -> tuple[datetime, str, str] | Refusal:
    """When it was (UTC), and both parts of the text without the date and the time."""
    day, before, after = _take_day(before, after, now, zone)
    if day == "unreadable":
        return Refusal("bad-date")
    clock = CLOCK.search(before) or CLOCK.search(after)
    at_time: time | None = None
    if clock is not None:
        if clock.string is before:
            before = before[: clock.start()] + " " + before[clock.end() :]
        else:
            after = after[: clock.start()] + " " + after[clock.end() :]
        at_time = _time_of(clock)
        if at_time is None:
            return Refusal("bad-date", clock[0])
    if isinstance(day, str):  # no date
        if at_time is None:
            return now.astimezone(UTC), before, after
        day = local(now, zone_of(zone)).date()
    at = instant(datetime.combine(day, at_time or _NOON), zone_of(zone))
    if at is None or now - at > _OLDEST:
        return Refusal("bad-date", day.isoformat())
    if at - now > _EARLY:
        if at_time is not None or at - now > timedelta(hours=12):
            return Refusal("future", day.isoformat())
        at = now.astimezone(UTC)  # "today" in the morning, without a time
    return at, before, after


def _take_day(before: str, after: str, now: datetime, zone: str) -> tuple[date | str, str, str]:
    """The date said, or "none", or "unreadable"; and both parts without it."""
    for part, other, first in ((before, after, True), (after, before, False)):
        for pattern in (DATE_US, DATE_ISO, DATE_ZH, DATE_EITHER, RELATIVE_DAY):
            match = pattern.search(part)
            if match is None:
                continue
            rest = part[: match.start()] + " " + part[match.end() :]
            day = _date_of(match, now, zone)
            return (day or "unreadable", rest, other) if first else (day or "unreadable", other, rest)
    return "none", before, after


def _date_of(match: re.Match[str], now: datetime, zone: str) -> date | None:
    if match.re is RELATIVE_DAY:
        return local(now, zone_of(zone)).date() - timedelta(days=0 if match["today"] else 1)
    if match.re is DATE_EITHER:  # 4/21/1991: only a number above 12 tells the day from the month
        first, second, year = int(match["a"]), int(match["b"]), int(match["y"])
        if first <= 12 and second <= 12 and first != second:
            return None
        month, day = (first, second) if first <= 12 else (second, first)
        return _day(year, month, day)
    if match.re is DATE_ZH and not match["y"]:
        today = local(now, zone_of(zone)).date()
        this_year = _day(today.year, int(match["m"]), int(match["d"]))
        if this_year is not None and this_year > today + timedelta(days=1):
            return _day(today.year - 1, int(match["m"]), int(match["d"]))
        return this_year
    return _day(int(match["y"]), int(match["m"]), int(match["d"]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time_of(match: re.Match[str]) -> time | None:
    hour, minute, half = int(match["h"] or match["zh_h"]), match["m"] or match["zh_m"], match["half"] or ""
    if match["zh_half"]:
        minute = "30"
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    elif match["part"] in ("下午", "晚上", "傍晚") and hour < 12:
        hour += 12
    return time(hour, int(minute or 0)) if hour < 24 and int(minute or 0) < 60 else None


def _amount(
    code: str, before: str, after: str, at: datetime, context: str, default_unit: str
) -> Entry | Refusal | None:
    """A glucose reading or an insulin dose from what is left around its name."""
    if before and after:
        if before.isdigit() and any(char.isdigit() for char in after):
            return Refusal("bad-date", before)  # a number in front of the name, where a date or a time belongs
        if VALUE.fullmatch(before) is None and VALUE.fullmatch(after) is None:
            return None
        return Refusal("unreadable-value") if any(c.isdigit() for c in before) else None
    said = after or before
    if not said.isascii():
        said = _digits(said)
    match = VALUE.fullmatch(said)
    if match is None:
        looks_like_a_value = any(char.isdigit() for char in said) and len(said.split()) <= 2
        return Refusal("unreadable-value") if looks_like_a_value or not said else None
    if code == "glucose":
        return _glucose(match, at, context, default_unit)
    if match["limit"] or (match["unit"] and unit_spelled(match["unit"]) != "U"):
        return Refusal("unreadable-value", said)
    dose = float(match["number"])
    return Entry(code, dose, "U", "", at) if dose <= DOSE_HIGHEST else Refusal("out-of-range", said)


def _digits(said: str) -> str:
    """三点二 -> 3.2, where that is one number without doubt."""
    numbers = numbers_in(said)
    if numbers.doubt or len(numbers.found) != 1:
        return said
    found = numbers.found[0]
    number = f"{found.value:.10g}" + (".0" if found.decimal and found.value == int(found.value) else "")
    return f"{numbers.text[: found.start]}{number}{numbers.text[found.end :]}".strip()


def _glucose(match: re.Match[str], at: datetime, context: str, default_unit: str) -> Entry | Refusal:
    if match["limit"]:
        low = match["limit"] in ("lo", "low", "低", "偏低", "太低")
        return Entry("glucose", METER_LOW if low else METER_HIGH, "mg/dL", "<" if low else ">", at, context)
    number = match["number"]
    value = float(number)
    unit = unit_spelled(match["unit"]) if match["unit"] else ""
    if unit and unit not in ("mg/dL", "mmol/L"):
        return Refusal("unreadable-value", match[0])
    unit = unit or _bare_unit(value, "." in number, default_unit)
    in_mg = convert(value, unit, "mg/dL") or 0.0
    if in_mg > GLUCOSE_HIGHEST:
        return Refusal("out-of-range", f"{number} {unit}")
    if in_mg < METER_LOW:
        return Entry("glucose", METER_LOW, "mg/dL", "<", at, context)
    return Entry("glucose", value, unit, "", at, context)


def _bare_unit(value: float, decimal: bool, default_unit: str) -> str:
    """35 and more is mg/dL whatever the patient uses; a decimal below is mmol/L, as no meter shows mg/dL with one."""
    if value >= 35:
        return "mg/dL"
    return "mmol/L" if decimal else default_unit


def _event(code: str, before: str, after: str, at: datetime) -> Entry | Refusal | None:
    """An event has no value; zeros after it are placeholders. More words than that are for a person."""
    if before and (before.isdigit() and any(char.isdigit() for char in after)):
        return Refusal("bad-date", before)
    said = f"{before} {after}".strip()
    if said and not said.isdigit() and code != "special-event":
        return None
    return Entry(code, None, "", "", at)
