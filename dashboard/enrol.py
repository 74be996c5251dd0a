"""Enrolling one patient by a form, and what happens next for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import Purpose, Role
from care.domain.message import Capabilities
from care.domain.reach import best, takes_answers
from care.errors import Conflict, Invalid
from care.records.care_plans import active_plans
from care.records.patients import contact_points
from care.records.practitioners import on_duty
from care.services import content, enrolment, foreseeing, patients
from care.services.bindings import CHANNELS as BOUND_BY_CODE
from care.services.entries import CONSENT_VERSION, SEXES
from dashboard import blueprint
from dashboard.request import reader_zone, runtime, session, staff, told, written

CONSENT_SOURCES = {
    "paper": _l("signed on paper"),
    "spoken": _l("given in conversation"),
    "app": _l("given in the app"),
}
SEX_WORDS = {"unknown": _l("not known"), "female": _l("female"), "male": _l("male"), "other": _l("other")}
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
    "US": _l("United States"),
    "CN": _l("China"),
    "HK": _l("Hong Kong"),
    "TW": _l("Taiwan"),
    "SG": _l("Singapore"),
    "GB": _l("United Kingdom"),
    "AU": _l("Australia"),
}
WAYS = {
    "answers": _l("messages go and answers come"),
    "notices": _l("only notices arrive; no answer can be given there"),
    "nothing": _l("no message arrives there"),
}
CONTACTS = 2


@dataclass(frozen=True, slots=True)
class Way:
    """What one contact point of a patient is good for. `code`: answers, notices or nothing."""

    channel: str
    address: str
    code: str


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
    flash(_("Enrolled."), "done")
    return redirect(url_for("dashboard.welcome", patient_id=patient.id), 303)


@blueprint.get("/patients/<uuid:patient_id>/enrolled")
@may("nurse", "clinician")
def welcome(patient_id: UUID) -> str:
    """What the patient gets first, how they are reached, and the codes by which they sign in."""
    patient = patients.open_patient(session(), runtime(), staff(), patient_id)
    plans = active_plans(session(), patient.id)
    seen = foreseeing.of_plan(session(), runtime(), plans[0], patient, 2, {}) if plans else None
    first = next(((one, sent) for one in seen.asked for sent in one.reminders), None) if seen else None
    return render_template(
        "enrolled.html",
        patient=patient,
        plan=plans[0] if plans else None,
        seen=seen,
        first=first,
        ways=[_way(one.channel, one.address, patient.country) for one in contact_points(session(), patient.id)],
        WAYS=WAYS,
        by_code=[name for name in BOUND_BY_CODE if name in runtime().channels and runtime().channels[name].enabled],
    )


def written_down() -> list[str]:
    """Channels whose addresses a person can write down. An app registers by itself."""
    known = runtime().channels.items()
    return [name for name, channel in known if channel.enabled and not channel.capabilities.notices_only]


def _way(channel: str, address: str, country: str) -> Way:
    known = runtime().channels.get(channel)
    able = known.capabilities.in_country(country) if known is not None and known.enabled else None
    return Way(channel, address, _good_for(channel, able))


def _good_for(channel: str, able: Capabilities | None) -> str:
    if able is None or best(Purpose.REMINDER, [(channel, able)], runtime().data_locations) is None:
        return "nothing"
    return "answers" if takes_answers(able, Purpose.REMINDER) else "notices"


def _possible() -> list[tuple[str, list[str]]]:
    """For each country, what each channel is good for there."""
    return [(country, [_way(channel, "", country).code for channel in written_down()]) for country in COUNTRIES]


def _form(values: Any, wrong: Invalid | Conflict | None) -> str:
    here = runtime().now().astimezone(reader_zone()).date()
    place = wrong.detail.get("place") if wrong else None
    return render_template(
        "enrol.html",
        values=values,
        wrong=wrong,
        place=place,
        fault=told(wrong).capitalize() if wrong else "",
        shared=(wrong is not None and wrong.code == "address-shared") or values.get("may_share") == "yes",
        known=_known(wrong, values),
        channels=written_down(),
        possible=_possible(),
        WAYS=WAYS,
        zones=sorted({*ZONES, reader_zone().key}),
        zone=reader_zone().key,
        countries=COUNTRIES,
        sources=CONSENT_SOURCES,
        sexes=[(code, SEX_WORDS[code]) for code in ("unknown", *(one for one in SEXES if one != "unknown"))],
        contacts=range(1, CONTACTS + 1),
        askers=_askers(),
        protocols=content.protocols(session()),
        today=here,
        tomorrow=here + timedelta(days=1),
    )


def _known(wrong: Invalid | Conflict | None, values: Any) -> UUID | None:
    """The patient of one's own team who has this record number already; nobody else's is told."""
    if not isinstance(wrong, Conflict) or wrong.code != "record-number":
        return None
    found = patients.find(session(), runtime(), staff(), str(values.get("record_number", "")))
    return found[0].id if len(found) == 1 else None


def _read() -> enrolment.Enrolment:
    if request.form.get("consent") != "yes":
        raise Invalid("consent", "without the patient's consent no messages can be sent", place="consent")
    source = written("consent_source")
    if source not in CONSENT_SOURCES:  # a code: it is kept in the open, so nobody writes into it
        raise Invalid("unknown-value", "choose how the consent was given", place="consent_source")
    protocol = written("protocol", 500)
    return enrolment.Enrolment(
        name=written("name", 120),
        birth_date=written("birth_date"),
        record_number=written("record_number", 60),
        language=written("language"),
        time_zone=written("time_zone"),
        country=written("country"),
        contacts=_contacts(),
        consent_source=source,
        consent_version=CONSENT_VERSION,
        glucose_unit=written("glucose_unit"),
        sex=written("sex"),
        asked_by=_asker(),
        asked_on=written("asked_on"),
        protocol=protocol or None,
        starts_on=written("starts_on"),
        may_share=request.form.get("may_share") == "yes",
    )


def _contacts() -> tuple[enrolment.Contact, ...]:
    contacts, known = [], written_down()
    for number in range(1, CONTACTS + 1):
        address, channel = written(f"address{number}"), written(f"channel{number}")
        if not address:
            continue
        if channel not in known:
            raise Invalid("unknown-value", "choose a channel", place=f"channel{number}")
        if _way(channel, address, written("country").upper()).code == "nothing":
            raise Invalid("unreachable", "this channel reaches nobody in this country", place=f"channel{number}")
        contacts.append((channel, address, written(f"label{number}", 40) or None))
    return tuple(contacts)


def _askers() -> list[tuple[str, str]]:
    """The people of the team who may have asked the patient, oneself first."""
    me, team = staff(), staff().care_team_id
    others = [one for role in (Role.NURSE, Role.CLINICIAN) for one in (on_duty(session(), team, role) if team else ())]
    return [(str(me.id), me.name), *((str(one.id), one.name) for one in others if one.id != me.id)]


def _asker() -> UUID | None:
    words = written("asked_by")
    try:
        return UUID(words) if words else staff().id
    except ValueError:
        raise Invalid("unknown-value", "choose who asked the patient", place="asked_by") from None
