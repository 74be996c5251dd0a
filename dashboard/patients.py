"""The patient's page, and what a nurse does there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.domain import trend
from care.domain.laboratory import KINDS
from care.errors import Conflict, Invalid
from care.records import communications, consents, definitions, lists, observations, practitioners, tasks
from care.records import patients as people
from care.records.attachments import attachments_of
from care.records.care_plans import CarePlan
from care.records.consents import FOLLOW_UP, Consent
from care.records.definitions import Definition
from care.records.patients import Patient
from care.records.timeline import timeline
from care.services import content, enrolment, escalations, patients, signin
from dashboard import blueprint
from dashboard.request import day, runtime, session, staff, written
from dashboard.story import story

DAYS = 30
CHARTS = 4


@blueprint.get("/patients/<uuid:patient_id>")
@may("nurse", "clinician")
def patient(patient_id: UUID) -> str:
    """How is this person doing, and what is next? Opening it is audited."""
    return render_template("patient.html", **page(patients.open_patient(session(), runtime(), staff(), patient_id)))


def page(patient: Patient) -> dict[str, Any]:
    """Everything the patient's page shows."""
    now, reader, db = runtime().now(), staff(), session()
    measured = observations.series(db, patient.id, now - timedelta(days=DAYS), now)
    messages = communications.thread(db, patient.id)
    alerts = lists.escalations_of(db, reader, patient.id)
    contacts = people.contact_points(db, patient.id)
    zone = ZoneInfo(patient.time_zone)
    today = now.astimezone(zone).date()
    midnight = datetime.combine(today, datetime.min.time(), zone)
    plans = lists.plans_of(db, patient.id)
    who = {a.owner_id for a in alerts if a.owner_id} | {m.practitioner_id for m in messages if m.practitioner_id}
    return {
        "patient": patient,
        "contacts": contacts,
        "consented": _agreed(consents.ledger(db, patient.id), {contact.channel for contact in contacts}),
        "plans": [(plan, known, _day(plan, known, today)) for plan, known in plans],
        "today_tasks": tasks.tasks_between(db, patient.id, midnight, midnight + timedelta(days=1)),
        "charts": trend.charts([o.measure() for o in measured], patient.glucose_unit)[:CHARTS],
        "open_alerts": [a for a in alerts if a.status != "completed"],
        "names": practitioners.names(db, who),
        "entries": story(timeline(db, patient.id), lists.missed_tasks(db, patient.id)),
        "messages": messages,
        "contents": communications.contents(db, [m.id for m in messages]),
        "media": attachments_of(db, [m.id for m in messages]),
        "protocols": definitions.published(db, "PlanDefinition"),
        "today": today,
        "days": DAYS,
        "kinds": KINDS,
        "once": uuid4(),
        "local_now": now.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
    }


def _agreed(ledger: list[Consent], channels: set[str]) -> set[str]:
    """The channels on which the newest decision, for the channel or for all of them, is a yes."""
    asked = [decision for decision in ledger if decision.purpose == FOLLOW_UP]
    newest = {name: next((c for c in asked if c.channel in (name, "*")), None) for name in channels}
    return {name for name, decision in newest.items() if decision and decision.granted}


def _day(plan: CarePlan, known: Definition, today: Any) -> tuple[int, int | None]:
    """Which day of the plan it is today, and how many it has (None: no end)."""
    last_days = [action.last_day for action in content.plan(session(), known.canonical).actions]
    length = None if not last_days or None in last_days else max(d for d in last_days if d is not None) + 1
    return (today - plan.starts_on).days + 1, length


@blueprint.post("/patients/<uuid:patient_id>/message")
@may("nurse", "clinician")
def preview_message(patient_id: UUID) -> str:
    """Show exactly what the patient will see before anything is sent."""
    words = written("text", 1600)
    patient = patients.open_patient(session(), runtime(), staff(), patient_id)
    if not words:
        raise Invalid("empty", "write something to send", place="text")
    contact = next((c for c in people.contact_points(session(), patient.id) if c.status == "active"), None)
    return render_template("message.html", patient=patient, words=words, contact=contact)


@blueprint.post("/patients/<uuid:patient_id>/message/send")
@may("nurse", "clinician")
def send_message(patient_id: UUID) -> Response:
    """Send what was shown."""
    escalations.message(session(), runtime(), staff(), patient_id, written("text", 1600))
    flash("The message is on its way.", "done")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#conversation")


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
        flash("The plan has started. The first week's tasks are written.", "done")
    except Conflict as conflict:
        flash(f"The plan was not started: {conflict.message}.", "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id))


@blueprint.post("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/stop")
@may("nurse", "clinician")
def stop_plan(patient_id: UUID, care_plan_id: UUID) -> Response:
    """End a plan; what was answered stays."""
    try:
        enrolment.stop_plan(session(), runtime(), staff(), care_plan_id)
        flash("The plan was stopped. No more reminders are sent for it.", "done")
    except Conflict as conflict:
        flash(f"The plan was not stopped: {conflict.message}.", "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id))
