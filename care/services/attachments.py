"""Attachments: what came with a text is fetched from its channel, made safe, sealed, and opened by who may see it.

A row is written with its text. A worker fetches it with no transaction open; between the answer and the write a crash
costs the lease's time, after which it is fetched again. Pictures are drawn anew; sound, films and PDF are kept as they
are, films without their boxes of remarks. What cannot be had or is not kept is told where the picture would stand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast, get_args
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.medium import LARGEST, PICTURES, media_type, without_place
from care.domain.message import Fetched, Fetching, Medium, MediumKind
from care.domain.people import Staff
from care.errors import ChannelError, Invalid, NotFound
from care.records.attachments import Attachment, attachment_of
from care.records.communications import Communication
from care.records.ids import new_id
from care.records.seal import seal
from care.runtime import Runtime
from care.services import audits
from care.services.queue import Queue, Worked, claim, finish

LEASE = timedelta(minutes=3)  # longer than a channel may take, and the drawing
ATTEMPTS = 12  # the pauses double from half a minute: most of a day, while providers keep a medium for days
FETCH = Queue("fetch", Attachment, "fetch_at", attempts=ATTEMPTS, lease=LEASE)
AT_ONCE = 10

WAITING, KEPT, REFUSED, GONE = "waiting", "kept", "refused", "gone"
FATAL = "fatal"
_KINDS = frozenset(get_args(MediumKind))
_AGAIN = frozenset({"retryable", "unknown"})  # asking twice for a medium does no harm


def rows(
    communication_id: UUID, organization_id: UUID, media: Sequence[Medium], now: datetime
) -> list[dict[str, object]]:
    """The columns of what came with a text. What has a reference is due at once; the rest is all in its note."""
    return [_row(communication_id, organization_id, number, one, now) for number, one in enumerate(media)]


def _row(
    communication_id: UUID, organization_id: UUID, number: int, medium: Medium, now: datetime
) -> dict[str, object]:
    row_id, table = new_id(), Attachment.__tablename__
    reference, note = medium.reference, medium.note
    return {
        "id": row_id,
        "organization_id": organization_id,
        "communication_id": communication_id,
        "number": number,
        "kind": medium.kind if medium.kind in _KINDS else "other",
        "content_type": medium.content_type.replace("\x00", "")[:100],
        "reference_sealed": seal(table, "reference_sealed", row_id, reference) if reference else None,
        "note_sealed": seal(table, "note_sealed", row_id, note) if note else None,
        "state": WAITING if reference else KEPT,
        "recorded_at": now,
        "fetch_at": now if reference else None,
        "attempts": 0,
    }


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one fetch: the state, why, and the bytes to keep."""

    state: str
    reason: str | None = None
    content: bytes | None = None
    content_type: str = ""


def fetch_due(session: Session, rt: Runtime, now: datetime, limit: int = AT_ONCE) -> Worked:
    """Fetch up to `limit` media that are due, one after the other, and keep them; commits each.

    A provider that is away is asked again later; after the last attempt, and for what is gone or not kept, the text
    waits for a person again, who reads there why there is no picture.
    """
    total = Worked()
    for _ in range(limit):
        leases = claim(session, FETCH, now, 1)
        if not leases:
            break
        (row_id,) = leases
        total += Worked(claimed=1) + _fetch_one(session, rt, row_id, leases[row_id], now)
    return total


def _fetch_one(session: Session, rt: Runtime, row_id: UUID, lease: datetime, now: datetime) -> Worked:
    channel, medium, attempts = _wanted(session, row_id)
    session.rollback()  # nobody waits for a provider with a transaction open
    found: Found | ChannelError
    try:
        if attempts > ATTEMPTS:  # no try came to its end, or it would be buried: whoever drew it died of it each time
            raise ChannelError("permanent", FATAL, "this medium has ended whoever looked at it")
        found = examined(_fetch(rt, channel, medium))
    except ChannelError as error:
        found = error if error.kind in _AGAIN else Found(GONE, error.code[:64])

    def keep(session: Session, ours: list[Any]) -> None:
        if isinstance(found, ChannelError):
            raise found
        for row in ours:
            _keep(session, row, found, rt.now())

    return finish(session, FETCH, keep, row_id, {row_id: lease}, now, _bury)


