"""The words with one patient: all of them, a message before and as it is sent, and who writes, a person or the bot."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.records import communications, keyset, practitioners
from care.records.attachments import attachments_of
from care.records.patients import patient_of
from care.services import escalations, patients, previews, takeovers
from dashboard import blueprint
from dashboard.request import known_form, once, runtime, seen, session, staff, told, written
from dashboard.story import place_of, written_place

PAGE = 50


@blueprint.get("/patients/<uuid:patient_id>/conversation")
@may("nurse", "clinician")
def conversation(patient_id: UUID) -> str:
    """Every message, the newest page first; `at` names the message at the page's end. Opening it is audited."""
    db = session()
    place = place_of(request.args.get("before", ""))
    found = patients.open_patient(db, runtime(), staff(), patient_id)
    rows = keyset.messages_before(db, patient_id, place, PAGE + 1)
    messages = [message for _place, message in rows[:PAGE]]
    last = rows[PAGE - 1][0] if len(rows) > PAGE else None
    ids = [message.id for message in messages]
    writers = {message.practitioner_id for message in messages if message.practitioner_id}
    return render_template(
        "conversation.html",
        patient=found,
        messages=list(reversed(messages)),
        contents=communications.contents(db, ids),
        media=attachments_of(db, ids) if ids else {},
        names=practitioners.names(db, writers),
        earlier=written_place(*last) if last else None,
        first=place is None,
    )


@blueprint.post("/patients/<uuid:patient_id>/message")
@may("nurse", "clinician")
def preview_message(patient_id: UUID) -> str:
    """Show exactly what the patient will see before anything is sent, and where."""
    words = written("text", 1600)
    patient_of(session(), staff(), patient_id)
    if not words:
        raise Invalid("empty", "write something to send", place="text")
    return _preview(patient_id, words)


@blueprint.post("/patients/<uuid:patient_id>/message/send")
@may("nurse", "clinician")
def send_message(patient_id: UUID) -> Response | str:
    """Send what was shown. What may not be sent is said beside the words, and nothing typed is lost."""
    words = written("text", 1600)
    try:
        escalations.message(session(), runtime(), staff(), patient_id, words, seen(), once())
    except (Conflict, Invalid) as fault:
        if not words:
            raise
        flash(_("Nothing was sent: %(why)s.", why=told(fault.message)), "warning")
        return _preview(patient_id, words)
    flash(_("The message is on its way."), "done")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#conversation")


def _preview(patient_id: UUID, words: str) -> str:
    shown = previews.preview(session(), runtime(), staff(), patient_id, words)
    return render_template("message.html", patient=shown.patient, seen=shown, **known_form())


@blueprint.post("/patients/<uuid:patient_id>/take-over")
@may("nurse", "clinician")
def take_over(patient_id: UUID) -> Response:
    """Write with the patient instead of the bot, for some hours; a colleague's take-over is taken on by its name."""
    try:
        row = takeovers.take_over(session(), runtime(), staff(), patient_id, _hours(), _instead_of())
        hours = max(1, round((row.ends_at - runtime().now()).total_seconds() / 3600)) if row.ends_at else 1
        said = ngettext(
            "You write with the patient now, for an hour. The bot is silent.",
            "You write with the patient now, for %(num)s hours. The bot is silent.",
            hours,
        )
        flash(said, "done")
    except Conflict as conflict:
        name = conflict.detail.get("owner_name") or _("A colleague")
        flash(_("%(name)s writes with this patient already. You may take it on from them.", name=name), "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#conversation", 303)


def _instead_of() -> UUID | None:
    """The take-over that the form names; what is no name of one is none, and a colleague's stays."""
    try:
        return UUID(written("instead_of", 40))
    except ValueError:
        return None


def _hours() -> int:
    hours = written("hours", 4)
    return int(hours) if hours.isascii() and hours.isdigit() else 0


@blueprint.post("/patients/<uuid:patient_id>/hand-back")
@may("nurse", "clinician")
def hand_back(patient_id: UUID) -> Response:
    """The bot answers again."""
    try:
        waiting = takeovers.hand_back(session(), runtime(), staff(), patient_id)
        flash(_("The bot answers this patient again."), "done")
        if waiting:
            flash(
                ngettext(
                    "One text was not answered. It stands on the worklist now.",
                    "%(num)s texts were not answered. They stand on the worklist now.",
                    waiting,
                ),
                "warning",
            )
    except Conflict:
        flash(_("The bot answers this patient already."), "warning")
    return redirect(url_for("dashboard.patient", patient_id=patient_id) + "#conversation", 303)
