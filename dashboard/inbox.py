"""The inbox: who is waiting for an answer from a person?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.errors import CareError, Conflict, Invalid
from care.records import communications, lists, practitioners, takeovers
from care.records.attachments import Attachment, attachments_of
from care.records.communications import Communication, CommunicationContent
from care.records.patients import Patient
from care.records.takeovers import TakeOver
from care.services import linking, previews, waiting
from care.services import patients as people
from dashboard import blueprint
from dashboard.request import known_form, once, runtime, seen, session, staff, told, written

UNDERSTOOD = {
    "none": _l("not an answer to a question of ours"),
    "red_flag": _l("a red-flag word: an alert was raised at once"),
    "crisis": _l("words of a crisis: an alert was raised at once"),
    "human": _l("asks for a person"),
    "help": _l("asks for help"),
    "stop": _l("asks to stop"),
    "start": _l("asks to start again"),
    "misread": _l("a measurement that could not be read"),
}


@dataclass(frozen=True)
class Text:
    """One text that waits, what the bot made of it, and what it answered."""

    message: Communication
    content: CommunicationContent | None
    media: list[Attachment]
    understood: str
    answers: list[str]


@dataclass(frozen=True)
class Thread:
    """What one person, or one unknown address, waits with; the oldest text first. `taken`: who has the conversation."""

    patient: Patient | None
    texts: list[Text]
    taken: TakeOver | None = None
    taken_by: str = ""

    @property
    def first(self) -> Communication:
        """The text that has waited longest; replies and 'done' name the thread by it."""
        return self.texts[0].message

    @property
    def address(self) -> str | None:
        """Where an unknown sender wrote from: it is all that is known of them."""
        content = self.texts[0].content
        return content.address if content else None


@blueprint.get("/inbox")
@may("nurse", "clinician")
def inbox() -> str:
    """Threads by waiting time, unknown senders apart."""
    found = _threads()
    known, unknown = [t for t in found if t.patient], [t for t in found if not t.patient]
    return render_template("inbox.html", known=known, unknown=unknown, understood=UNDERSTOOD)


def _threads() -> list[Thread]:
    db = session()
    rows = waiting.read(db, runtime(), staff())
    ids = [row.id for row in rows]
    words, media = communications.contents(db, ids), attachments_of(db, ids)
    replies = lists.replies_to(db, ids)
    said = communications.contents(db, [one.id for group in replies.values() for one in group])
    patients = lists.patients_by_id(db, staff(), {row.patient_id for row in rows if row.patient_id})
    taken = takeovers.take_overs_of(db, patients)
    names = practitioners.names(db, {one.practitioner_id for one in taken.values()}) if taken else {}
    threads: dict[object, Thread] = {}
    for row in rows:
        key = row.patient_id or bytes(row.address_token or row.id.bytes)
        patient = patients.get(row.patient_id) if row.patient_id else None
        over = taken.get(row.patient_id) if row.patient_id else None
        thread = threads.setdefault(key, Thread(patient, [], over, names.get(over.practitioner_id, "") if over else ""))
        answers = _answers(replies.get(row.id, []), said)
        thread.texts.append(Text(row, words.get(row.id), media.get(row.id, []), _understood(row), answers))
    return list(threads.values())


def _understood(row: Communication) -> str:
    misread = (row.status_reason or "").startswith("refused:") and row.screened in (None, "none")
    return "misread" if misread else row.screened or "none"


def _answers(sent: list[Communication], said: Mapping[UUID, CommunicationContent]) -> list[str]:
    return [said[one.id].text for one in sent if one.id in said]


@blueprint.post("/inbox/<uuid:communication_id>/reply")
@may("nurse", "clinician")
def reply(communication_id: UUID) -> str | Response | tuple[str, int]:
    """First show exactly what will be sent; then, when the shown text comes back confirmed, send it."""
    words = written("text", 1600)
    if not words:
        raise Invalid("empty", "write something to send", place="text")
    if request.form.get("confirmed") != "yes":
        return _preview(communication_id, words, None)
    try:
        waiting.answer(session(), runtime(), staff(), communication_id, words, seen(), once())
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _preview(communication_id, words, wrong), wrong.status
    flash(_("The reply is on its way."), "done")
    return redirect(url_for("dashboard.inbox"))


def _preview(communication_id: UUID, words: str, wrong: CareError | None) -> str:
    """What will arrive, or why it may not; the words stay, whatever is wrong with them."""
    message = lists.communication_of(session(), staff(), communication_id)
    content = communications.contents(session(), [message.id]).get(message.id)
    shown = None
    if message.patient_id is not None:
        shown = previews.preview(session(), runtime(), staff(), message.patient_id, words)
    fault = wrong or (shown.fault if shown else None)
    return render_template(
        "reply.html",
        patient=shown.patient if shown else None,
        seen=shown,
        words=words,
        message=message,
        content=content,
        fault=told(fault) if fault else "",
        **known_form(),
    )


@blueprint.post("/inbox/<uuid:communication_id>/done")
@may("nurse", "clinician")
def done(communication_id: UUID) -> Response:
    """The thread needs no answer by text."""
    waiting.settle(session(), runtime(), staff(), communication_id, seen())
    flash(_("Marked as done."), "done")
    return redirect(url_for("dashboard.inbox"))


@blueprint.post("/inbox/<uuid:communication_id>/whose")
@may("nurse", "clinician")
def whose_address(communication_id: UUID) -> str:
    """Who may this be? The patients that the words find, to choose from; nothing is linked yet."""
    message = lists.communication_of(session(), staff(), communication_id)
    query = written("q", 100)
    found = people.find(session(), runtime(), staff(), query) if query else []
    content = communications.contents(session(), [message.id]).get(message.id)
    return render_template("link.html", message=message, content=content, query=query, found=found)


@blueprint.post("/inbox/<uuid:communication_id>/link")
@may("nurse", "clinician")
def link_sender(communication_id: UUID) -> Response:
    """This sender is that patient."""
    try:
        patient_id = UUID(written("patient"))
    except ValueError:
        raise Invalid("unknown-value", "choose a patient", place="patient") from None
    try:
        linking.link(session(), runtime(), staff(), communication_id, patient_id)
        flash(_("The sender is linked. Their texts stand under the patient now."), "done")
    except Conflict as conflict:
        session().rollback()
        flash(_("Nothing was linked: %(why)s.", why=told(conflict)), "warning")
    return redirect(url_for("dashboard.inbox"))
