"""From a FHIR R4 PlanDefinition document to a protocol, refusing what cannot be done as written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, get_args

from care.domain.civil import Fold, Gap
from care.domain.plan.definition import COMPLETIONS, Action, PlanDefinition
from care.errors import Invalid

EXTENSIONS = "https://care.invalid/fhir/StructureDefinition/"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS = {"d": 1, "wk": 7}
_DURATIONS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "wk": timedelta(weeks=1)}
_TOO_OFTEN = ("s", "min", "h")
_LONGEST = 3660  # days: ten years; a longer plan is a slip of the pen
# FHIR elements that would change what an action means; ignoring them would be doing something else than was written.
_UNSUPPORTED = (
    "action",
    "condition",
    "relatedAction",
    "timingDateTime",
    "timingDuration",
    "timingPeriod",
    "timingRange",
)


def read_plan(document: Mapping[str, Any]) -> PlanDefinition:
    """A FHIR R4 PlanDefinition as a value.

    Raises Invalid(code, message, place=...) at the first thing that cannot be done as written: nothing that changes the
    meaning is skipped. `place` reads like 'action[1].timingTiming.repeat.period'.
    """
    if not isinstance(document, Mapping):
        raise Invalid("not-an-object", "a PlanDefinition is a JSON object", place="")
    if document.get("resourceType") != "PlanDefinition":
        raise Invalid("not-a-plan", "resourceType must be PlanDefinition", place="resourceType")
    own = _extensions(document, "", ("rules", "bundle", "diary"))
    return PlanDefinition(
        url=_text(document, "url", ""),
        version=_text(document, "version", ""),
        title=_translated(document, "title", ""),
        description=_translated(document, "description", "", required=False),
        actions=_read_actions(document),
        rules=tuple(_extension_text(one, place) for one, place in own.get("rules", ())),
        bundle=next((_extension_text(one, place) for one, place in own.get("bundle", ())), None),
        diary=next((_pinned(one.get("valueCanonical"), place) for one, place in own.get("diary", ())), None),
    )


def _read_actions(document: Mapping[str, Any]) -> tuple[Action, ...]:
    actions: list[Action] = []
    for number, entry in enumerate(_list(document, "action", "")):
        place = f"action[{number}]"
        action = _read_action(_object(entry, place), place)
        if any(action.id == other.id for other in actions):
            raise Invalid("duplicate-action", "two actions have the same id", place=f"{place}.id")
        actions.append(action)
    if not actions:
        raise Invalid("no-actions", "a protocol has at least one action", place="action")
    return tuple(actions)


def _read_action(entry: Mapping[str, Any], place: str) -> Action:
    for name in _UNSUPPORTED:
        if name in entry:
            raise Invalid("unsupported", f"{name} is not supported", place=f"{place}.{name}")
    own = _extensions(entry, place, ("remind-after", "expires-after", "completion", "gap", "fold"))
    expires = [_extension_duration(one, at) for one, at in own.get("expires-after", ())] or [timedelta(days=1)]
    nudges = [_extension_duration(one, at) for one, at in own.get("remind-after", ())]
    remind_after = (timedelta(), *sorted(set(nudges)))
    if remind_after[-1] >= expires[0]:
        raise Invalid(
            "reminder-after-expiry", "a reminder comes after the task has expired", place=f"{place}.extension"
        )
    return Action(
        id=_text(entry, "id", place),
        title=_translated(entry, "title", place),
        questionnaire=_pinned(entry.get("definitionCanonical"), f"{place}.definitionCanonical"),
        remind_after=remind_after,
        expires_after=expires[0],
        completion=_extension_code(own, "completion", "sameDay", COMPLETIONS),
        gap=_extension_code(own, "gap", "next", get_args(Gap)),
        fold=_extension_code(own, "fold", "first", get_args(Fold)),
        **_read_timing(entry, place),
    )


def _read_timing(entry: Mapping[str, Any], place: str) -> dict[str, Any]:
    """times, every_days, weekdays, first_day and last_day of an action."""
    timing = _object(entry.get("timingTiming"), f"{place}.timingTiming")
    place = f"{place}.timingTiming.repeat"
    repeat = _object(timing.get("repeat"), place)
    unit = str(repeat.get("periodUnit"))
    if unit in _TOO_OFTEN:
        raise Invalid("recurs-too-often", "a task recurs daily or weekly, not more often", place=f"{place}.periodUnit")
    if unit not in _DAYS:
        raise Invalid("unsupported", "periodUnit must be d or wk", place=f"{place}.periodUnit")
    period = _whole(repeat.get("period", 1), f"{place}.period", 1, 366)
    times = _read_times(repeat.get("timeOfDay"), f"{place}.timeOfDay")
    weekdays = _read_weekdays(repeat.get("dayOfWeek", ()), f"{place}.dayOfWeek")
    if weekdays and (unit != "wk" or period != 1):
        raise Invalid("unsupported", "dayOfWeek goes with a period of one week", place=f"{place}.dayOfWeek")
    frequency = _whole(repeat.get("frequency", 1), f"{place}.frequency", 1, 7 * 24)
    if frequency != len(times) * max(1, len(weekdays)):
        raise Invalid("frequency-mismatch", "frequency is not the number of times named", place=f"{place}.frequency")
    first_day, last_day = _read_bounds(repeat, place)
    every_days = 1 if weekdays else period * _DAYS[unit]
    return {
        "times": times,
        "every_days": every_days,
        "weekdays": weekdays,
        "first_day": first_day,
        "last_day": last_day,
    }


def _read_times(value: object, place: str) -> tuple[time, ...]:
    if not isinstance(value, list) or not value:
        raise Invalid("missing-time", "timeOfDay names at least one time", place=place)
    times = set()
    for number, text in enumerate(value):
        try:
            at = time.fromisoformat(text)
        except (TypeError, ValueError):
            at = None
        if at is None or at.tzinfo is not None or at.microsecond or str(text).count(":") != 2:
            raise Invalid("bad-time", "a time is written like 08:00:00, without a zone", place=f"{place}[{number}]")
        times.add(at)
    if len(times) != len(value):
        raise Invalid("duplicate-time", "a time is named twice", place=place)
    return tuple(sorted(times))


def _read_weekdays(value: object, place: str) -> tuple[int, ...]:
    days = value if isinstance(value, list) else []
    if value not in ((), days) or any(day not in _WEEKDAYS for day in days) or len(set(days)) != len(days):
        raise Invalid("bad-weekday", "dayOfWeek names each of mon tue wed thu fri sat sun once at most", place=place)
    return tuple(sorted(_WEEKDAYS.index(day) for day in days))


def _read_bounds(repeat: Mapping[str, Any], place: str) -> tuple[int, int | None]:
    """First and last day. boundsDuration: so many days from the start; boundsRange: from day low to day high."""
    if "boundsPeriod" in repeat:
        raise Invalid("unsupported", "bounds are days from the start", place=f"{place}.boundsPeriod")
    if "boundsDuration" in repeat:
        days = _days(repeat["boundsDuration"], f"{place}.boundsDuration")
        if days < 1:
            raise Invalid("ends-before-start", "the action ends before it starts", place=f"{place}.boundsDuration")
        return 0, days - 1
    if "boundsRange" not in repeat:
        return 0, None
    place = f"{place}.boundsRange"
    bounds = _object(repeat["boundsRange"], place)
    low = _days(bounds["low"], f"{place}.low") if "low" in bounds else 0
    high = _days(bounds["high"], f"{place}.high") if "high" in bounds else None
    if low < 0 or (high is not None and high < low):
        raise Invalid("ends-before-start", "the action ends before it starts", place=place)
    return low, high


def _days(value: object, place: str) -> int:
    quantity = _object(value, place)
    unit = str(quantity.get("code", quantity.get("unit")))
    if unit not in _DAYS:
        raise Invalid("unsupported", "bounds are counted in d or wk", place=f"{place}.code")
    return _whole(quantity.get("value"), f"{place}.value", -_LONGEST, _LONGEST) * _DAYS[unit]


def _object(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid("not-an-object", "an object is missing here", place=place)
    return value


def _list(holder: Mapping[str, Any], name: str, place: str) -> list[Any]:
    value = holder.get(name, [])
    if not isinstance(value, list):
        raise Invalid("not-a-list", "a list belongs here", place=f"{place}.{name}".lstrip("."))
    return value


def _whole(value: object, place: str, least: int, most: int) -> int:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not least <= number <= most or number != int(number):
        raise Invalid("bad-number", f"a whole number from {least} to {most} is missing here", place=place)
    return int(number)


def _text(holder: Mapping[str, Any], name: str, place: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}".lstrip("."))
    return value


def _pinned(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid("missing-definition", "the questionnaire is missing", place=place)
    url, bar, version = value.partition("|")
    if not (url and bar and version):
        raise Invalid("unpinned-definition", "a questionnaire is named with its version: url|version", place=place)
    return value


def _translated(holder: Mapping[str, Any], name: str, place: str, required: bool = True) -> dict[str, str]:
    """A text in its languages: the element itself is English, FHIR's translation extension has the others."""
    if not required and name not in holder:
        return {}
    texts = {"en": _text(holder, name, place)}
    beside = holder.get(f"_{name}", {})
    at = f"{place}._{name}".lstrip(".")
    for extension in _list(_object(beside, at), "extension", at):
        if isinstance(extension, Mapping) and extension.get("url") == TRANSLATION:
            parts = {
                str(part.get("url")): part for part in _list(extension, "extension", at) if isinstance(part, Mapping)
            }
            language = parts.get("lang", {}).get("valueCode")
            content = parts.get("content", {}).get("valueString")
            if not isinstance(language, str) or not isinstance(content, str):
                raise Invalid("bad-translation", "a translation has lang and content", place=at)
            texts[language] = content
    return texts


