"""A patient's settings that a nurse keeps: language, clock, and which address comes first."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import available_timezones

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Invalid
from care.records.patients import Patient, patient_of
from care.services import patients, reaching
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written

PLACE = "place-"


@blueprint.get("/patients/<uuid:patient_id>/settings")
@may("nurse", "clinician")
def patient_settings(patient_id: UUID) -> str:
    """In which language, at whose time and by which way do we write?"""
    return _page(patients.open_patient(session(), runtime(), staff(), patient_id), None)


@blueprint.post("/patients/<uuid:patient_id>/settings")
@may("nurse", "clinician")
def change_patient_settings(patient_id: UUID) -> Response | tuple[str, int]:
    """Change one of them."""
    patient = patient_of(session(), staff(), patient_id)
    try:
        said = _change(patient, written("act"))
    except Invalid as wrong:
        session().rollback()
        return _page(patient_of(session(), staff(), patient_id), wrong), wrong.status
    flash(said, "done")
    return redirect(url_for("dashboard.patient_settings", patient_id=patient_id), 303)


def _change(patient: Patient, act: str) -> str:
    desk = session(), runtime(), staff(), patient.id
    if act == "language":
        patients.set_language(*desk, written("language"))
        return _("From now on the patient is written to in this language.")
    if act == "time-zone":
        patients.set_time_zone(*desk, written("time_zone"))
        return _("From now on the patient is asked by this clock.")
    if act == "order":
        reaching.prefer(*desk, _order(patient))
        return _("From now on the addresses are tried in this order.")
    raise Invalid("act", "there is no such setting", place="act")


def _order(patient: Patient) -> list[UUID]:
    """The addresses by the places that they were given. Raises Invalid for a place given twice, or none."""
    own, _theirs = reaching.own_contacts(session(), patient.id)
    places = {one.id: request.form.get(f"{PLACE}{one.id}", "")[:4] for one in own}
    if sorted(places.values()) != sorted(str(number) for number in range(1, len(own) + 1)):
        raise Invalid("order", "give each address a place of its own", place="order")
    return sorted(places, key=lambda one: int(places[one]))


def _page(patient: Patient, wrong: Invalid | None) -> str:
    own, theirs = reaching.own_contacts(session(), patient.id)
    return render_template(
        "patient_settings.html",
        patient=patient,
        own=own,
        theirs=theirs,
        zones=sorted(available_timezones()),
        wrong=wrong,
        place=wrong.detail.get("place") if wrong else None,
        values=request.form,
    )
