"""The plan preview: what will this patient get, when? For a protocol alone, a draft, a patient and a running plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import current_app, render_template, request, url_for
from flask_babel import get_locale

from care.access import may
from care.domain.codes import LANGUAGES
from care.domain.plan import Action, Foreseen, PlanDefinition
from care.errors import Invalid, NotFound
from care.records import lists
from care.records.definitions import Definition
from care.records.protocol_drafts import protocol_draft_of
from care.services import content, foreseeing, patients, protocols
from care.services.addresses import known_country
from care.services.departures import QUIET
from care.services.entries import zone
from care.services.foreseeing import Preview, Prices, Reader
from dashboard import blueprint
from dashboard.enrol import COUNTRIES, ZONES, written_down
from dashboard.request import YEARS, language, reader_zone, runtime, session, staff

WEEKS = (1, 2, 4, 8, 12, 26)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a day: a reminder with the number of its words, or something asked that nobody is reminded of."""

    at: datetime
    action: Action
    number: int
    waited: bool
    saying: int | None


@dataclass(slots=True)
class Day:
    """A day of the calendar. `off`: a holiday on which the plan would have asked; `moved_to` where it goes."""

    day: date
    within: bool
    off: bool = False
    moved_to: date | None = None
    entries: list[Entry] = field(default_factory=list)


@blueprint.get("/protocols/<uuid:definition_id>/preview")
@may("nurse", "clinician", "admin")
def preview_protocol(definition_id: UUID) -> str:
    """For somebody made up: a language, a country, a channel."""
    known = protocols.protocol(session(), definition_id)
    here = url_for("dashboard.preview_protocol", definition_id=definition_id)
    return _made_up(content.plan(session(), known.id), here, definition=known)


@blueprint.get("/protocols/drafts/<uuid:draft_id>/preview")
@may("clinician", "admin")
def preview_draft(draft_id: UUID) -> str:
    """The same for a version that is still being written."""
    draft = protocol_draft_of(session(), staff(), draft_id)
    here = url_for("dashboard.preview_draft", draft_id=draft_id)
    return _made_up(protocols.plan_of(draft), here, draft=draft)


@blueprint.get("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/preview")
@may("nurse", "clinician")
def preview_plan(patient_id: UUID, care_plan_id: UUID) -> str:
    """What is still to come of a plan of this patient's. Opening it is audited."""
    patient = patients.open_patient(session(), runtime(), staff(), patient_id)
    plans = {plan.id: (plan, known) for plan, known in lists.plans_of(session(), patient.id)}
    if care_plan_id not in plans:
        raise NotFound("care-plan", "no such plan")
    plan, known = plans[care_plan_id]
    seen = foreseeing.of_plan(session(), runtime(), plan, patient, _weeks(4), prices())
    return _page(seen, patient=patient, plan=plan, definition=known, here=request.path, weeks=_weeks(4))


@blueprint.get("/patients/<uuid:patient_id>/preview")
@may("nurse", "clinician")
def preview_patient(patient_id: UUID) -> str:
    """What this patient would get, were they put on a protocol."""
    patient = patients.open_patient(session(), runtime(), staff(), patient_id)
    known, chosen, wrong = content.protocols(session()), None, None
    start = runtime().now().astimezone(ZoneInfo(patient.time_zone)).date()
    seen: Preview | None = None
    try:
        start = _day("starts_on", start)
        chosen = next(
            (one for one in known if str(one.id) == request.args.get("protocol")), known[0] if known else None
        )
        if chosen is not None:
            plan, reader = content.plan(session(), chosen.id), foreseeing.reader_of(session(), runtime(), patient)
            seen = foreseeing.before_start(session(), runtime(), plan, reader, start, _weeks(4), prices())
    except Invalid as fault:
        wrong = fault
    given = {"choices": known, "definition": chosen, "start": start, "here": request.path, "weeks": _weeks(4)}
    return _page(seen, patient=patient, wrong=wrong, **given)


def prices() -> Prices:
    """What a part of an SMS costs here, as far as anybody has said."""
    found: Mapping[str, Any] = current_app.extensions["care.settings"].care_sms_prices
    return found


