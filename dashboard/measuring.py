"""A laboratory value or a measurement that a nurse writes down on the patient's page."""

from __future__ import annotations

import math
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.domain.laboratory import BY_CODE, believable
from care.domain.observation import FINAL, OLDEST, SKEW, Reading
from care.errors import CareError, Conflict, Invalid
from care.records import patients as people
from care.services import observations
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told, written


@blueprint.post("/patients/<uuid:patient_id>/observations")
@may("nurse", "clinician")
def measured(patient_id: UUID) -> Response:
    """Keep one value; it is judged like a report. What is not believable is said, and nothing is kept."""
    patient = people.patient_of(session(), staff(), patient_id)
    try:
        observations.enter(session(), runtime(), staff(), patient_id, _reading(patient.time_zone))
        flash(_("The value is kept, and is being judged."), "done")
    except (Invalid, Conflict) as wrong:
        flash(_("Not kept: %(why)s.", why=_said(wrong)), "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#measured", 303)


def _said(wrong: CareError) -> str:
    return _("this form was sent before with another value") if isinstance(wrong, Conflict) else told(wrong)


def _reading(time_zone: str) -> Reading:
    code, _, unit = written("kind", 60).partition("|")
    if code not in BY_CODE:
        raise Invalid("kind", "choose what was measured", place="kind")
    try:
        value = float(written("value", 20).replace(",", "."))
    except ValueError:
        raise Invalid("value", "write the value as a number, like 1.4", place="value") from None
    if not math.isfinite(value) or not believable(code, unit, value):
        raise Invalid("value", "a person cannot have this value in this unit; look at the decimal point", place="value")
    once = written("once", 40)
    if not once:
        raise Invalid("once", "open the page anew and write it again", place="once")
    return Reading(code, value, unit, "", _moment(time_zone), FINAL, once)


def _moment(time_zone: str) -> datetime:
    """When it was measured, by the clock of the patient's place."""
    now = runtime().now()
    try:
        local = datetime.fromisoformat(written("measured_at", 40))
    except ValueError:
        raise Invalid("bad-date", "write when it was measured, day and time", place="measured_at") from None
    at = (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(time_zone))).astimezone(now.tzinfo)
    if not now - OLDEST <= at <= now + SKEW:
        raise Invalid("date-out-of-range", "this time lies ahead, or too far back", place="measured_at")
    return min(at, now)
