"""How a difference between two versions of a protocol is said: what was, and what it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from care.domain.plan import Action, Change, PlanDefinition
from care.domain.plan.editing import UNITS, clock
from care.errors import NotFound
from care.records.definitions import definition
from dashboard.plan_preview import said_in
from dashboard.words import DAYS, LANGUAGES, listed, titled

FIELDS = {
    "title": _l("Title"),
    "description": _l("Description"),
    "questionnaire": _l("Questionnaire"),
    "times": _l("Times of day"),
    "every_days": _l("Every how many days"),
    "weekdays": _l("Days of the week"),
    "first_day": _l("First day of the plan"),
    "last_day": _l("Last day of the plan"),
    "remind_after": _l("Reminded again after"),
    "expires_after": _l("May be answered for"),
    "completion": _l("When it may be answered"),
    "gap": _l("Where the clocks skip its time"),
    "fold": _l("Where the clocks repeat its time"),
    "catch_up": _l("What was missed"),
    "spread": _l("Spread over"),
    "calendar": _l("Holidays of"),
    "holiday": _l("On a holiday"),
    "order": _l("Place in the order"),
    "rules": _l("Rules"),
    "bundle": _l("Model"),
    "diary": _l("Diary"),
    "time_zone": _l("Time zone"),
}
COMPLETIONS = {
    "sameDay": _l("on its own day"),
    "afterStart": _l("from its time on, also late"),
    "duringEvent": _l("from its time until it expires"),
    "anytime": _l("at any time, also before"),
}
CATCH_UPS = {
    "skip": _l("is not asked any more"),
    "once": _l("the newest is asked"),
    "all": _l("each is asked"),
}
HOLIDAYS = {"skip": _l("not asked"), "next-working-day": _l("asked on the next working day")}
CODES: Mapping[str, Mapping[str, Any]] = {
    "completion": COMPLETIONS,
    "catch_up": CATCH_UPS,
    "holiday": HOLIDAYS,
    "gap": {"next": _l("after the gap"), "skip": _l("not asked")},
    "fold": {"first": _l("the first of the two"), "second": _l("the second of the two")},
}


@dataclass(frozen=True, slots=True)
class Told:
    """One change in words. `kind` is added, removed or changed; `before` and `after` are "" where there is none."""

    kind: str
    what: str
    field: str
    before: str
    after: str


def told_changes(
    session: Session, before: PlanDefinition, after: PlanDefinition, found: tuple[Change, ...]
) -> list[Told]:
    """The changes as a reader is told them, the protocol's own first."""
    return [_told(session, one, before, after) for one in found]


def _told(session: Session, one: Change, before: PlanDefinition, after: PlanDefinition) -> Told:
    action = after.action(one.action) or before.action(one.action)
    what = said_in(action.title) if action else _("The protocol itself")
    if one.kind == "added":
        return Told("added", what, _("is asked from now on"), "", _summary(session, one.after))
    if one.kind == "removed":
        return Told("removed", what, _("is not asked any more"), _summary(session, one.before), "")
    said = (_value(session, one.field, one.before), _value(session, one.field, one.after))
    return Told("changed", what, str(FIELDS.get(one.field, one.field)), *said)


def _summary(session: Session, action: Action) -> str:
    parts = ("questionnaire", "times", "every_days", "weekdays", "first_day", "last_day", "expires_after", "completion")
    said = [(name, getattr(action, name)) for name in parts if getattr(action, name) not in ((), None)]
    return "; ".join(
        _("%(field)s: %(value)s", field=FIELDS[name], value=_value(session, name, at)) for name, at in said
    )


def _value(session: Session, name: str, value: Any) -> str:
    """A value of a protocol in words."""
    if name in ("first_day", "last_day"):
        return _("no end") if value is None else _("day %(day)s", day=value + 1)
    if name in CODES:
        return str(CODES[name].get(value, value))
    if name in ("questionnaire", "diary"):
        return _form_title(session, value) if value else _("none")
    if name == "times":
        return listed(clock(at) for at in value)
    if name == "weekdays":
        return listed(str(DAYS[day]) for day in value) or _("every day")
    if name == "remind_after":
        return listed(span_said(one) for one in value[1:]) or _("never again")
    if name in ("title", "description"):
        return " / ".join(f"{LANGUAGES.get(code, code)}: {words}" for code, words in value.items()) or _("none")
    if name == "calendar":
        return said_in(value.title) if value else _("none")
    if isinstance(value, timedelta):
        return span_said(value) if value else _("nothing")
    if isinstance(value, tuple):
        return listed(str(one) for one in value) or _("none")
    return _("none") if value is None else str(value)


def span_said(of: timedelta) -> str:
    """A length of time in words, in its largest whole unit."""
    unit = next(name for name in ("wk", "d", "h", "min") if of % UNITS[name] == timedelta())
    count = of // UNITS[unit]
    words = {
        "wk": _("%(count)s weeks", count=count),
        "d": _("%(count)s days", count=count),
        "h": _("%(count)s h", count=count),
        "min": _("%(count)s min", count=count),
    }
    return words[unit]


def _form_title(session: Session, canonical: str) -> str:
    try:
        found = definition(session, canonical)
    except NotFound:
        return canonical
    return _("%(title)s, version %(version)s", title=titled(found), version=found.version)
