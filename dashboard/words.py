"""Words: how values of the heart are said on a page. These filters serve the templates of every door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from care import library
from care.domain import trend
from care.domain.measure import Measure
from care.domain.plan import Action
from care.domain.questionnaire.units import label
from care.records.definitions import Definition
from care.records.escalations import Escalation, EscalationLink
from care.records.organizations import CareTeam
from care.records.patients import Patient
from dashboard import blueprint
from dashboard.request import reader_zone, runtime

LANGUAGES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
SEVERITIES = {"stat": "Stat", "asap": "ASAP", "urgent": "Urgent", "routine": "Routine"}
OUTCOMES = {
    "phoned": "Phoned the patient",
    "acted": "Acted on it",
    "adjusted": "Adjusted the plan or treatment",
    "sent-to-emergency": "Sent to emergency care",
    "no-action-needed": "No action was needed",
    "false-alarm": "False alarm",
    "could-not-reach": "Could not reach the patient",
}
CHANNELS = {
    "sms": "SMS",
    "console": "Console (demonstration)",
    "whatsapp": "WhatsApp",
    "wechat": "WeChat",
    "push": "App",
}
DELIVERIES = {
    "queued": "waiting to be sent",
    "sending": "being sent",
    "sent": "sent, not confirmed yet",
    "delivered": "delivered",
    "sent-unconfirmed": "sent, never confirmed",
    "failed": "not delivered",
    "unknown": "not known whether it arrived",
    "stopped": "not sent: the patient stopped messages",
}
SOURCES = {
    "sms": "by SMS",
    "console": "by text",
    "text": "by text",
    "app": "in the app",
    "staff": "by staff",
    "integrator": "from another system",
    "patient": "by the patient",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MISSED = {
    "expired": "no answer before it expired",
    "stopped": "messages were stopped",
    "no-consent": "no consent",
    "missed": "never asked: its time had passed before it could be",
}


@blueprint.app_context_processor
def _given() -> dict[str, Any]:
    """What every template may use."""
    return {
        "now": runtime().now(),
        "staff": g.get("staff"),
        "reader_zone": reader_zone(),
        "LANGUAGES": LANGUAGES,
        "SEVERITIES": SEVERITIES,
        "OUTCOMES": OUTCOMES,
        "CHANNELS": CHANNELS,
        "DELIVERIES": DELIVERIES,
        "SOURCES": SOURCES,
        "MISSED": MISSED,
    }


def span(delta: timedelta) -> str:
    """A length of time in one unit: 'just now', '12 min', '3 h', '2 days'."""
    seconds = abs(delta.total_seconds())
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} days"


def exact(at: datetime, zone: ZoneInfo) -> str:
    """The exact moment on the wall of a zone: 'Mon 2 Mar 2026, 07:00 EST'."""
    here = at.astimezone(zone)
    return f"{here:%a} {here.day} {here:%b %Y, %H:%M %Z}"


@blueprint.app_template_global()
def csrf() -> Markup:
    """The hidden field that every form carries."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


@blueprint.app_template_global()
def chart_start(first: datetime, now: datetime, days: int) -> datetime:
    """Where a chart begins: shortly before the first reading, three days wide at least."""
    return max(min(first - timedelta(hours=12), now - timedelta(days=3)), now - timedelta(days=days))


@blueprint.app_template_filter("ago")
def ago(at: datetime | None, patient_zone: str = "") -> str | Markup:
    """How long ago, with the exact moment in the reader's zone (and the patient's, when given) as its title."""
    if at is None:
        return "unknown"
    title = exact(at, reader_zone())
    if patient_zone and patient_zone != reader_zone().key:
        title += f" · {exact(at, ZoneInfo(patient_zone))} where the patient is"
    now = runtime().now()
    words = span(now - at)
    words = words if words == "just now" else f"in {words}" if at > now else f"{words} ago"
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(at.isoformat(), title, words)


@blueprint.app_template_filter("waited")
def waited(at: datetime) -> Markup:
    """How long something has waited, without 'ago'."""
    words = span(runtime().now() - at)
    title = exact(at, reader_zone())
    return Markup('<time datetime="{}" title="{}" data-ago="bare">{}</time>').format(at.isoformat(), title, words)


