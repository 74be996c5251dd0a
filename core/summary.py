"""The summary before a visit: who, why flagged, trends, last values, adherence, messages; unknown as unknown.

One value for both faces, the page and the PDF: every line is said once, in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import format_date, format_datetime, ngettext
from flask_babel import gettext as _

from care.domain import trend
from care.records import case_evidence, communications, lists, observations, tasks
from care.records.patients import Patient
from care.records.visit_requests import visits_of
from care.services import content
from care.services.thresholds import settable
from core.minis import Mini, mini
from core.request import language, reader_zone, runtime, session, staff

DAYS = 30
_MOMENTS = {"en": "d MMM y, HH:mm", "zh-Hans": "y年M月d日 HH:mm"}
CASES, CHARTS, VALUES, MESSAGES, OWN = 4, 4, 12, 3, 4


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on the page, line by line. `values` are (what and how much, when); `made` is by whom and when."""

    name: str
    facts: list[tuple[str, str]]
    why: list[str]
    charts: list[Mini]
    values: list[tuple[str, str]]
    adherence: list[str]
    messages: list[str]
    thresholds: list[str]
    medicines: str
    visits: list[str]
    made: str


def sheet(patient: Patient) -> Sheet:
    """The summary of a patient as it is now, for whoever is signed in."""
    now, zone = runtime().now(), ZoneInfo(patient.time_zone)
    since = now - timedelta(days=DAYS)
    measured = observations.series(session(), patient.id, since, now)
    charts = trend.charts([one.measure() for one in measured], patient.glucose_unit)[:CHARTS]
    return Sheet(
        patient.name,
        _facts(patient, now, zone),
        _why(patient, zone),
        [mini(one, _filter("measured", one.code), since, now) for one in charts],
        _values(patient, now, zone),
        _adherence(patient.id, since, now),
        _messages(patient.id, zone),
        _thresholds(patient.id),
        _("Unknown: Care does not record medicines."),
        _visits(patient.id, zone),
        _("Made %(when)s by %(who)s", when=_moment(now, reader_zone()), who=staff().name),
    )


def _facts(patient: Patient, now: datetime, zone: ZoneInfo) -> list[tuple[str, str]]:
    born = patient.identity.get("birth_date")
    birth = format_date(date.fromisoformat(str(born)), "medium") if born else _("unknown")
    found = [
        (_("Born"), _("%(date)s, age %(age)s", date=birth, age=_filter("age", patient)) if born else birth),
        (_("Record"), str(patient.identity.get("record_number") or _("unknown"))),
        (_("Time there"), f"{_moment(now, zone)} ({patient.time_zone})"),
    ]
    today = now.astimezone(zone).date()
    running = [(plan, known) for plan, known in lists.plans_of(session(), patient.id) if plan.status == "active"]
    for plan, known in running[:3]:
        ends = [action.last_day for action in content.plan(session(), known.canonical).actions]
        day, title = (today - plan.starts_on).days + 1, _told(_filter("titled", known))
        if day < 1:
            words = _("%(plan)s, starts %(date)s", plan=title, date=format_date(plan.starts_on, "medium"))
        elif not ends or None in ends:
            words = _("%(plan)s, day %(day)s", plan=title, day=day)
        else:
            last = max(end for end in ends if end is not None) + 1
            words = _("%(plan)s, day %(day)s of %(last)s", plan=title, day=day, last=last)
        found.append((_("Plan"), words))
    return found if running else [*found, (_("Plan"), _("none is running"))]


def _why(patient: Patient, zone: ZoneInfo) -> list[str]:
    rows = lists.escalations_of(session(), staff(), patient.id, CASES + 1)
    found = []
    for row in rows[:CASES]:
        about = {"reason": _filter("reason", row), "when": _moment(row.requested_at, zone)}
        if row.status == "completed":
            found.append(_("%(reason)s (%(when)s, closed)", **about))
        else:
            found.append(_("%(reason)s (%(when)s, open)", **about))
    more = len(rows) > CASES
    return found + ([_("… and earlier ones")] if more else []) or [_("Never flagged.")]


def _values(patient: Patient, now: datetime, zone: ZoneInfo) -> list[tuple[str, str]]:
    rows = case_evidence.last_values(session(), patient.id, now + timedelta(microseconds=1)).values()
    kept = [row for row in rows if row.code not in trend.PARTS and not row.code.startswith(trend.EVENTS)]
    newest = sorted(kept, key=lambda row: (row.at, row.code), reverse=True)
    found = [(_filter("measure", row.measure(), patient.glucose_unit), _moment(row.at, zone)) for row in newest]
    more = len(found) - VALUES
    rest = [(ngettext("… and %(num)s more", "… and %(num)s more", more), "")] if more > 0 else []
    return found[:VALUES] + rest or [(_("Unknown: nothing was ever measured."), "")]


def _adherence(patient_id: UUID, since: datetime, now: datetime) -> list[str]:
    asked = tasks.tasks_between(session(), patient_id, since, now)
    done = sum(one.status == "completed" for one in asked)
    missed = sum(one.status == "failed" for one in asked)
    if not asked:
        return [_("Unknown: nothing was asked in the last %(days)s days.", days=DAYS)]
    decided = done + missed
    said = [_("Answered %(done)s of %(asked)s in the last %(days)s days.", done=done, asked=len(asked), days=DAYS)]
    if decided:
        said.append(_("Missed: %(missed)s (%(percent)s %%).", missed=missed, percent=round(100 * missed / decided)))
    open_ = len(asked) - decided - sum(one.status == "cancelled" for one in asked)
    return said + ([_("Still open: %(count)s.", count=open_)] if open_ else [])


def _messages(patient_id: UUID, zone: ZoneInfo) -> list[str]:
    rows = case_evidence.waiting_texts(session(), patient_id, MESSAGES + 1)
    texts = communications.contents(session(), [row.id for row in rows])
    found = []
    for row in rows[:MESSAGES]:
        words = " ".join(str(texts[row.id].text).split()) if row.id in texts else _("the text is not kept any more")
        found.append(_("%(when)s: %(text)s", when=_moment(row.at, zone), text=words))
    return found + ([_("… and more, in the inbox")] if len(rows) > MESSAGES else []) or [_("None waits.")]


def _thresholds(patient_id: UUID) -> list[str]:
    own = [
        (one.rule, f"{one.own.value:g}", f"{one.reviewed:g}")
        for one in settable(session(), runtime(), staff(), patient_id)
        if one.own is not None and one.own.value is not None
    ]
    found = [
        _("%(rule)s: %(own)s instead of %(reviewed)s", rule=rule, own=value, reviewed=reviewed)
        for rule, value, reviewed in own[:OWN]
    ]
    more = len(own) - OWN
    rest = [ngettext("… and %(num)s more", "… and %(num)s more", more)] if more > 0 else []
    return found + rest or [_("As reviewed; none was set for this patient.")]


def _visits(patient_id: UUID, zone: ZoneInfo) -> list[str]:
    asked = [one for one in visits_of(session(), staff(), patient_id) if one.status == "active"]
    return [_("%(when)s: %(text)s", when=_moment(one.requested_at, zone), text=one.note) for one in asked[:2]]


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return str(format_datetime(at.astimezone(zone), _MOMENTS.get(language(), _MOMENTS["zh-Hans"]), rebase=False))


def _filter(name: str, *values: Any) -> str:
    """As the pages say it: by the filter that all doors share."""
    return str(current_app.jinja_env.filters[name](*values))


def _told(words: str) -> str:
    return _filter("told", words)
