"""Words: how values of the heart are said on a page. These filters serve the templates of every door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from care import library
from care.domain import trend
from care.domain.measure import Measure
from care.domain.plan import Action
from care.domain.questionnaire.units import label
from care.records.definitions import Definition, Version
from care.records.escalations import Escalation, EscalationLink
from care.records.organizations import CareTeam
from care.records.patients import Patient
from dashboard import blueprint
from dashboard.request import language, reader_zone, runtime, told

LANGUAGES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
SEVERITIES = {"stat": _l("Stat"), "asap": _l("ASAP"), "urgent": _l("Urgent"), "routine": _l("Routine")}
ROLES = {"nurse": _l("nurse"), "clinician": _l("clinician"), "admin": _l("administrator")}
OUTCOMES = {
    "phoned": _l("Phoned the patient"),
    "acted": _l("Acted on it"),
    "adjusted": _l("Adjusted the plan or treatment"),
    "sent-to-emergency": _l("Sent to emergency care"),
    "no-action-needed": _l("No action was needed"),
    "false-alarm": _l("False alarm"),
    "could-not-reach": _l("Could not reach the patient"),
}
CHANNELS = {
    "sms": _l("SMS"),
    "console": _l("Console (demonstration)"),
    "whatsapp": _l("WhatsApp"),
    "wechat": _l("WeChat"),
    "push": _l("App"),
}
DELIVERIES = {
    "queued": _l("waiting to be sent"),
    "sending": _l("being sent"),
    "sent": _l("sent, not confirmed yet"),
    "delivered": _l("delivered"),
    "sent-unconfirmed": _l("sent, never confirmed"),
    "failed": _l("not delivered"),
    "unknown": _l("not known whether it arrived"),
    "stopped": _l("not sent: the patient stopped messages"),
}
SOURCES = {
    "sms": _l("by SMS"),
    "console": _l("by text"),
    "text": _l("by text"),
    "app": _l("in the app"),
    "phone": _l("by telephone"),
    "staff": _l("by staff"),
    "integrator": _l("from another system"),
    "patient": _l("by the patient"),
}
DAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)
MISSED = {
    "expired": _l("no answer before it expired"),
    "stopped": _l("messages were stopped"),
    "no-consent": _l("no consent"),
    "missed": _l("never asked: its time had passed before it could be"),
}
CONTEXTS = {
    "before-breakfast": _l("before breakfast"),
    "after-breakfast": _l("after breakfast"),
    "before-lunch": _l("before lunch"),
    "after-lunch": _l("after lunch"),
    "before-supper": _l("before supper"),
    "after-supper": _l("after supper"),
    "before-snack": _l("before snack"),
}


@blueprint.app_context_processor
def _given() -> dict[str, Any]:
    """What every template may use."""
    return {
        "now": runtime().now(),
        "staff": g.get("staff"),
        "reader_zone": reader_zone(),
        "reader_language": language(),
        "LANGUAGES": LANGUAGES,
        "SEVERITIES": SEVERITIES,
        "ROLES": ROLES,
        "OUTCOMES": OUTCOMES,
        "CHANNELS": CHANNELS,
        "DELIVERIES": DELIVERIES,
        "SOURCES": SOURCES,
        "MISSED": MISSED,
    }


@blueprint.app_template_global()
def csrf() -> Markup:
    """The hidden field that every form carries."""
    if "csrf_field" not in g:
        g.csrf_field = Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())
    return cast(Markup, g.csrf_field)


@blueprint.app_template_global()
def chart_start(first: datetime, now: datetime, days: int) -> datetime:
    """Where a chart begins: shortly before the first reading, three days wide at least."""
    return max(min(first - timedelta(hours=12), now - timedelta(days=3)), now - timedelta(days=days))


@blueprint.app_template_filter("named")
def named(patient: Patient) -> Markup:
    """The patient's name, marked with the language that it is read in."""
    return Markup('<span lang="{}">{}</span>').format(patient.language, patient.name)


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
    return str(library.reason(language(), key, params))