def calendar(seen: Preview) -> list[list[Day]]:
    """Weeks from Monday to Sunday, in the patient's time."""
    own = ZoneInfo(seen.reader.time_zone)
    first, last = seen.since.astimezone(own).date(), (seen.until - timedelta(seconds=1)).astimezone(own).date()
    start = first - timedelta(days=first.weekday())
    days = {
        day: Day(day, first <= day <= last, day in seen.off, seen.off.get(day))
        for day in (start + timedelta(days=n) for n in range(((last - start).days // 7 + 1) * 7))
    }
    for one in seen.asked:
        for entry in _entries(seen, one):
            here = days.get(entry.at.astimezone(own).date())
            if here is not None:
                here.entries.append(entry)
    ordered = list(days.values())
    for day in ordered:
        day.entries.sort(key=lambda entry: entry.at)
    return [ordered[n : n + 7] for n in range(0, len(ordered), 7)]


def _entries(seen: Preview, one: Foreseen) -> list[Entry]:
    if not one.reminders:
        return [Entry(one.occurrence.due_at, one.action, 0, False, None)]
    return [Entry(r.at, one.action, r.number, r.waited, seen.saying(one, r.number)) for r in one.reminders]


def _made_up(plan: PlanDefinition, here: str, **known: Any) -> str:
    wrong, seen = None, None
    now = runtime().now()
    start = now.astimezone(reader_zone()).date() + timedelta(days=1)
    try:
        start = _day("starts_on", start)
        seen = foreseeing.before_start(session(), runtime(), plan, _reader(), start, _weeks(2), prices())
    except Invalid as fault:
        wrong = fault
    return _page(seen, wrong=wrong, start=start, here=here, weeks=_weeks(2), values=_asked(), **known)


def _reader() -> Reader:
    asked = _asked()
    if asked["language"] not in LANGUAGES:
        raise Invalid("unknown-value", "choose a language", place="language")
    if asked["channel"] not in written_down():
        raise Invalid("unknown-value", "choose a channel", place="channel")
    return Reader(asked["language"], zone(asked["zone"]), known_country(asked["country"]), (asked["channel"],))


def _asked() -> dict[str, str]:
    defaults = {"language": language(), "zone": reader_zone().key, "country": "US", "channel": written_down()[0]}
    country = current_app.extensions["care.settings"].default_country
    return {name: request.args.get(name, value) for name, value in (defaults | {"country": country}).items()}


def _weeks(otherwise: int) -> int:
    found = request.args.get("weeks", "")
    return int(found) if found in map(str, WEEKS) else otherwise


def _day(name: str, otherwise: date) -> date:
    words = request.args.get(name, "")
    try:
        found = date.fromisoformat(words) if words else otherwise
    except ValueError:
        raise Invalid("date", "write the date as year-month-day, for example 2026-03-31", place=name) from None
    if found.year not in YEARS:
        raise Invalid("date", "this year is not within reach", place=name)
    return found


def _page(seen: Preview | None, **known: Any) -> str:
    definition: Definition | None = known.get("definition")
    return render_template(
        "plan_preview.html",
        **{
            "definition": definition,
            "patient": None,
            "plan": None,
            "draft": None,
            "choices": [],
            "wrong": None,
            "values": {},
            "start": None,
            **known,
        },
        seen=seen,
        weeks_known=WEEKS,
        months=calendar(seen) if seen else [],
        countries=COUNTRIES,
        zones=sorted({*ZONES, reader_zone().key}),
        channels=written_down(),
        quiet=QUIET,
    )


@blueprint.app_template_filter("weekday_date")
def weekday_date(day: date) -> str:
    """A day with its weekday, as the reader's language has them: 'Mon, Mar 2', '3月2日周一'."""
    return str(format_skeleton("MMMEd", day, locale=get_locale()))


@blueprint.app_template_filter("said_in")
def said_in(words: Mapping[str, str]) -> str:
    """A text of a protocol in the reader's language, English where it has no other."""
    return words.get(language()) or words.get("en", "")
