"""The patient's page: who it is, how they are doing, and what is next; the whole story a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.domain import trend
from care.domain.laboratory import KINDS
from care.domain.measure import Measure
from care.domain.questionnaire import in_language
from care.errors import Conflict
from care.records import communications, consents, definitions, lists, observations, overview, practitioners
from care.records import patients as people
from care.records.attachments import attachments_of
from care.records.care_plans import CarePlan
from care.records.communications import Communication
from care.records.consents import EVERY_CHANNEL, FOLLOW_UP, Consent
from care.records.definitions import Definition
from care.records.patients import ContactPoint, Patient
from care.records.related_persons import proxies
from care.records.takeovers import take_over_of
from care.services import content, enrolment, patients, signin, takeovers
from dashboard import blueprint
from dashboard.request import day, language, runtime, session, staff, told, written
from dashboard.story import SHOWS, asked, tell
from dashboard.trends import about, own_numbers

DAYS = 30
CHARTS = 4
TALK = 30
"""Messages beside the page; the rest has a page of its own."""


@dataclass(frozen=True)
class Running:
    """A plan with its protocol, which day of it is today, and how many it has (None: no end)."""

    plan: CarePlan
    protocol: Definition
    day: int
    length: int | None


@blueprint.get("/patients/<uuid:patient_id>")
@may("nurse", "clinician")
def patient(patient_id: UUID) -> str:
    """How is this person doing, and what is next? Opening it is audited."""
    asked()
    return render_template("patient.html", **page(patients.open_patient(session(), runtime(), staff(), patient_id)))


@blueprint.get("/patients/<uuid:patient_id>/timeline")
@may("nurse", "clinician")
def patient_timeline(patient_id: UUID) -> str:
    """The story from a place on, a hundred events a page. Opening it is opening the patient, and audited as such."""
    show, place = asked()
    found = patients.open_patient(session(), runtime(), staff(), patient_id)
    story = tell(session(), found.id, show, place)
    names = practitioners.names(session(), story.staff())
    return render_template("timeline.html", patient=found, story=story, shows=SHOWS, names=names)


@blueprint.app_template_filter("action_said")
def action_said(protocol: Definition, action_id: str) -> str:
    """What an action of a protocol is called, in the reader's language; its id made readable where it has no title."""
    action = content.plan(session(), protocol.canonical).action(action_id)
    title = in_language(action.title, language()) if action and action.title else ""
    return title or action_id.replace("-", " ").capitalize()


def page(patient: Patient) -> dict[str, Any]:
    """Everything the patient's page shows."""
    now, db = runtime().now(), session()
    zone = ZoneInfo(patient.time_zone)
    contacts = people.contact_points(db, patient.id)
    decisions = consents.ledger(db, patient.id)
    messages = communications.thread(db, patient.id, TALK)
    alerts = overview.open_alerts(db, staff(), patient.id)
    taken = take_over_of(db, patient.id)
    story = tell(db, patient.id, *asked())
    who = {a.owner_id for a in alerts if a.owner_id} | {m.practitioner_id for m in messages if m.practitioner_id}
    who |= story.staff() | ({taken.practitioner_id} if taken else set())
    return {
        "patient": patient,
        "contacts": contacts,
        "agreed": _agreed(decisions, contacts),
        "decisions": _newest(decisions),
        "proxies": proxies(db, patient.id),
        "open_alerts": alerts,
        "taken": taken,
        "hours": takeovers.HOURS,
        "names": practitioners.names(db, who),
        "story": story,
        "shows": SHOWS,
        "once": uuid4(),
        "note_once": uuid4(),
        "local_now": now.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        **_plans(patient, now, now.astimezone(zone).date()),
        **_trends(patient, now),
        **_talk(messages),
    }


