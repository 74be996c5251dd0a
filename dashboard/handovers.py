"""Handing an alert on to a colleague, and setting it aside: a page of its own, so that nothing typed is ever lost."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import Priority
from care.domain.escalation import LONGEST_SNOOZE, MOST_SNOOZES
from care.domain.ladder import MINUTE, spoken
from care.errors import CareError, Conflict, Invalid
from care.records import practitioners
from care.records.escalations import escalation_of
from care.records.patients import patient_of
from care.services import handovers
from care.services.ladders import colleagues
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told, written
from dashboard.words import ROLES
from dashboard.worklist import whose

LENGTHS = (5, 10, 15, 30, 60, 120, 240, 480, 24 * 60, 3 * 24 * 60, 7 * 24 * 60)  # minutes


@blueprint.get("/escalations/<uuid:escalation_id>/handover")
@may("nurse", "clinician")
def handover(escalation_id: UUID) -> str:
    """To whom, or until when?"""
    return _page(escalation_id, None)


@blueprint.post("/escalations/<uuid:escalation_id>/hand-on")
@may("nurse", "clinician")
def hand_on(escalation_id: UUID) -> Response | tuple[str, int]:
    """Offer it to a colleague; it stays with its owner until the colleague has accepted."""
    try:
        handovers.hand_on(session(), runtime(), staff(), escalation_id, _chosen(written("to")))
    except (Invalid, Conflict) as wrong:
        return _refused(escalation_id, wrong)
    flash(_("Your colleague is paged. It stays yours until they take it."), "done")
    return redirect(url_for("dashboard.worklist"))


@blueprint.post("/escalations/<uuid:escalation_id>/decline")
@may("nurse", "clinician")
def decline(escalation_id: UUID) -> Response | tuple[str, int]:
    """The colleague cannot."""
    try:
        handovers.decline(session(), runtime(), staff(), escalation_id)
    except Conflict as conflict:
        return _refused(escalation_id, conflict)
    flash(_("It is back with your colleague, who is told."), "done")
    return redirect(url_for("dashboard.worklist"))


@blueprint.post("/escalations/<uuid:escalation_id>/snooze")
@may("nurse", "clinician")
def snooze(escalation_id: UUID) -> Response | tuple[str, int]:
    """Set it aside for a while, with the reason."""
    try:
        minutes = int(written("minutes")) if written("minutes").isdecimal() else 0
        handovers.snooze(session(), runtime(), staff(), escalation_id, minutes, written("reason", 500))
    except (Invalid, Conflict) as wrong:
        return _refused(escalation_id, wrong)
    flash(_("It is set aside. When the time is over somebody is paged again."), "done")
    return redirect(url_for("dashboard.worklist"))


def _refused(escalation_id: UUID, wrong: CareError) -> tuple[str, int]:
    session().rollback()
    return _page(escalation_id, wrong), wrong.status


def _page(escalation_id: UUID, wrong: CareError | None) -> str:
    row = escalation_of(session(), staff(), escalation_id)
    priority = Priority(row.priority)
    lengths = [one for one in LENGTHS if one * MINUTE <= LONGEST_SNOOZE[priority]]
    people = {row.owner_id} if row.owner_id else set()
    return render_template(
        "handover.html",
        alert=row,
        patient=patient_of(session(), staff(), row.patient_id) if row.patient_id else None,
        owners=practitioners.names(session(), people) if people else {},
        colleagues=[(str(one.id), f"{one.name}, {ROLES[one.role]}") for one in colleagues(session(), staff())],
        lengths=[(str(one), told(spoken(one * MINUTE))) for one in lengths],
        most=told(spoken(LONGEST_SNOOZE[priority])),
        left=MOST_SNOOZES[priority] - row.snoozes,
        values=request.form,
        words=(whose(wrong) if isinstance(wrong, Conflict) else told(wrong)) if wrong else "",
        place=wrong.detail.get("place") if wrong else None,
    )


def _chosen(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None
