"""Enrolling one patient by a form."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.services import enrolment
from dashboard import blueprint
from dashboard.request import reader_zone, runtime, session, staff, written

CONSENT_VERSION = "follow-up-1"
CONSENT_SOURCES = {"paper": "signed on paper", "spoken": "given in conversation", "app": "given in the app"}
ZONES = (
    "Asia/Hong_Kong",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Europe/London",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Australia/Sydney",
)
COUNTRIES = {
    "US": "United States",
    "CN": "China",
    "HK": "Hong Kong",
    "TW": "Taiwan",
    "SG": "Singapore",
    "GB": "United Kingdom",
    "AU": "Australia",
}
CONTACTS = 2


@blueprint.get("/enrol")
@may("nurse")
def enrol() -> str:
    """The form."""
    return _form({}, None)


@blueprint.post("/enrol")
@may("nurse")
def enrolled() -> Response | tuple[str, int]:
    """Enrol, or show the form again with what was typed and what is wrong."""
    try:
        patient = enrolment.enrol(session(), runtime(), staff(), _read())
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _form(request.form, wrong), wrong.status
    flash("Enrolled. Start a plan below.", "done")
    return redirect(url_for("dashboard.patient", patient_id=patient.id))


def _form(values: Any, wrong: Invalid | Conflict | None) -> str:
    channels = [name for name in _written_down() if runtime().channels[name].enabled]
    zones = sorted({*ZONES, reader_zone().key})
    return render_template(
        "enrol.html",
        values=values,
        wrong=wrong,
        place=wrong.detail.get("place") if wrong else None,
        channels=channels,
        zones=zones,
        zone=reader_zone().key,
        countries=COUNTRIES,
        sources=CONSENT_SOURCES,
        contacts=range(1, CONTACTS + 1),
    )


def _written_down() -> list[str]:
    """Channels whose addresses a person can write down. An app registers by itself."""
    return [name for name, channel in runtime().channels.items() if not channel.capabilities.notices_only]


def _read() -> enrolment.Enrolment:
    if request.form.get("consent") != "yes":
        raise Invalid("consent", "without the patient's consent no messages can be sent", place="consent")
    source, known = written("consent_source"), _written_down()
    if source not in CONSENT_SOURCES:  # a code: it is kept in the open, so nobody writes into it
        raise Invalid("unknown-value", "choose how the consent was given", place="consent_source")
    contacts = []
    for number in range(1, CONTACTS + 1):
        address = written(f"address{number}")
        if address and written(f"channel{number}") not in known:
            raise Invalid("unknown-value", "choose a channel", place=f"channel{number}")
        if address:
            contacts.append((written(f"channel{number}"), address, written(f"label{number}", 40) or None))
    return enrolment.Enrolment(
        name=written("name", 120),
        birth_date=written("birth_date"),
        record_number=written("record_number", 60),
        language=written("language"),
        time_zone=written("time_zone"),
        country=written("country"),
        contacts=tuple(contacts),
        consent_source=source,
        consent_version=CONSENT_VERSION,
        glucose_unit=written("glucose_unit"),
    )
