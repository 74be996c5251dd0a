"""Notes that staff write about a patient, for one another."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Invalid
from care.services import notes
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written


@blueprint.post("/patients/<uuid:patient_id>/notes")
@may("nurse", "clinician")
def write_note(patient_id: UUID) -> Response:
    """Keep a note; the same form sent twice is one note."""
    words = written("note", 4 * notes.LONGEST)
    try:
        once = UUID(written("once", 40))
    except ValueError:
        raise Invalid("once", "open the page anew and write it again", place="once") from None
    notes.write_note(session(), runtime(), staff(), patient_id, words, once)
    flash(_("The note is kept. The whole team reads it; the patient does not."), "done")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#timeline", 303)
