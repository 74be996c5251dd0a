"""The worklist: whom do I call next? And the two acts that start and end a nurse's work on an alert."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from care.access import may
from care.domain import trend
from care.domain.codes import Outcome, Role
from care.errors import Conflict, Invalid
from care.records import lists, practitioners
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.services import escalations
from dashboard import blueprint
from dashboard.request import back, runtime, session, staff, written

ROWS = 100
ABOUT = {"weight": trend.WEIGHT, "glucose": trend.GLUCOSE, "hypoglycaemia": trend.GLUCOSE}
HOMES = {Role.NURSE: "dashboard.worklist", Role.CLINICIAN: "core.cases", Role.ADMIN: "dashboard.admin"}


@dataclass(frozen=True)
class Row:
    """One line of the worklist. `asked` is the colleague it is offered to.

    `spark` is a small line of the values that the alert is about, '' when unknown.
    """

    escalation: Escalation
    patient: Patient | None
    owner: str | None
    asked: str | None
    reports: int
    spark: str
    spark_title: str


@blueprint.get("/")
@may("anyone")
def home() -> Redirect:
    """Each role has a first page."""
    from flask import g

    return redirect(url_for(HOMES[g.staff.role] if g.get("staff") else "dashboard.sign_in"))


@blueprint.get("/worklist")
@may("nurse", "clinician")
def worklist() -> str:
    """The page."""
    show = _show()
    found, counts = _found(show)
    return render_template("worklist.html", rows=_rows(found), counts=counts, show=show, tag=_tag(found, counts, show))


@blueprint.get("/worklist/rows")
@may("nurse", "clinician")
def worklist_rows() -> Response:
    """The list alone, for the open page to ask again; 304 when nothing changed, which costs two queries."""
    show = _show()
    found, counts = _found(show)
    tag = _tag(found, counts, show)
    if request.if_none_match.contains(tag):
        response = make_response("", 304)
    else:
        response = make_response(render_template("worklist_rows.html", rows=_rows(found), counts=counts, show=show))
    response.set_etag(tag)
    response.cache_control.no_cache = True
    response.cache_control.private = True
    return response


@blueprint.post("/escalations/<uuid:escalation_id>/accept")
@may("nurse", "clinician")
def accept(escalation_id: UUID) -> Redirect | tuple[str, int]:
    """Take an alert. Who was slower is told who has it, above the list."""
    try:
        escalations.accept(session(), runtime(), staff(), escalation_id)
    except Conflict as conflict:
        session().rollback()
        flash(f"You did not get it: {whose(conflict)}.", "warning")
        return worklist(), conflict.status
    flash("It is yours now. Nobody else is paged while you work on it.", "done")
    return redirect(back(url_for("dashboard.worklist")))


@blueprint.post("/escalations/<uuid:escalation_id>/complete")
@may("nurse", "clinician")
def complete(escalation_id: UUID) -> Redirect:
    """Close an alert with what came of it."""
    try:
        outcome = Outcome(written("outcome"))
    except ValueError:
        raise Invalid("outcome", "choose what came of it", place="outcome") from None
    try:
        escalations.complete(session(), runtime(), staff(), escalation_id, outcome, written("note", 4000))
        flash("Closed, with its outcome.", "done")
    except Conflict as conflict:
        flash(f"It was not closed: {whose(conflict)}.", "warning")
    return redirect(back(url_for("dashboard.worklist")))


def whose(conflict: Conflict) -> str:
    """A Conflict about an alert in words: by name, where somebody has it."""
    name = conflict.detail.get("owner_name")
    return f"{name} has this one" if name and conflict.code == "already-accepted" else conflict.message


def _show() -> str:
    wanted = request.args.get("show", "all")
    return wanted if wanted in lists.SHOWS else "all"


def _found(show: str) -> tuple[list[Escalation], lists.Counts]:
    return lists.open_escalations(session(), staff(), show, ROWS), lists.counts(session(), staff())


def _tag(found: list[Escalation], counts: lists.Counts, show: str) -> str:
    """Changes when anything on the list does, except for the passing of time."""
    seen: list[object] = [
        (e.id, e.state.owner, e.state.offered_to, e.snoozed_until, e.status, e.rank, e.requested_at, e.reason)
        for e in found
    ]
    seen += [sorted(e.params.items()) for e in found]
    return hashlib.sha256(repr((seen, counts, show)).encode()).hexdigest()[:32]


def _rows(found: list[Escalation]) -> list[Row]:
    patients = lists.patients_by_id(session(), staff(), {e.patient_id for e in found if e.patient_id})
    people = {one for e in found for one in (e.owner_id, e.offered_to_id) if one}
    owners = practitioners.names(session(), people) if people else {}
    reports = lists.link_counts(session(), {e.id for e in found})
    values = lists.latest_values(session(), set(patients), runtime().now())
    rows = []
    for escalation in found:
        patient = patients.get(escalation.patient_id) if escalation.patient_id else None
        code = next((code for word, code in ABOUT.items() if word in escalation.cause), "")
        known = values.get(patient.id, {}).get(code, []) if patient else []
        owner = owners.get(escalation.owner_id) if escalation.owner_id else None
        name = f"{trend.title(code)}, last {len(known)} values"
        asked = owners.get(escalation.offered_to_id) if escalation.offered_to_id else None
        rows.append(Row(escalation, patient, owner, asked, reports.get(escalation.id, 0), trend.line(known), name))
    return rows
