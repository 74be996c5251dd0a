"""From a FHIR R4 PlanDefinition document to a protocol, refusing what cannot be done as written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, get_args

from care.domain.civil import Fold, Gap, zone_of
from care.domain.plan.calendar import Calendar
from care.domain.plan.definition import COMPLETIONS, Action, CatchUp, Holiday, PlanDefinition
from care.domain.plan.elements import (
    Extensions,
    extension_code,
    extension_duration,
    extension_text,
    extensions,
    list_at,
    object_at,
    pinned,
    text_at,
    translated,
)
from care.domain.plan.timing import read_timing
from care.errors import Invalid

_OF_ACTION = ("remind-after", "expires-after", "completion", "gap", "fold", "catch-up", "spread", "calendar", "holiday")
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


def read_plan(document: Mapping[str, Any], calendars: Mapping[str, Calendar] | None = None) -> PlanDefinition:
    """A FHIR R4 PlanDefinition as a value. `calendars` are the calendars that its actions may name, by id.

    Raises Invalid(code, message, place=...) at the first thing that cannot be done as written: nothing that changes the
    meaning is skipped. `place` reads like 'action[1].timingTiming.repeat.period'.
    """
    if not isinstance(document, Mapping):
        raise Invalid("not-an-object", "a PlanDefinition is a JSON object", place="")
    if document.get("resourceType") != "PlanDefinition":
        raise Invalid("not-a-plan", "resourceType must be PlanDefinition", place="resourceType")
    own = extensions(document, "", ("rules", "bundle", "diary", "time-zone"))
    return PlanDefinition(
        url=text_at(document, "url", ""),
        version=text_at(document, "version", ""),
        title=translated(document, "title", ""),
        description=translated(document, "description", "", required=False),
        actions=_read_actions(document, calendars or {}),
        rules=tuple(extension_text(one, place) for one, place in own.get("rules", ())),
        bundle=next((extension_text(one, place) for one, place in own.get("bundle", ())), None),
        diary=next((pinned(one.get("valueCanonical"), place) for one, place in own.get("diary", ())), None),
        time_zone=_read_zone(own),
    )


def _read_zone(own: Extensions) -> str | None:
    for extension, place in own.get("time-zone", ()):
        name = text_at(extension, "valueCode", place)
        try:
            zone_of(name)
        except Invalid as refused:
            raise Invalid(refused.code, refused.message, place=f"{place}.valueCode") from None
        return name
    return None


def _read_actions(document: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> tuple[Action, ...]:
    entries = [object_at(entry, f"action[{number}]") for number, entry in enumerate(list_at(document, "action", ""))]
    actions: list[Action] = []
    for number, entry in enumerate(entries):
        place = f"action[{number}]"
        _refuse_unsupported(entry, place, [other.get("id") for other in entries])
        action = _read_action(entry, place, calendars)
        if any(action.id == other.id for other in actions):
            raise Invalid("duplicate-action", "two actions have the same id", place=f"{place}.id")
        actions.append(action)
    if not actions:
        raise Invalid("no-actions", "a protocol has at least one action", place="action")
    return tuple(actions)


def _refuse_unsupported(entry: Mapping[str, Any], place: str, known: Sequence[object]) -> None:
    """A relation to an action that isn't there is a slip, and is told as one; any other is not supported yet."""
    related = entry.get("relatedAction")
    for number, relation in enumerate(related if isinstance(related, list) else ()):
        if isinstance(relation, Mapping) and relation.get("actionId") not in known:
            at = f"{place}.relatedAction[{number}].actionId"
            raise Invalid("unknown-action", "no action of this plan has this id", place=at)
    for name in _UNSUPPORTED:
        if name in entry:
            raise Invalid("unsupported", f"{name} is not supported", place=f"{place}.{name}")


def _read_action(entry: Mapping[str, Any], place: str, calendars: Mapping[str, Calendar]) -> Action:
    own = extensions(entry, place, _OF_ACTION)
    expires = [extension_duration(one, at) for one, at in own.get("expires-after", ())] or [timedelta(days=1)]
    nudges = [extension_duration(one, at) for one, at in own.get("remind-after", ())]
    action = Action(
        id=text_at(entry, "id", place),
        title=translated(entry, "title", place),
        questionnaire=pinned(entry.get("definitionCanonical"), f"{place}.definitionCanonical"),
        remind_after=(timedelta(), *sorted(set(nudges))),
        expires_after=expires[0],
        completion=extension_code(own, "completion", "sameDay", COMPLETIONS),
        gap=extension_code(own, "gap", "next", get_args(Gap)),
        fold=extension_code(own, "fold", "first", get_args(Fold)),
        catch_up=extension_code(own, "catch-up", "skip", get_args(CatchUp)),
        spread=next((extension_duration(one, at) for one, at in own.get("spread", ())), timedelta()),
        calendar=_read_calendar(own, calendars),
        holiday=extension_code(own, "holiday", "skip", get_args(Holiday)),
        **read_timing(entry, place),
    )
    _check_windows(action, own, place)
    return action


def _read_calendar(own: Extensions, calendars: Mapping[str, Calendar]) -> Calendar | None:
    for extension, place in own.get("calendar", ()):
        name = text_at(extension, "valueCode", place)
        if name not in calendars:
            raise Invalid("unknown-calendar", "no calendar of this name is in the library", place=f"{place}.valueCode")
        return calendars[name]
    for _, place in own.get("holiday", ()):
        raise Invalid("unknown-calendar", "holiday needs a calendar", place=place)
    return None


def _check_windows(action: Action, own: Extensions, place: str) -> None:
    """Reminders come while the task can be answered, the spread counted in."""
    window = action.expires_after
    if action.completion == "sameDay":
        latest = datetime.combine(date.min, action.times[-1])
        window = min(window, datetime.combine(date.min + timedelta(days=1), time()) - latest)
    if action.spread >= window:
        at = own["spread"][0][1] if "spread" in own else place
        raise Invalid("spread-too-wide", "the spread is smaller than the time to answer", place=f"{at}.valueDuration")
    if action.remind_after[-1] + action.spread >= window:
        raise Invalid(
            "reminder-after-expiry", "a reminder comes after the task has expired", place=f"{place}.extension"
        )