Extensions = dict[str, list[tuple[Mapping[str, Any], str]]]


def _extensions(holder: Mapping[str, Any], place: str, known: tuple[str, ...]) -> Extensions:
    """Our own extensions of an element by short name, each with its place. One we do not know is refused."""
    found: Extensions = {}
    for number, extension in enumerate(_list(holder, "extension", place)):
        at = f"{place}.extension[{number}]".lstrip(".")
        url = _text(_object(extension, at), "url", at)
        if url.startswith(EXTENSIONS):
            name = url.removeprefix(EXTENSIONS)
            if name not in known:
                raise Invalid("unknown-extension", "this extension is not known here", place=at)
            found.setdefault(name, []).append((extension, at))
    return found


def _extension_text(extension: Mapping[str, Any], place: str) -> str:
    return _text(extension, "valueString", place)


def _extension_duration(extension: Mapping[str, Any], place: str) -> timedelta:
    place = f"{place}.valueDuration"
    duration = _object(extension.get("valueDuration"), place)
    unit = str(duration.get("code", duration.get("unit")))
    if unit not in _DURATIONS:
        raise Invalid("bad-duration", "a duration is counted in min, h, d or wk", place=f"{place}.code")
    return _whole(duration.get("value"), f"{place}.value", 1, 24 * 366) * _DURATIONS[unit]


def _extension_code(own: Extensions, name: str, default: str, allowed: tuple[str, ...]) -> Any:
    for extension, place in own.get(name, ()):
        code = extension.get("valueCode")
        if code not in allowed:
            raise Invalid(f"unknown-{name}", f"{name} is one of {', '.join(allowed)}", place=f"{place}.valueCode")
        return code
    return default
