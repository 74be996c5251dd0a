"""Pages to staff: whose turn it is, who that is today, a message to each. The one place that pages staff."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.escalation import Tick, step
from care.domain.ladder import Whom
from care.domain.reach import carries_pages
from care.library import texts
from care.logs import logger
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.runtime import Runtime
from care.services import outbox
from care.services.duty import Duty, Recipient
from care.services.ladders import Ladders
from care.services.queue import Queue, Worked, work

NOBODY = "nobody-to-page"
RETRY = timedelta(minutes=5)  # until an escalation that could not be paged at all is tried again
QUEUE = Queue("pages", Escalation, "page_at", order=(Escalation.rank.desc(),))
WORDS = {Whom.COLLEAGUE: "staff-offer", Whom.OWNER: "staff-returned"}


def page_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 200) -> Worked:
    """Page for the escalations whose moment has come; commits.

    Those of the rung who are on call are paged once a moment, the last resort's in their turn. When nobody is on call
    everybody of the role is paged, else whoever there is, and the hole in the rota is told of; when there is nobody at
    all a DeadLetter says so and it is tried again.
    """

    def handle(inner: Session, rows: list[Escalation]) -> None:
        _page(inner, rt, rows, now)

    session.expire_all()  # rows that this session saw before are read as they are now
    return work(session, QUEUE, handle, now, limit=limit, bury=_bury)


def page_colleague(session: Session, rt: Runtime, row: Escalation, now: datetime) -> None:
    """Tell the colleague whom a case is offered to (no commit)."""
    _send(session, rt, row, Whom.COLLEAGUE, now, Duty(session, {row.care_team_id}, now))


def page_owner(session: Session, rt: Runtime, row: Escalation, now: datetime) -> None:
    """Tell the owner that a case they had offered is theirs again (no commit)."""
    _send(session, rt, row, Whom.OWNER, now, Duty(session, {row.care_team_id}, now))


def _page(session: Session, rt: Runtime, rows: Sequence[Escalation], now: datetime) -> None:
    duty = Duty(session, {row.care_team_id for row in rows}, now)
    ladders = Ladders(session, rows=rows)
    due = [(row, row.page_at) for row in rows if row.page_at is not None]
    for row, moment in due:
        outcome = step(row.state, Tick(), now, ladders.of(row))
        row.state = outcome.state
        if outcome.page is not None and not _send(session, rt, row, outcome.page, moment, duty):
            _nobody(session, row, now)


def _send(session: Session, rt: Runtime, row: Escalation, whom: Whom, moment: datetime, duty: Duty) -> bool:
    """Write to everyone whose turn it is; False when there is nobody at all, or nobody whom a page surely finds.

    Where none of them has a channel that always takes a page, the others of the team who have one are paged as well.
    """
    people = duty.people(row, whom)
    if not any(_surely(rt, one) for one in people):
        known = {one.key for one in people}
        others = [one for one in duty.people(row, Whom.TEAM) if one.key not in known and _surely(rt, one)]
        people = [*people, *others]
    key = WORDS.get(whom, "staff-page")
    for one in people:
        name = f"{whom}:{one.key}" if whom in WORDS else one.key
        _write(session, rt, row, one, key, _dedupe(row, moment, name), duty)
    return any(_surely(rt, one) for one in people)


def _channel(to: Recipient) -> str:
    return to.channel or (to.person.page_channel if to.person else "")


def _surely(rt: Runtime, to: Recipient) -> bool:
    """Whether a page may leave to them at any time: not so on a channel that is closed to us until they write."""
    channel = rt.channels.get(_channel(to))
    return channel is None or carries_pages(channel.capabilities)


def _write(session: Session, rt: Runtime, row: Escalation, to: Recipient, key: str, dedupe: str, duty: Duty) -> None:
    """A page says how pressing it is and where to look, and nothing of the patient.

    Its mark tells it from every other page to the same person: which of two a provider has taken, when it is asked.
    """
    country = duty.country(row.organization_id)
    language, channel = staff_language(country), rt.channels.get(_channel(to))
    urgency = texts().say(language, f"priority-{row.priority}")
    links = channel is None or channel.capabilities.in_country(country).links
    words = texts().say(language, key, priority=urgency, url=f"{rt.public_url}/worklist" if links else "")
    outbox.enqueue(
        session,
        duty.now,
        purpose=Purpose.PAGE,
        text=f"{words.rstrip(' :：')} #{_mark(dedupe)}",
        dedupe=dedupe,
        practitioner=to.person,
        channel=to.channel,
        address=to.address,
        priority=Priority(row.priority),
        escalation_id=row.id,
        care_team_id=row.care_team_id,
        organization_id=row.organization_id,
        check=False,
    )


def _dedupe(row: Escalation, moment: datetime, to: str) -> str:
    """Named by the moment that was due, which the commit of the page moves on: a count would start again some day."""
    return f"page:{row.id}:{moment.timestamp():.6f}:{to}"


def _mark(dedupe: str) -> str:
    """Five letters and digits that a person can read out."""
    return base64.b32encode(hashlib.sha256(dedupe.encode()).digest())[:5].decode()


def staff_language(country: str) -> str:
    """The language that a hospital's staff, and people it does not know, are written to in."""
    return {"CN": "zh-Hans", "HK": "zh-Hant", "MO": "zh-Hant", "TW": "zh-Hant"}.get(country, "en")


def _nobody(session: Session, row: Escalation, now: datetime) -> None:
    """Somebody who keeps the system must hear of it; the escalation keeps its moment and is tried again."""
    row.page_at = now + RETRY
    logger().error("nobody to page", escalation_id=str(row.id), priority=row.priority)
    known = select(DeadLetter.id).where(
        DeadLetter.queue == QUEUE.name, DeadLetter.row_id == row.id, DeadLetter.resolved_at.is_(None)
    )
    if session.scalars(known).first() is None:
        session.add(DeadLetter(queue=QUEUE.name, row_id=row.id, patient_id=row.patient_id, error=NOBODY, at=now))


def _bury(session: Session, row: Escalation, error: str, now: datetime) -> None:
    """A page that cannot even be written must not fall silent: it stays due."""
    row.page_at = now + RETRY
    row.attempts = 0
