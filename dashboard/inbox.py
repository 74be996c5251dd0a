"""The inbox: who is waiting for an answer from a person?"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Invalid
from care.records import communications, lists
from care.records.attachments import Attachment, attachments_of
from care.records.communications import Communication, CommunicationContent
from care.records.patients import Patient
from care.services import waiting
from care.services.patients import open_patient
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written

UNDERSTOOD = {
    "none": "not an answer to a question of ours",
    "red_flag": "a red-flag word: an alert was raised at once",
    "crisis": "words of a crisis: an alert was raised at once",
    "human": "asks for a person",
    "help": "asks for help",
    "stop": "asks to stop",
    "start": "asks to start again",
}


@dataclass(frozen=True)
class Thread:
    """What one person, or one unknown address, waits with; the oldest text first."""

    patient: Patient | None
    texts: list[tuple[Communication, CommunicationContent | None, list[Attachment]]]

    @property
    def first(self) -> Communication:
        """The text that has waited longest; replies and 'done' name the thread by it."""
        return self.texts[0][0]

    @property
    def address(self) -> str | None:
        """Where an unknown sender wrote from: it is all that is known of them."""
        content = self.texts[0][1]
        return content.address if content else None


@blueprint.get("/inbox")
@may("nurse", "clinician")
def inbox() -> str:
    """Threads by waiting time, unknown senders apart."""
    found = _threads()
    known, unknown = [t for t in found if t.patient], [t for t in found if not t.patient]
    return render_template("inbox.html", known=known, unknown=unknown, understood=UNDERSTOOD)


def _threads() -> list[Thread]:
    rows = waiting.read(session(), runtime(), staff())
    words = communications.contents(session(), [row.id for row in rows])
    media = attachments_of(session(), [row.id for row in rows])
    patients = lists.patients_by_id(session(), staff(), {row.patient_id for row in rows if row.patient_id})
    threads: dict[object, Thread] = {}
    for row in rows:
        key = row.patient_id or bytes(row.address_token or row.id.bytes)
        patient = patients.get(row.patient_id) if row.patient_id else None
        threads.setdefault(key, Thread(patient, [])).texts.append((row, words.get(row.id), media.get(row.id, [])))
    return list(threads.values())


@blueprint.post("/inbox/<uuid:communication_id>/reply")
@may("nurse", "clinician")
def reply(communication_id: UUID) -> str | Response:
    """First show exactly what will be sent; then, when the shown text comes back confirmed, send it."""
    words = written("text", 1600)
    if not words:
        raise Invalid("empty", "write something to send", place="text")
    if request.form.get("confirmed") != "yes":
        message = lists.communication_of(session(), staff(), communication_id)
        words_in = communications.contents(session(), [message.id])
        patient = open_patient(session(), runtime(), staff(), message.patient_id) if message.patient_id else None
        return render_template(
            "reply.html", patient=patient, words=words, message=message, content=words_in.get(message.id)
        )
    waiting.answer(session(), runtime(), staff(), communication_id, words)
    flash("The reply is on its way.", "done")
    return redirect(url_for("dashboard.inbox"))


@blueprint.post("/inbox/<uuid:communication_id>/done")
@may("nurse", "clinician")
def done(communication_id: UUID) -> Response:
    """The thread needs no answer by text."""
    waiting.settle(session(), runtime(), staff(), communication_id)
    flash("Marked as done.", "done")
    return redirect(url_for("dashboard.inbox"))
