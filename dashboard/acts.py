"""What is done on the worklist: look at an alert, claim it, close it, and take back what was done too fast.

A page's script asks for JSON and stays where it is; a browser without one is sent back to the list.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from care.access import may
from care.domain.undo import WITHIN
from care.errors import CareError, Conflict, Invalid
from care.records.escalations import Escalation, escalation_of, links_of
from care.records.patients import patient_of
from care.services import escalations, undoing
from dashboard import blueprint
from dashboard.request import back, count, runtime, session, staff, told, written
from dashboard.worklist import whose, worklist

_LAST = "last-act"  # in the reader's own cookie: which alert, what was said, when


@blueprint.get("/escalations/<uuid:escalation_id>/open")
@may("nurse", "clinician")
def open_alert(escalation_id: UUID) -> Redirect:
    """Look at an alert: its clock stops, and its patient's page opens; the case, where nobody knows the patient."""
    row = escalations.look(session(), runtime(), staff(), escalation_id)
    if row.patient_id is None:
        return redirect(url_for("core.case", escalation_id=row.id))
    return redirect(url_for("dashboard.patient", patient_id=row.patient_id))


@blueprint.post("/escalations/<uuid:escalation_id>/accept")
@may("nurse", "clinician")
def accept(escalation_id: UUID) -> Response | Redirect | tuple[str, int]:
    """Take an alert. Who was slower is told who has it, above the list."""
    try:
        escalations.accept(session(), runtime(), staff(), escalation_id)
    except Conflict as conflict:
        session().rollback()
        said = _("You did not get it: %(why)s.", why=whose(conflict))
        return _refused(said, conflict.status) if _scripted() else (worklist(said), conflict.status)
    return _done(escalation_id, _("It is yours now. Nobody else is paged while you work on it."))


@blueprint.get("/escalations/<uuid:escalation_id>/close")
@may("nurse", "clinician")
def close(escalation_id: UUID) -> str:
    """What came of it?"""
    return _close_page(escalation_id, None)


@blueprint.post("/escalations/<uuid:escalation_id>/complete")
@may("nurse", "clinician")
def complete(escalation_id: UUID) -> Response | Redirect | tuple[str, int]:
    """Close an alert with what came of it. Whatever refuses it, the note that was typed stays."""
    try:
        outcome, note = written("outcome"), written("note", 4000)
        escalations.complete(session(), runtime(), staff(), escalation_id, outcome, note, count("joined"))
    except (Conflict, Invalid) as wrong:
        session().rollback()
        if _scripted():
            return _refused(_why(wrong), wrong.status)
        return _close_page(escalation_id, wrong), wrong.status
    return _done(escalation_id, _("Closed, with its outcome."))


@blueprint.post("/escalations/<uuid:escalation_id>/undo")
@may("nurse", "clinician")
def undo(escalation_id: UUID) -> Response | Redirect:
    """As if the last act had not been."""
    cookie.pop(_LAST, None)
    try:
        undoing.undo(session(), runtime(), staff(), escalation_id)
    except Conflict as conflict:
        session().rollback()
        said = _("It was not undone: %(why)s.", why=told(conflict))
        if _scripted():
            return _refused(said, conflict.status)
        flash(said, "warning")
        return redirect(back(url_for("dashboard.worklist")))
    said = _("Undone. It is as it was before.")
    if _scripted():
        return jsonify(said=said)
    flash(said, "done")
    return redirect(back(url_for("dashboard.worklist")))


@blueprint.app_template_global()
def joined_to(alert: Escalation) -> int:
    """How many reports and texts an alert holds as its page is drawn; a form that closes it says so."""
    return links_of(session(), alert.id)


@blueprint.app_template_global()
def undoable() -> dict[str, str] | None:
    """What the reader did last on an alert, while it can still be taken back: its id and the words for it."""
    last: dict[str, str] | None = cookie.get(_LAST)
    if last is None:
        return None
    if not 0 <= (runtime().now() - datetime.fromisoformat(last["at"])).total_seconds() <= WITHIN.total_seconds():
        cookie.pop(_LAST, None)
        return None
    return last


def _done(escalation_id: UUID, said: str) -> Response | Redirect:
    if _scripted():
        return jsonify(said=said, undo=url_for("dashboard.undo", escalation_id=escalation_id))
    cookie[_LAST] = {"id": str(escalation_id), "said": said, "at": runtime().now().isoformat()}
    target = back(url_for("dashboard.worklist"))
    if not target.startswith(url_for("dashboard.worklist")):  # which says it itself, with the way back
        flash(said, "done")
    return redirect(target)


def _refused(said: str, status: int) -> Response:
    return make_response(jsonify(said=said), status)


def _scripted() -> bool:
    """Whether the page's own script asks, which shows the answer where it is."""
    return request.accept_mimetypes.best == "application/json"


def _why(wrong: CareError) -> str:
    if isinstance(wrong, Conflict):
        return _("It was not closed: %(why)s.", why=whose(wrong))
    return _("Choose what came of it.") if wrong.detail.get("place") == "outcome" else told(wrong)


def _close_page(escalation_id: UUID, wrong: CareError | None) -> str:
    row = escalation_of(session(), staff(), escalation_id)
    given: dict[str, Any] = {
        "outcome": request.form.get("outcome", ""),
        "note": request.form.get("note", row.note or ""),
    }
    return render_template(
        "close.html",
        alert=row,
        patient=patient_of(session(), staff(), row.patient_id) if row.patient_id else None,
        given=given,
        back=back(request.args.get("back", "")),
        words=_why(wrong) if wrong else "",
        place=wrong.detail.get("place") if wrong else None,
    )