def _wanted(session: Session, row_id: UUID) -> tuple[str, Medium, int]:
    """The text's channel, what to get from it, and the how-manieth try this is."""
    row = session.get_one(Attachment, row_id, populate_existing=True)
    text = session.get_one(Communication, row.communication_id)
    medium = Medium(cast(MediumKind, row.kind), row.reference or "", row.content_type, row.note or "")
    return text.channel, medium, row.attempts


def _fetch(rt: Runtime, name: str, medium: Medium) -> Fetched:
    channel = rt.channels.get(name)
    if channel is None or not channel.enabled or not callable(getattr(channel, "fetch", None)):
        raise ChannelError("retryable", "disabled", "this channel cannot fetch anything")
    try:
        return cast(Fetching, channel).fetch(medium)
    except ChannelError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever an adapter stumbles over is tried again, and told at the end)
        raise ChannelError("retryable", type(error).__name__) from None


def examined(fetched: Fetched) -> Found:
    """What is kept of the bytes, or why nothing is. What they are is read from them, not from what they are called."""
    content = fetched.content
    if not content:
        return Found(REFUSED, "empty")
    kind = media_type(content)
    if kind not in LARGEST:
        return Found(REFUSED, f"type:{kind or 'unknown'}")
    if len(content) > LARGEST[kind]:
        return Found(REFUSED, "too-large")
    try:
        if kind in PICTURES:
            from care.services.pictures import draw_anew  # a web worker never draws: it needs no library for it

            return Found(KEPT, None, *draw_anew(content))
        if kind in ("video/mp4", "video/3gpp", "audio/mp4"):
            content = without_place(content)
    except Invalid as error:
        return Found(REFUSED, error.code)
    except ValueError:
        return Found(REFUSED, "broken")
    return Found(KEPT, None, content, kind)


def _keep(session: Session, row: Attachment, found: Found, now: datetime) -> None:
    row.state, row.reason, row.fetch_at, row.fetched_at = found.state, found.reason, None, now
    if found.content is not None:
        row.content, row.content_type, row.size = found.content, found.content_type, len(found.content)
        row.sha256 = hashlib.sha256(found.content).digest()
    _look_again(session, row, now)


def _bury(session: Session, row: Attachment, error: str, now: datetime) -> None:
    row.state, row.reason = GONE, "provider-away"
    _look_again(session, row, now)


def _look_again(session: Session, row: Attachment, now: datetime) -> None:
    """Whoever has settled the text already did it without the picture: it waits once more.

    A text whose turn is still to come is left alone; its turn hands it to a person.
    """
    found = select(Communication).where(Communication.id == row.communication_id).with_for_update()
    text = session.scalars(found.execution_options(populate_existing=True)).one()
    if text.take_at is None:
        text.waits_since = text.waits_since or now


@dataclass(frozen=True, slots=True)
class Opened:
    """An attachment as it is shown: what it is, and what a file of it would be called."""

    content: bytes
    content_type: str
    name: str

    @property
    def picture(self) -> bool:
        """Whether it may be shown within a page."""
        return self.content_type in PICTURES


_ENDINGS = {"jpeg": "jpg", "mpeg": "mp3", "3gpp": "3gp"}


def open_attachment(session: Session, rt: Runtime, staff: Staff, attachment_id: UUID) -> Opened:
    """What came with a text, for who may see the text; opening it is audited; commits.

    Raises NotFound, also where nothing was kept, and NotAllowed.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    row, text = attachment_of(session, staff, attachment_id)
    content = row.content
    if row.state != KEPT or content is None:
        raise NotFound("attachment", "no such attachment")
    audits.record(session, rt.now(), "attachment.opened", "Attachment", row.id, staff=staff, patient_id=text.patient_id)
    session.commit()
    ending = row.content_type.partition("/")[2]
    return Opened(content, row.content_type, f"attachment-{row.number + 1}.{_ENDINGS.get(ending, ending)}")