@blueprint.app_template_filter("why")
def why(code: str | None) -> str:
    """What a provider said of a message that did not arrive, in the reader's language; "" where it said nothing."""
    return library.provider_reason(language(), code) if code and library.explains(code) else ""


@blueprint.app_template_filter("measure")
def measure(found: Measure, glucose_unit: str = "mg/dL") -> str:
    """One measured value in words: 'Glucose < 20 mg/dL, before supper'."""
    title = measured(found.code)
    value, unit = found.value, found.unit
    if value is None or found.code.startswith(("hypoglycaemia-symptom", "meal-", "exercise-", "special-event")):
        return title
    if found.code == trend.GLUCOSE and glucose_unit == "mmol/L":
        value, unit = round(value / trend.MGDL_PER_MMOLL, 1), "mmol/L"
    shown = unit if unit not in ("1", "{score}", "") else ""
    words = f"{title} {found.comparator} {value:g} {shown}".replace("  ", " ").strip()
    if not found.context:
        return words
    when = CONTEXTS.get(found.context) or found.context.replace("-", " ")
    return _("%(value)s, %(when)s", value=words, when=when)


@blueprint.app_template_filter("measured")
def measured(code: str) -> str:
    """What a measure is called, in the reader's language."""
    named = library.code_name(language(), code) if language() != "en" else None
    return named or told(trend.title(code))


@blueprint.app_template_global()
def spoken(found: list[Measure], glucose_unit: str = "mg/dL") -> str:
    """Several measured values in words; symptoms that are absent come last, together."""
    absent = [m for m in found if m.value == 0 and m.code.startswith(("symptom-", "swelling", "breathlessness"))]
    words = [measure(m, glucose_unit) for m in found if m not in absent]
    if absent:
        words.append(_("no %(symptoms)s", symptoms=listed(measured(m.code).lower() for m in absent)))
    return ("；" if language().startswith("zh") else "; ").join(words)


@blueprint.app_template_filter("listed")
def listed(names: Iterable[str]) -> str:
    """Several words in a row, as the reader's language joins them."""
    return ("、" if language().startswith("zh") else ", ").join(str(name) for name in names)


@blueprint.app_template_filter("titled")
def titled(definition: Definition | Version) -> str:
    """The title of a published definition, in the reader's language where its author gave one."""
    document = definition.document
    translated = (document.get("_title") or {}).get("extension") or ()
    for one in translated if language() != "en" else ():
        said = {part.get("url"): part.get("valueCode") or part.get("valueString") for part in one.get("extension", ())}
        if said.get("lang") == language() and said.get("content"):
            return str(said["content"])
    return str(document.get("title") or definition.url.rsplit("/", 1)[-1])


@blueprint.app_template_filter("unit")
def unit_said(code: str) -> str:
    """A unit as people write it."""
    return label(code, language())


@blueprint.app_template_filter("channel")
def channel(name: str) -> str:
    """A channel's name as people say it."""
    return str(CHANNELS.get(name, name))


@blueprint.app_template_filter("masked")
def masked(address: str | None) -> str:
    """An address with all but its last four characters covered."""
    return f"•••• {address[-4:]}" if address else _("unknown")


@blueprint.app_template_filter("asked_when")
def asked_when(action: Action) -> str:
    """When a protocol asks, in words: 'every day at 08:00, until day 84'."""
    times = listed(f"{at:%H:%M}" for at in action.times)
    if action.weekdays:
        said = _("on %(days)s at %(times)s", days=listed(str(DAYS[day]) for day in action.weekdays), times=times)
    elif action.every_days == 1:
        said = _("every day at %(times)s", times=times)
    else:
        said = _("every %(days)s days at %(times)s", days=action.every_days, times=times)
    if action.last_day is None:
        return said
    return _("%(often)s, until day %(day)s", often=said, day=action.last_day + 1)


@blueprint.app_template_global()
def channel_options(names: list[str]) -> list[tuple[str, str]]:
    """Channels for a select."""
    return [(name, channel(name)) for name in names]


@blueprint.app_template_global()
def team_options(teams: list[CareTeam]) -> list[tuple[str, str]]:
    """Care teams for a select, none first."""
    return [("", _("none")), *((str(team.id), team.name) for team in teams)]
