"""Claiming: which queued messages may be handed over now, most pressing first, and all that is decided about them by.

Each channel and priority is a range of one index, read from its due end: neither what waits for the morning nor what
another channel cannot get rid of is walked over. A row that another process has in hand is skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from care.domain.codes import Priority
from care.records.consents import FOLLOW_UP
from care.services.consents import EVERY_CHANNEL

Leaving = Any
"""A row of `leaving`: the message's columns, and what is known of its words, its address, its patient and its task."""

URGENT_ROOM = 100  # urgent messages of a channel and priority that are claimed at once

# The bounds are rows because then that index alone fits: with `=` the planner, where nearly everything waits in one
# channel, walks all that is due once for each priority.
_PICK = text(
    "SELECT c.id, line.n FROM unnest(CAST(:channels AS text[]), CAST(:priorities AS smallint[]),"
    " CAST(:rooms AS integer[])) WITH ORDINALITY AS line(channel, priority, room, n)"
    " CROSS JOIN LATERAL (SELECT c.id FROM communication c"
    " WHERE (c.channel, c.priority) >= (line.channel, line.priority) AND c.send_at IS NOT NULL"
    " AND (c.channel, c.priority, c.send_at) <= (line.channel, line.priority, CAST(:now AS timestamptz))"
    " AND (c.lease_until IS NULL OR c.lease_until < clock_timestamp())"
    " ORDER BY c.channel, c.priority, c.send_at, c.recorded_at LIMIT line.room FOR UPDATE SKIP LOCKED) c LIMIT :most"
)
_PICK_OF = text(
    "SELECT c.id FROM communication c WHERE c.id = ANY(CAST(:ids AS uuid[])) AND c.send_at <= :now"
    " AND (c.lease_until IS NULL OR c.lease_until < clock_timestamp())"
    " ORDER BY c.priority DESC, c.send_at, c.recorded_at LIMIT :most FOR UPDATE SKIP LOCKED"
)
# The names of the channels that anything waits for, each read off the index without what lies between.
_WAITED_FOR = text(
    "WITH RECURSIVE named AS (SELECT min(channel) AS channel FROM communication WHERE send_at IS NOT NULL"
    " UNION ALL SELECT (SELECT min(c.channel) FROM communication c WHERE c.send_at IS NOT NULL"
    " AND c.channel > named.channel) FROM named WHERE named.channel IS NOT NULL)"
    " SELECT channel FROM named WHERE channel IS NOT NULL"
)
# `behind`: until when an earlier message to the same address, that is not among these, keeps this one waiting. What
# waits for the patient's next text keeps nobody waiting: a nurse's word would lie behind a question for two days.
_LEAVING = text(
    "SELECT c.id, c.organization_id, c.patient_id, c.contact_point_id, c.channel, c.purpose, c.priority, c.delivery,"
    " c.attempts, c.task_id, c.send_at, c.handed_at, c.address_token, c.notice, c.left_as,"
    " w.text_sealed, w.address_sealed,"
    " k.address_sealed AS contact_address, k.status AS contact,"
    " k.rank AS contact_rank, p.time_zone, p.country, p.language, e.status AS escalation,"
    " coalesce(t.status IN ('ready', 'in-progress') AND t.expires_at > :now, false) AS task_open,"
    " (SELECT CASE WHEN s.granted THEN s.id END FROM consent s WHERE s.patient_id = c.patient_id"
    " AND s.purpose = :purpose AND s.channel IN (c.channel, :every)"
    " ORDER BY s.at DESC, s.id DESC LIMIT 1) AS consent_id,"
    " (SELECT max(o.send_at) FROM communication o WHERE o.address_token = c.address_token AND o.channel = c.channel"
    " AND o.send_at IS NOT NULL AND o.id <> ALL(CAST(:ids AS uuid[])) AND o.delivery IN ('queued', 'sending')"
    " AND o.priority >= c.priority AND (o.recorded_at, o.id) < (c.recorded_at, c.id)"
    " AND (o.send_at <= :now OR (o.status_reason IS NOT NULL AND o.status_reason <> 'quota'))) AS behind"
    " FROM communication c LEFT JOIN communication_content w ON w.id = c.id"
    " LEFT JOIN contact_point k ON k.id = c.contact_point_id LEFT JOIN patient p ON p.id = c.patient_id"
    " LEFT JOIN task t ON t.id = c.task_id LEFT JOIN escalation e ON e.id = c.escalation_id"
    " WHERE c.id = ANY(CAST(:ids AS uuid[])) ORDER BY c.priority DESC, c.recorded_at, c.id"
)
# Who last wrote from an address, and how many words of ours have followed it there. Asked for few messages only. The
# texts are found by the people of the address, nobody's (a stranger's) among them, since that is what has an index.
# What was written in the app (care.services.app_texts) came by no channel, so it opens none.
_SPOKEN = text(
    "SELECT v.n, s.spoke_at, s.own_at, (SELECT count(*) FROM communication o WHERE v.counted"
    " AND o.patient_id = ANY(u.people) AND o.direction = 'out' AND o.channel = v.channel"
    " AND o.address_token = v.token AND o.handed_at >= s.spoke_at AND o.left_as = 'words'"
    " AND o.delivery IN ('sending', 'unknown', 'sent', 'sent-unconfirmed', 'delivered')) AS answered"
    " FROM unnest(CAST(:patients AS uuid[]), CAST(:channels AS text[]), CAST(:tokens AS bytea[]),"
    " CAST(:counted AS boolean[])) WITH ORDINALITY AS v(patient_id, channel, token, counted, n)"
    " CROSS JOIN LATERAL (SELECT array_append(ARRAY(SELECT k.patient_id FROM contact_point k"
    " WHERE k.channel = v.channel AND k.address_token = v.token), v.patient_id) AS people) u"
    " CROSS JOIN LATERAL (SELECT max(i.at) AS spoke_at, max(i.at) FILTER (WHERE i.patient_id = v.patient_id) AS own_at"
    " FROM (SELECT i.patient_id, least(i.at, i.recorded_at) AS at FROM communication i"
    " WHERE i.patient_id = ANY(u.people) AND i.recorded_at > :since AND i.direction = 'in' AND i.purpose = 'text'"
    " AND i.channel = v.channel AND i.address_token = v.token AND i.external_id NOT LIKE 'app:%'"
    " UNION ALL SELECT NULL, least(i.at, i.recorded_at) FROM communication i"
    " WHERE i.patient_id IS NULL AND i.recorded_at > :since AND i.direction = 'in' AND i.purpose = 'text'"
    " AND i.channel = v.channel AND i.address_token = v.token AND i.external_id NOT LIKE 'app:%') i) s"
)
_PRIORITIES = sorted((priority.rank for priority in Priority), reverse=True)


