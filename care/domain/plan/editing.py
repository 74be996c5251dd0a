"""Editing: a protocol's document with its actions as a form has them. What no form shows stays as it was. Pure.

Nothing is judged here but what cannot be written down at all: the document is read by `read_plan` like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

from care.domain.plan.calendar import WEEKDAYS
from care.domain.plan.definition import Action
from care.domain.plan.elements import EXTENSIONS, TRANSLATION
from care.errors import Invalid

UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "wk": timedelta(weeks=1)}
_DURATION = re.compile(r"(\d{1,5})\s*(min|h|d|wk)")
_TIME = re.compile(r"([01]?\d|2[0-3])[:.：]([0-5]\d)(?::([0-5]\d))?")
_SPLIT = re.compile(r"[\s,;、，；]+")
_SLUG = re.compile(r"[^a-z0-9]+")
_SHOWN = ("remind-after", "expires-after", "completion", "catch-up", "spread", "calendar", "holiday")
_UCUM = "http://unitsofmeasure.org"
_LONGEST_PERIOD = 366
_FIELDS = (
    ("timeOfDay", "times"),
    ("dayOfWeek", "weekdays"),
    ("period", "every"),
    ("frequency", "times"),
    ("bounds", "last_day"),
    ("definitionCanonical", "questionnaire"),
    ("title", "title"),
    ("timingTiming", "times"),
    ("extension", "expires"),
)


@dataclass(frozen=True, slots=True)
class ActionForm:
    """One action as it is typed. `titles` by language; days count from 1, the start day; `last_day` "" has no end.

    `nudges` and `times` are lists in words ("3 h, 6 h"; "08:00, 18:00"); `holiday` is "" or "calendar:what".
    """

    id: str
    titles: Mapping[str, str]
    questionnaire: str
    times: str
    every: str = "1"
    weekdays: tuple[str, ...] = ()
    first_day: str = "1"
    last_day: str = ""
    nudges: str = ""
    expires: str = "1 d"
    completion: str = "sameDay"
    catch_up: str = "skip"
    spread: str = ""
    holiday: str = ""


def form_of(action: Action) -> ActionForm:
    """An action of a protocol as the form shows it."""
    return ActionForm(
        id=action.id,
        titles=dict(action.title),
        questionnaire=action.questionnaire,
        times=", ".join(clock(at) for at in action.times),
        every=str(action.every_days),
        weekdays=tuple(WEEKDAYS[day] for day in action.weekdays),
        first_day=str(action.first_day + 1),
        last_day="" if action.last_day is None else str(action.last_day + 1),
        nudges=", ".join(length(one) for one in action.remind_after[1:]),
        expires=length(action.expires_after),
        completion=action.completion,
        catch_up=action.catch_up,
        spread=length(action.spread) if action.spread else "",
        holiday=f"{action.calendar.id}:{action.holiday}" if action.calendar else "",
    )


def edited(document: Mapping[str, Any], forms: Sequence[ActionForm]) -> dict[str, Any]:
    """The document with these actions, in this order. Raises Invalid, `place` the number of the form and its field:
    "0-times".
    """
    known = {str(entry.get("id")): entry for entry in document.get("action", ())}
    taken = {form.id for form in forms if form.id}
    made = []
    for number, form in enumerate(forms):
        name = form.id or _named(form.titles.get("en", ""), taken)
        taken.add(name)
        made.append(_entry(deepcopy(dict(known.get(name, {}))), name, form, number))
    return {**deepcopy(dict(document)), "action": made}


def place_of(place: object) -> str:
    """The form's field that a place of `read_plan` is about: 'action[1].timingTiming…' is "1-times"; "" for none."""
    found = re.match(r"action\[(\d+)\]\.?_?(.*)", str(place or ""))
    if found is None:
        return ""
    rest = found[2]
    field = next((name for part, name in _FIELDS if part in rest.rsplit(".", 1)[-1]), None)
    return f"{found[1]}-{field or next((name for part, name in _FIELDS if part in rest), 'title')}"


def length(of: timedelta) -> str:
    """A length of time in its largest whole unit: '3 h'."""
    unit = next(name for name in ("wk", "d", "h", "min") if of % UNITS[name] == timedelta() and of >= UNITS[name])
    return f"{of // UNITS[unit]} {unit}"


def clock(at: time) -> str:
    """A time of day as people write it."""
    return at.isoformat("seconds" if at.second else "minutes")


