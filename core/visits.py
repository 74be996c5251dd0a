"""Visits: the list of the nurses, and the acts: ask for one, done, cancelled, taken back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.records import lists, practitioners
from care.records.visit_requests import VisitRequest, ended_visits, open_visits, visit_of, visits_of
from care.services import visits as acts
from core import blueprint
from core.request import runtime, session, staff, told, written

LATELY = timedelta(days=7)


@blueprint.get("/visits")
@may("clinician", "nurse")
def visits() -> str:
    """Who has to be seen, and how soon?"""
    now = runtime().now()
    asked = open_visits(session(), staff())
    ended = ended_visits(session(), staff(), now - LATELY)
    both = asked + ended
    who = {one for row in both for one in (row.requester_id, row.ended_by_id) if one}
    return render_template(
        "core/visits.html",
        asked=asked,
        ended=ended,
        regretted=[row.id for row in ended if acts.regrettable(row, staff(), now)],
        patients=lists.patients_by_id(session(), staff(), {row.patient_id for row in both}),
        names=practitioners.names(session(), who),
    )


@blueprint.app_template_global()
def asked_visits(patient_id: UUID) -> list[VisitRequest]:
    """The visits that are asked for and did not take place yet, for the page of the patient."""
    return [row for row in visits_of(session(), staff(), patient_id) if row.status == "active"]


@blueprint.post("/cases/<uuid:escalation_id>/visit")
@may("clinician", "nurse")
def ask_visit(escalation_id: UUID) -> Response:
    """Ask the nurses that this patient is seen."""
    try:
        priority, note = written("priority"), written("note", acts.LONGEST_NOTE * 2)
        acts.request_visit(session(), runtime(), staff(), escalation_id, priority, note)
        flash(_("The nurses are asked to arrange a visit. It is on their list."), "done")
    except (Conflict, Invalid) as wrong:
        session().rollback()
        flash(_("No visit was asked for: %(why)s.", why=told(wrong)), "warning")
    return redirect(url_for("core.case", escalation_id=escalation_id) + "#visit", 303)


@blueprint.post("/visits/<uuid:visit_id>/end")
@may("clinician", "nurse")
def end_visit(visit_id: UUID) -> Response:
    """The patient was seen, or it is not needed any more."""
    try:
        acts.end_visit(session(), runtime(), staff(), visit_id, written("how"))
        flash(_("It is noted. You can take it back for ten minutes."), "done")
    except Conflict as conflict:
        session().rollback()
        flash(_("Nothing was changed: %(why)s.", why=told(conflict)), "warning")
    return _back(visit_id)


@blueprint.post("/visits/<uuid:visit_id>/reopen")
@may("clinician", "nurse")
def reopen_visit(visit_id: UUID) -> Response:
    """Take the end of a visit back."""
    try:
        acts.reopen_visit(session(), runtime(), staff(), visit_id)
        flash(_("The visit is asked for again."), "done")
    except Conflict as conflict:
        session().rollback()
        flash(_("Nothing was changed: %(why)s.", why=told(conflict)), "warning")
    return _back(visit_id)


def _back(visit_id: UUID) -> Response:
    """To where the form stood: the case, or the list."""
    if request.form.get("from") == "case":
        row = visit_of(session(), staff(), visit_id)
        return redirect(url_for("core.case", escalation_id=row.escalation_id) + "#visit", 303)
    return redirect(url_for("core.visits"), 303)