def _plans(patient: Patient, now: datetime, today: date) -> dict[str, Any]:
    """The plans, and what of them is next and was last."""
    db = session()
    plans = [Running(plan, known, *_day(plan, known, today)) for plan, known in lists.plans_of(db, patient.id)]
    return {
        "plans": plans,
        "running": [one for one in plans if one.plan.status in ("active", "on-hold")],
        "next_tasks": overview.next_tasks(db, patient.id, now),
        "recent_tasks": overview.recent_tasks(db, patient.id, now),
        "protocols": definitions.published(db, "PlanDefinition"),
        "today": today,
    }


def _trends(patient: Patient, now: datetime) -> dict[str, Any]:
    """The charts of the last days, what stands beside them, and what is not measured any more."""
    db, since = session(), now - timedelta(days=DAYS)
    measured: list[Measure] = [one.measure() for one in observations.series(db, patient.id, since, now)]
    charts = trend.charts(measured, patient.glucose_unit)
    own = own_numbers(db, patient.id, now)
    known = {measure.code for measure in measured}
    silent = [(code, at) for code, at in overview.measured_before(db, patient.id, since, known) if _charted(code)]
    return {
        "charts": charts[:CHARTS],
        "others": charts[CHARTS:],
        "beside": about(charts, own, now),
        "own": own,
        "silent": silent,
        "days": DAYS,
        "kinds": KINDS,
    }


def _charted(code: str) -> bool:
    return not code.startswith(trend.EVENTS) and code not in trend.PARTS


def _talk(messages: Sequence[Communication]) -> dict[str, Any]:
    """The words of these messages and what came with them."""
    ids = [message.id for message in messages]
    return {
        "messages": messages,
        "contents": communications.contents(session(), ids),
        "media": attachments_of(session(), ids) if ids else {},
    }


def _agreed(ledger: Sequence[Consent], contacts: Sequence[ContactPoint]) -> Mapping[str, bool | None]:
    """For each channel what was decided last, for it or for all of them; None where nothing was."""
    asked_for = [decision for decision in ledger if decision.purpose == FOLLOW_UP]
    newest = {
        name: next((c for c in asked_for if c.channel in (name, EVERY_CHANNEL)), None)
        for name in {contact.channel for contact in contacts}
    }
    return {name: decision.granted if decision else None for name, decision in newest.items()}


def _newest(ledger: Sequence[Consent]) -> list[tuple[Consent, bool]]:
    """The decisions, each with whether it still counts: the newest of its purpose and channel does."""
    seen: set[tuple[str, str]] = set()
    found = []
    for decision in ledger:
        key = (decision.purpose, decision.channel)
        later = key in seen or (decision.purpose, EVERY_CHANNEL) in seen
        found.append((decision, not later))
        seen.add(key)
    return found


def _day(plan: CarePlan, known: Definition, today: date) -> tuple[int, int | None]:
    """Which day of the plan it is today, and how many it has (None: no end)."""
    last_days = [action.last_day for action in content.plan(session(), known.canonical).actions]
    length = None if not last_days or None in last_days else max(d for d in last_days if d is not None) + 1
    return (today - plan.starts_on).days + 1, length


@blueprint.post("/patients/<uuid:patient_id>/code")
@may("nurse", "clinician")
def code(patient_id: UUID) -> Response:
    """A one-time code for the patient's app, to read out. Shown once, kept nowhere."""
    issued = signin.issue_code(session(), runtime(), staff(), patient_id)
    patient = people.patient_of(session(), staff(), patient_id)
    response = make_response(render_template("code.html", patient=patient, code=issued))
    response.cache_control.no_store = True
    return response


@blueprint.post("/patients/<uuid:patient_id>/plans")
@may("nurse", "clinician")
def start_plan(patient_id: UUID) -> Response:
    """Put the patient on a protocol from a day."""
    canonical, starts_on = written("protocol", 500), day("starts_on")
    try:
        enrolment.start_plan(session(), runtime(), staff(), patient_id, canonical, starts_on)
        flash(_("The plan has started. The first week's tasks are written."), "done")
    except Conflict as conflict:
        flash(_("The plan was not started: %(why)s.", why=told(conflict.message)), "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id))
