"""The clinicians' pages: flagged cases, and one case with its evidence and its actions."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Response as Answer
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import Outcome
from care.errors import CareError, Conflict, Invalid
from care.records import lists, practitioners, worklist
from care.records.cases import read_place, unsigned, unsigned_count, write_place
from care.records.escalations import Escalation
from care.services import escalations as acts
from care.services import undoing
from core import blueprint
from core.case import page, undoable
from core.request import count, for_machines, runtime, session, staff, told, written

ROWS = 50
WAITING = 10
NOTE = 4000


@blueprint.get("/")
@may("clinician", "nurse")
def cases() -> str:
    """The team's open cases in the order of the worklist; apart, what waits to be signed off; what was closed last."""
    show = request.args.get("show", "all")
    show = show if show in worklist.SHOWS else "all"
    after = read_place(request.args["after"]) if request.args.get("after") else None
    found = worklist.open_escalations(session(), staff(), show, ROWS + 1, after)
    waiting = unsigned(session(), staff(), WAITING)
    closed = lists.closed_escalations(session(), staff())
    return render_template(
        "core/cases.html",
        cases=found[:ROWS],
        next=write_place(worklist.place_of(found[ROWS - 1])) if len(found) > ROWS else None,
        after=after,
        show=show,
        waiting=waiting,
        waiting_count=unsigned_count(session(), staff()),
        closed=closed,
        counts=worklist.counts(session(), staff()),
        undoable_cases=undoable(closed[:3]),
        links=worklist.link_counts(session(), {one.id for one in found}),
        **_people([*found, *waiting, *closed]),
    )


def _people(rows: list[Escalation]) -> dict[str, Any]:
    who = {one for row in rows for one in (row.owner_id, row.offered_to_id, row.signed_off_by_id) if one}
    return {
        "patients": lists.patients_by_id(session(), staff(), {row.patient_id for row in rows if row.patient_id}),
        "owners": practitioners.names(session(), who),
    }


@blueprint.get("/cases/<uuid:escalation_id>")
@may("clinician", "nurse")
def case(escalation_id: UUID) -> str:
    """Is this real, what would I do? Opening a case is opening its patient, and audited as such."""
    row = acts.look(session(), runtime(), staff(), escalation_id)
    return render_template("core/case.html", **page(row))


@blueprint.post("/cases/<uuid:escalation_id>/accept")
@may("clinician", "nurse")
def accept(escalation_id: UUID) -> Response:
    """Take the case. Who was slower is told who has it: a machine by the status, a person by a notice."""
    try:
        acts.accept(session(), runtime(), staff(), escalation_id)
        flash(_("The case is yours now. Nobody else is paged while you work on it."), "done")
    except Conflict as conflict:
        if for_machines():
            return _problem(conflict)
        session().rollback()
        flash(_("You did not get it: %(why)s.", why=whose(conflict)), "warning")
    return redirect(url_for("core.case", escalation_id=escalation_id))


def _problem(conflict: Conflict) -> Response:
    """RFC 9457, for who reads JSON."""
    body = {"type": "about:blank", "title": conflict.title, "status": conflict.status, "detail": conflict.message}
    body |= {"code": conflict.code} | dict(conflict.detail)
    return Answer(json.dumps(body, default=str), conflict.status, content_type="application/problem+json")


def whose(conflict: CareError) -> str:
    """A Conflict in words: by name, where somebody was faster."""
    name = conflict.detail.get("owner_name")
    if name and conflict.code == "already-accepted":
        return _("%(name)s has this one", name=name)
    if name and conflict.code == "signed-off":
        return _("%(name)s has signed it off", name=name)
    return told(conflict)


@blueprint.post("/cases/<uuid:escalation_id>/resolve")
@may("clinician", "nurse")
def resolve(escalation_id: UUID) -> Response | tuple[str, int]:
    """Close the case with what came of it: the label that the precision of alerts is measured with."""
    outcome, note = request.form.get("outcome", ""), written("note", NOTE)
    if outcome not in {o.value for o in Outcome}:
        raise Invalid("outcome", _("choose what came of it"), place="outcome")
    try:
        acts.complete(session(), runtime(), staff(), escalation_id, Outcome(outcome), note, count("joined"))
    except Conflict as conflict:
        session().rollback()
        flash(_("It was not closed: %(why)s.", why=whose(conflict)), "warning")
        row = acts.look(session(), runtime(), staff(), escalation_id)
        given = {"outcome": outcome, "note": note}  # what was typed stays in the form
        return render_template("core/case.html", **page(row), given=given), conflict.status
    flash(_("The case is closed, with its outcome. It waits for a clinician to sign it off."), "done")
    return redirect(url_for("core.cases"))


@blueprint.post("/cases/<uuid:escalation_id>/undo")
@may("clinician", "nurse")
def undo(escalation_id: UUID) -> Response:
    """As if the last act had not been, within ten seconds of it."""
    try:
        undoing.undo(session(), runtime(), staff(), escalation_id)
        flash(_("Undone. It is as it was before."), "done")
    except Conflict as conflict:
        session().rollback()
        flash(_("It was not undone: %(why)s.", why=told(conflict)), "warning")
    return redirect(url_for("core.case", escalation_id=escalation_id), 303)