def _entry(entry: dict[str, Any], name: str, form: ActionForm, number: int) -> dict[str, Any]:
    extensions = [one for one in entry.get("extension", ()) if not _is_shown(one)]
    extensions += [_duration("remind-after", one) for one in _lengths(form.nudges, f"{number}-nudges")]
    extensions += [_duration("expires-after", one) for one in _lengths(form.expires, f"{number}-expires")[:1]]
    extensions += [_duration("spread", one) for one in _lengths(form.spread, f"{number}-spread")[:1]]
    extensions += [_code("completion", form.completion), _code("catch-up", form.catch_up)]
    if form.holiday:
        calendar, _, holiday = form.holiday.partition(":")
        extensions += [_code("calendar", calendar), _code("holiday", holiday)]
    entry["id"], entry["extension"] = name, extensions
    entry["title"] = form.titles.get("en", "").strip()
    _translate(entry, form.titles)
    entry["definitionCanonical"] = form.questionnaire
    entry["timingTiming"] = {**entry.get("timingTiming", {}), "repeat": _repeat(form, number)}
    return entry


def _is_shown(extension: Mapping[str, Any]) -> bool:
    return str(extension.get("url", "")).removeprefix(EXTENSIONS) in _SHOWN


def _translate(entry: dict[str, Any], titles: Mapping[str, str]) -> None:
    beside = dict(entry.pop("_title", {}))
    kept = [one for one in beside.get("extension", ()) if one.get("url") != TRANSLATION]
    kept += [
        {
            "url": TRANSLATION,
            "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": words.strip()}],
        }
        for language, words in titles.items()
        if language != "en" and words.strip()
    ]
    if kept or beside:
        entry["_title"] = {**beside, "extension": kept}


def _repeat(form: ActionForm, number: int) -> dict[str, Any]:
    times = [_time(one, f"{number}-times") for one in _parts(form.times)]
    every = _whole(form.every or "1", f"{number}-every", 1, _LONGEST_PERIOD * 7)
    first = _whole(form.first_day or "1", f"{number}-first_day", 1, 3660) - 1
    last = _whole(form.last_day, f"{number}-last_day", 1, 3660) - 1 if form.last_day.strip() else None
    if form.weekdays and every not in (1, 7):
        raise Invalid("both", "choose days of the week, or every so many days", place=f"{number}-every")
    if last is not None and last < first:
        raise Invalid("ends-before-start", "the last day is before the first", place=f"{number}-last_day")
    repeat: dict[str, Any] = {"frequency": len(times) * max(1, len(form.weekdays))}
    if form.weekdays:
        repeat |= {"period": 1, "periodUnit": "wk", "dayOfWeek": list(form.weekdays)}
    elif every > _LONGEST_PERIOD and every % 7 == 0:
        repeat |= {"period": every // 7, "periodUnit": "wk"}
    else:
        repeat |= {"period": every, "periodUnit": "d"}
    return repeat | {"timeOfDay": times} | _bounds(first, last)


def _bounds(first: int, last: int | None) -> dict[str, Any]:
    if first:
        high = {} if last is None else {"high": _days(last)}
        return {"boundsRange": {"low": _days(first), **high}}
    return {} if last is None else {"boundsDuration": _days(last + 1)}


def _days(count: int) -> dict[str, Any]:
    return {"value": count, "unit": "d", "system": _UCUM, "code": "d"}


def _parts(words: str) -> list[str]:
    return [part for part in _SPLIT.split(words.strip()) if part]


def _time(words: str, place: str) -> str:
    found = _TIME.fullmatch(words)
    if found is None:
        raise Invalid("bad-time", "write times like 08:00, 18:30", place=place)
    return f"{int(found[1]):02d}:{found[2]}:{found[3] or '00'}"


def _lengths(words: str, place: str) -> list[tuple[int, str]]:
    found = [(int(count), unit) for count, unit in _DURATION.findall(words)]
    if _DURATION.sub("", words).strip(" ,;、，；"):
        raise Invalid("bad-duration", "write lengths of time like 30 min, 3 h or 2 d", place=place)
    return found


def _whole(words: str, place: str, least: int, most: int) -> int:
    plain = words.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 6 and least <= int(plain) <= most):
        raise Invalid("bad-number", f"write a whole number from {least} to {most}", place=place)
    return int(plain)


def _duration(name: str, of: tuple[int, str]) -> dict[str, Any]:
    count, unit = of
    return {
        "url": EXTENSIONS + name,
        "valueDuration": {"value": count, "unit": unit, "system": _UCUM, "code": unit},
    }


def _code(name: str, value: str) -> dict[str, Any]:
    return {"url": EXTENSIONS + name, "valueCode": value}


def _named(title: str, taken: set[str]) -> str:
    """A new action's id, from its English title."""
    stem = _SLUG.sub("-", title.casefold()).strip("-")[:48] or "action"
    return next(name for name in (stem, *(f"{stem}-{count}" for count in range(2, 999))) if name not in taken)
