"""The story of a patient as the page tells it: one line an event, with what it says and the place it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from care.domain.measure import Measure
from care.errors import Invalid
from care.records import communications, lists
from care.records.attachments import Attachment, attachments_of
from care.records.keyset import Place
from care.records.notes import notes_by_id
from care.records.phone_calls import calls_by_id
from care.records.timeline import STORY, Event, story_of
from dashboard import blueprint
from dashboard.words import CONTEXTS

ROWS = 100
LATE = timedelta(hours=1)
"""What we knew of only so long after it was true says so."""

SHOWS = {
    "": _l("Everything"),
    "report": _l("Reports"),
    "measurement": _l("Measurements"),
    "message": _l("Messages"),
    "call": _l("Calls"),
    "escalation": _l("Alerts"),
    "note": _l("Notes"),
    "missed": _l("Missed"),
    "consent": _l("Consent"),
}
CALLED = {
    "reached": _l("Phoned: reached the patient"),
    "no-answer": _l("Phoned: no answer"),
    "engaged": _l("Phoned: engaged"),
    "somebody-else": _l("Phoned: somebody else answered"),
    "wrong-number": _l("Phoned: a wrong number"),
}
PURPOSES = {"follow-up": _l("follow-up by messages"), "proxy": _l("somebody else may answer")}
_KINDS = {
    "QuestionnaireResponse": "report",
    "Observation": "measurement",
    "Communication": "message",
    "Escalation": "escalation",
    "Consent": "consent",
    "Note": "note",
    "PhoneCall": "call",
    "Task": "missed",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Entry:
    """One line. `kind` is one of SHOWS, `ref` the row it leads to; `by` who of the staff; `late` when we knew later."""

    at: datetime
    kind: str
    ref: UUID
    detail: Mapping[str, Any]
    source: str = ""
    by: UUID | None = None
    text: str | None = None
    late: datetime | None = None
    measures: list[Measure] = field(default_factory=list)
    media: Sequence[Attachment] = ()

    @property
    def superseded(self) -> bool:
        """Whether something else stands in its place by now."""
        return self.detail.get("status") in ("amended", "entered-in-error") or bool(self.detail.get("superseded"))


@dataclass(frozen=True)
class Story:
    """One page of it: the entries, what is shown, and where the next page begins (None: that is all)."""

    entries: list[Entry]
    show: str
    next: str | None
    first: bool = True

    def staff(self) -> set[UUID]:
        """Who acted in it."""
        return {entry.by for entry in self.entries if entry.by}


@blueprint.app_context_processor
def _given() -> dict[str, Any]:
    """The words that its templates use, said once: a lazy word would be looked up for each of a hundred lines."""
    given = {"CALLED": CALLED, "PURPOSES": PURPOSES, "CONTEXTS": CONTEXTS}
    return {name: {code: str(said) for code, said in words.items()} for name, words in given.items()}


@blueprint.app_template_global()
def after_place(at: datetime, ref: UUID) -> str:
    """The place right after a row: a page from there on begins with it."""
    return written_place(at + timedelta(microseconds=1), ref)


def asked() -> tuple[str, Place | None]:
    """What the address asks for: a kind of SHOWS, and a place. Raises Invalid for what is neither."""
    show = request.args.get("show", "")
    if show not in SHOWS:
        raise Invalid("show", "there is nothing of this kind", place="show")
    return show, place_of(request.args.get("before", ""))


def place_of(written: str) -> Place | None:
    """The place that an address names; None for "". Raises Invalid."""
    if not written:
        return None
    micros, _, ref = written.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(micros)), UUID(hex=ref)
    except (ValueError, OverflowError):
        raise Invalid("before", "this is no place in the list", place="before") from None


def written_place(at: datetime, ref: UUID) -> str:
    """The place of a row as an address has it."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{ref.hex}"


def tell(session: Session, patient_id: UUID, show: str, place: Place | None, rows: int = ROWS) -> Story:
    """One page of a patient's story, with as many queries whether it has one entry or a hundred."""
    events = story_of(session, patient_id, [show] if show else (), rows + 1, place)
    more = len(events) > rows
    entries = [_entry(event) for event in events[:rows]]
    _fill(session, entries)
    last = entries[-1] if entries else None
    return Story(entries, show, written_place(last.at, last.ref) if more and last else None, place is None)


def _entry(event: Event) -> Entry:
    about = event.detail
    kind = _KINDS[event.kind]
    if kind == "report" and event.detail["questionnaire"].endswith("/measurements"):
        kind = "measurement"
    by = about.get("practitioner_id") or about.get("author_id")
    late = event.recorded_at if kind in ("report", "measurement") and event.recorded_at - event.at >= LATE else None
    entry = Entry(event.at, kind, event.ref, about, event.source, UUID(by) if by else None, late=late)
    if event.kind == "Observation":
        entry.measures = [_value(event)]
    return entry


def _value(event: Event) -> Measure:
    about = event.detail
    said = (about["code"], about["value"], about["unit"])
    return Measure(str(event.ref), *said, event.at, about["comparator"], about["context"])


def _fill(session: Session, entries: Iterable[Entry]) -> None:
    """Put what was measured, written and said to the entries: one query a kind."""
    by_kind: dict[str, dict[UUID, Entry]] = {kind: {} for kind in STORY}
    for entry in entries:
        by_kind[entry.kind][entry.ref] = entry
    reports = by_kind["report"] | {ref: one for ref, one in by_kind["measurement"].items() if not one.measures}
    for value in lists.observations_of(session, set(reports)):
        if value.response_id is not None and (not value.superseded or reports[value.response_id].superseded):
            reports[value.response_id].measures.append(value.measure())
    texts = by_kind["message"]
    for ref, content in communications.contents(session, list(texts)).items():
        texts[ref].text = str(content.text)
    for message_id, media in attachments_of(session, list(texts)).items() if texts else ():
        texts[message_id].media = media
    for note in notes_by_id(session, list(by_kind["note"])).values():
        by_kind["note"][note.id].text = note.text
    calls = by_kind["call"]
    for call in calls_by_id(session, list(calls)).values() if calls else ():
        calls[call.id].text = call.note
