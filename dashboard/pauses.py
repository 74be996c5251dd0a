"""Pausing, resuming and stopping a plan: first what will happen, then the act."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid, NotFound
from care.records import tasks
from care.records.care_plans import CarePlan, care_plan_of
from care.records.definitions import Definition
from care.services import patients, pauses, plans
from dashboard import blueprint
from dashboard.request import day, runtime, session, staff, told, written

WHY = {
    "finished": _l("The follow-up is finished"),
    "patient-wish": _l("The patient wishes it"),
    "other-care": _l("Somebody else follows up now"),
    "too-ill": _l("The patient is too ill to answer"),
    "died": _l("The patient has died"),
    "mistake": _l("It was started by mistake"),
}


@blueprint.get("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/pause", defaults={"act": "pause"})
@blueprint.get("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/resume", defaults={"act": "resume"})
@blueprint.get("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/stop", defaults={"act": "stop"})
@may("nurse", "clinician")
def ask_plan(patient_id: UUID, care_plan_id: UUID, act: str) -> str:
    """What will happen with this plan."""
    return _asked(patient_id, care_plan_id, act)


@blueprint.post("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/pause")
@may("nurse", "clinician")
def pause_plan(patient_id: UUID, care_plan_id: UUID) -> Response | tuple[str, int]:
    """Let the plan rest until a day, or until somebody ends it."""
    _plan(patient_id, care_plan_id)
    try:
        until = day("until") if written("until") else None
        pauses.pause_plan(session(), runtime(), staff(), care_plan_id, until, written("reason", 4_000))
        flash(_("The plan rests. Nothing is asked until it goes on."), "done")
    except Invalid as fault:
        session().rollback()
        return _asked(patient_id, care_plan_id, "pause", fault), 422
    except Conflict as conflict:
        flash(_("The plan was not paused: %(why)s.", why=told(conflict.message)), "warning")
    return _back(patient_id)


@blueprint.post("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/resume")
@may("nurse", "clinician")
def resume_plan(patient_id: UUID, care_plan_id: UUID) -> Response:
    """End the pause now."""
    _plan(patient_id, care_plan_id)
    try:
        pauses.resume_plan(session(), runtime(), staff(), care_plan_id)
        flash(_("The plan goes on."), "done")
    except Conflict as conflict:
        flash(_("Nothing was changed: %(why)s.", why=told(conflict.message)), "warning")
    return _back(patient_id)


@blueprint.post("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/stop")
@may("nurse", "clinician")
def stop_plan(patient_id: UUID, care_plan_id: UUID) -> Response | tuple[str, int]:
    """End a plan; what was answered stays."""
    _plan(patient_id, care_plan_id)
    reason = written("reason", 60)
    if reason not in WHY:
        fault = Invalid("reason", "choose why the plan is stopped", place="reason")
        return _asked(patient_id, care_plan_id, "stop", fault), 422
    try:
        plans.stop_plan(session(), runtime(), staff(), care_plan_id, reason)
        flash(_("The plan was stopped. No more reminders are sent for it."), "done")
    except Conflict as conflict:
        flash(_("The plan was not stopped: %(why)s.", why=told(conflict.message)), "warning")
    return _back(patient_id)


def _asked(patient_id: UUID, care_plan_id: UUID, act: str, fault: Invalid | None = None) -> str:
    plan = _plan(patient_id, care_plan_id)
    found = patients.open_patient(session(), runtime(), staff(), patient_id)
    return render_template(
        "plan_act.html",
        patient=found,
        plan=plan,
        protocol=session().get_one(Definition, plan.definition_id),
        act=act,
        open=tasks.open_tasks(session(), patient_id, runtime().now()),
        why=WHY,
        typed={name: written(name, 4_000) for name in ("until", "reason")} if fault else {},
        place=str(fault.detail.get("place", "")) if fault else None,
        fault=told(fault.message) if fault else "",
    )


def _plan(patient_id: UUID, care_plan_id: UUID) -> CarePlan:
    """The plan, if it is this patient's and the patient is one of the team's. Raises NotFound."""
    plan = care_plan_of(session(), staff(), care_plan_id)
    if plan.patient_id != patient_id:
        raise NotFound("care-plan", "no such plan")
    return plan


def _back(patient_id: UUID) -> Response:
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#plan", 303)
