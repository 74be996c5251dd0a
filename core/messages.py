"""Writing to the patient from a case: first exactly what the phone will show, then it is sent."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import CareError, Conflict, Invalid
from care.records.escalations import Escalation, escalation_of
from care.services import escalations as acts
from care.services import previews
from care.services.patients import open_patient
from core import blueprint
from core.request import known_form, once, runtime, seen, session, staff, told, written


@blueprint.post("/cases/<uuid:escalation_id>/message")
@may("clinician", "nurse")
def preview_message(escalation_id: UUID) -> str | tuple[str, int]:
    """Show what will arrive before anything is sent."""
    row = escalation_of(session(), staff(), escalation_id)
    words = written("text", 2 * acts.LONGEST_MESSAGE)
    try:
        shown = previews.preview(session(), runtime(), staff(), _patient(row), words)
    except (Invalid, Conflict) as wrong:
        return _page(row, words, None, wrong), wrong.status
    return _page(row, words, shown, None)


@blueprint.post("/cases/<uuid:escalation_id>/message/send")
@may("clinician", "nurse")
def send_message(escalation_id: UUID) -> Response | tuple[str, int]:
    """Send what was shown. What is refused comes back with its reason, and nothing typed is lost."""
    row = escalation_of(session(), staff(), escalation_id)
    words = written("text", 2 * acts.LONGEST_MESSAGE)
    try:
        acts.message(session(), runtime(), staff(), _patient(row), words, seen(), once())
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _page(row, words, None, wrong), wrong.status
    flash(_("The message is on its way."), "done")
    return redirect(url_for("core.case", escalation_id=escalation_id) + "#conversation", 303)


def _patient(row: Escalation) -> UUID:
    if row.patient_id is None:
        raise Conflict("no-patient", "nobody knows yet whose case this is")
    return row.patient_id


def _page(row: Escalation, words: str, shown: previews.Preview | None, wrong: CareError | None) -> str:
    patient = open_patient(session(), runtime(), staff(), row.patient_id) if row.patient_id else None
    return render_template(
        "core/message.html",
        case=row,
        patient=patient,
        words=words,
        shown=shown,
        wrong=told(wrong) if wrong else "",
        longest=acts.LONGEST_MESSAGE,
        **known_form(),
    )