@blueprint.app_template_filter("local")
def local(at: datetime, zone: str, form: str = "%a %d %b, %H:%M") -> Markup:
    """A moment on the patient's wall clock, with the reader's as its title."""
    words = at.astimezone(ZoneInfo(zone)).strftime(form)
    title = f"{exact(at, reader_zone())} here"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), title, words)


@blueprint.app_template_filter("age")
def age(patient: Patient) -> str:
    """The patient's age in whole years, where they live; '?' when the birth date is not known."""
    written = patient.identity.get("birth_date")
    if not written:
        return "?"
    born, today = date.fromisoformat(str(written)), runtime().now().astimezone(ZoneInfo(patient.time_zone)).date()
    return str(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


@blueprint.app_template_filter("reason")
def reason(about: Escalation | EscalationLink | Mapping[str, Any]) -> str:
    """The sentence that says why, in the reader's language."""
    key = about["reason"] if isinstance(about, Mapping) else about.reason
    params = about["params"] if isinstance(about, Mapping) else about.params
    return str(library.reason("en", key, params))


@blueprint.app_template_filter("why")
def why(code: str | None) -> str:
    """What a provider said of a message that did not arrive, in the reader's language; "" where it said nothing."""
    return library.provider_reason("en", code) if code and library.explains(code) else ""


@blueprint.app_template_filter("measure")
def measure(found: Measure, glucose_unit: str = "mg/dL") -> str:
    """One measured value in words: 'Glucose < 20 mg/dL, before supper'."""
    title = trend.title(found.code)
    value, unit = found.value, found.unit
    if value is None or found.code.startswith(("hypoglycaemia-symptom", "meal-", "exercise-", "special-event")):
        return title
    if found.code == trend.GLUCOSE and glucose_unit == "mmol/L":
        value, unit = round(value / trend.MGDL_PER_MMOLL, 1), "mmol/L"
    shown = unit if unit not in ("1", "{score}", "") else ""
    words = f"{title} {found.comparator} {value:g} {shown}".replace("  ", " ").strip()
    return f"{words}, {found.context.replace('-', ' ')}" if found.context else words


@blueprint.app_template_global()
def spoken(found: list[Measure], glucose_unit: str = "mg/dL") -> str:
    """Several measured values in words; symptoms that are absent come last, together."""
    absent = [m for m in found if m.value == 0 and m.code.startswith(("symptom-", "swelling", "breathlessness"))]
    words = [measure(m, glucose_unit) for m in found if m not in absent]
    if absent:
        words.append(f"no {', '.join(trend.title(m.code).lower() for m in absent)}")
    return "; ".join(words)


@blueprint.app_template_filter("titled")
def titled(definition: Definition) -> str:
    """The English title of a published definition."""
    return str(definition.document.get("title") or definition.url.rsplit("/", 1)[-1])


@blueprint.app_template_filter("unit")
def unit_said(code: str) -> str:
    """A unit as people write it."""
    return label(code, "en")


@blueprint.app_template_filter("channel")
def channel(name: str) -> str:
    """A channel's name as people say it."""
    return CHANNELS.get(name, name)


@blueprint.app_template_filter("masked")
def masked(address: str | None) -> str:
    """An address with all but its last four characters covered."""
    return f"•••• {address[-4:]}" if address else "unknown"


@blueprint.app_template_filter("asked_when")
def asked_when(action: Action) -> str:
    """When a protocol asks, in words: 'every day at 08:00, until day 84'."""
    days = ", ".join(DAYS[day] for day in action.weekdays)
    often = f"on {days}" if days else "every day" if action.every_days == 1 else f"every {action.every_days} days"
    times = " and ".join(f"{at:%H:%M}" for at in action.times)
    return f"{often} at {times}" + (f", until day {action.last_day + 1}" if action.last_day is not None else "")


@blueprint.app_template_global()
def channel_options(names: list[str]) -> list[tuple[str, str]]:
    """Channels for a select."""
    return [(name, channel(name)) for name in names]


@blueprint.app_template_global()
def team_options(teams: list[CareTeam]) -> list[tuple[str, str]]:
    """Care teams for a select, none first."""
    return [("", "none"), *((str(team.id), team.name) for team in teams)]
