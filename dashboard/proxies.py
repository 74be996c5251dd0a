"""Who may answer for a patient: added with the patient's consent, and ended."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.records.patients import Patient
from care.records.related_persons import proxies, proxy_of
from care.services import patients
from care.services.proxies import Proxy, add_proxy, end_proxy
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told, written

RELATIONS = {
    "spouse": _l("husband, wife or partner"),
    "child": _l("child"),
    "parent": _l("parent"),
    "sibling": _l("brother or sister"),
    "relative": _l("other relative"),
    "friend": _l("friend"),
    "carer": _l("carer"),
    "guardian": _l("legal guardian"),
}
AGREED = {
    "in-person": _l("The patient said so in person"),
    "in-writing": _l("The patient wrote it"),
    "by-phone": _l("The patient said so on the phone"),
    "guardianship": _l("A court or the law says so"),
}
_FIELDS = ("name", "relation", "consent_source", "channel", "address", "label")


@blueprint.app_context_processor
def _given() -> dict[str, object]:
    """The words that the patient's page shares with this one."""
    return {"RELATIONS": RELATIONS, "AGREED": AGREED}


@blueprint.get("/patients/<uuid:patient_id>/proxies/add")
@may("nurse", "clinician")
def new_proxy(patient_id: UUID) -> str:
    """What is asked about a proxy, and what will follow."""
    return _form(patients.open_patient(session(), runtime(), staff(), patient_id), {}, None)


@blueprint.post("/patients/<uuid:patient_id>/proxies/add")
@may("nurse", "clinician")
def added_proxy(patient_id: UUID) -> Response | tuple[str, int]:
    """They may answer from now on. What is wrong is said in its place; nothing typed is lost."""
    typed = {name: written(name, 200) for name in _FIELDS}
    try:
        add_proxy(session(), runtime(), staff(), patient_id, Proxy(**typed))
    except (Invalid, Conflict) as fault:
        session().rollback()
        return _form(patients.open_patient(session(), runtime(), staff(), patient_id), typed, fault), 422
    flash(_("They may answer for the patient from now on."), "done")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#proxies", 303)


@blueprint.get("/patients/<uuid:patient_id>/proxies/<uuid:proxy_id>/end")
@may("nurse", "clinician")
def ask_end_proxy(patient_id: UUID, proxy_id: UUID) -> str:
    """What will happen when a proxy is ended."""
    found = patients.open_patient(session(), runtime(), staff(), patient_id)
    return render_template("proxy_end.html", patient=found, proxy=proxy_of(session(), patient_id, proxy_id))


@blueprint.post("/patients/<uuid:patient_id>/proxies/<uuid:proxy_id>/end")
@may("nurse", "clinician")
def ended_proxy(patient_id: UUID, proxy_id: UUID) -> Response:
    """They no longer answer for the patient."""
    try:
        end_proxy(session(), runtime(), staff(), patient_id, proxy_id)
        flash(_("They no longer answer for the patient."), "done")
    except Conflict as conflict:
        flash(_("Nothing was changed: %(why)s.", why=told(conflict.message)), "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#proxies", 303)


def _form(patient: Patient, typed: dict[str, str], fault: Invalid | Conflict | None) -> str:
    return render_template(
        "proxy.html",
        patient=patient,
        typed=typed,
        place=str(fault.detail.get("place", "name")) if fault else None,
        fault=told(fault.message) if fault else "",
        channels=["sms", "whatsapp"],
        living=[one for one in proxies(session(), patient.id) if one.ended_at is None],
    )