class Spoken(NamedTuple):
    """What was said last from an address: by anybody, by this patient, and how many words of ours have followed it."""

    spoke_at: datetime | None = None
    own_at: datetime | None = None
    answered: int = 0


class Place(NamedTuple):
    """A patient (None: a stranger) at an address of a channel; `counted`: whether what followed is counted."""

    patient_id: UUID | None
    channel: str
    token: bytes
    counted: bool = False


@dataclass(frozen=True)
class Picked:
    """The ids that were locked, and whether there may be more."""

    ids: list[UUID]
    more: bool


def pick(session: Session, now: datetime, rooms: Mapping[str, int], most: int) -> Picked:
    """Lock up to `most` due messages, of each channel as many routine ones as there is room; ends no transaction."""
    lines = [
        (name, priority, URGENT_ROOM if priority else room)
        for priority in _PRIORITIES
        for name, room in rooms.items()
        if priority or room > 0
    ]
    names, priorities, sizes = (list(column) for column in zip(*lines, strict=True)) if lines else ([], [], [])
    values = {"channels": names, "priorities": priorities, "rooms": sizes, "now": now, "most": most}
    found = session.execute(_PICK, values).all() if lines else ()
    counts: dict[int, int] = {}
    for row in found:
        counts[row.n] = counts.get(row.n, 0) + 1
    full = any(count >= sizes[n - 1] for n, count in counts.items()) or len(found) >= most
    return Picked([row.id for row in found], full or any(room <= 0 for room in rooms.values()))


def pick_of(session: Session, now: datetime, ids: Collection[UUID], most: int) -> Picked:
    """Lock up to `most` of these messages, those that are due and in nobody's hand; ends no transaction."""
    found = session.execute(_PICK_OF, {"ids": list(ids), "now": now, "most": most}).scalars().all()
    return Picked(list(found), len(found) >= most)


def waited_for(session: Session) -> list[str]:
    """The names of the channels that anything waits for, whether or not we have them."""
    return list(session.execute(_WAITED_FOR).scalars())


def leaving(session: Session, ids: Sequence[UUID], now: datetime) -> list[Leaving]:
    """What is known of these messages, in the order in which they leave.

    `consent_id` is the newest decision if it is one that allows them, else None.
    """
    values = {"ids": list(ids), "now": now, "purpose": FOLLOW_UP, "every": EVERY_CHANNEL}
    return list(session.execute(_LEAVING, values))


def spoken(session: Session, places: Sequence[Place], since: datetime) -> dict[Place, Spoken]:
    """What was said last from these places; texts before `since` are not looked for."""
    if not places:
        return {}
    patients, channels, tokens, counted = (list(column) for column in zip(*places, strict=True))
    values = {"patients": patients, "channels": channels, "tokens": tokens, "counted": counted, "since": since}
    return {places[row.n - 1]: Spoken(*row[1:]) for row in session.execute(_SPOKEN, values)}
