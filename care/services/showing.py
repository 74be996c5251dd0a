"""Showing: what of a message leaves by a channel, its words or its notice, as far as the conversation decides it.

One `Showing` is for one batch. It looks at a conversation only for the few messages whose channel has a window or whose
words may be shown to who has just written; everything else is decided by what the channel is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.departure import LATELY, Leaves, depends_on_texts, leaves_as, notice_for, window_open
from care.domain.message import Capabilities, Outgoing
from care.domain.reach import may_keep
from care.library.notices import notice
from care.records.communications import CommunicationContent
from care.records.seal import unseal
from care.runtime import Runtime
from care.services.claiming import Leaving, Place, Spoken, spoken
from care.services.speaking import page

_TABLE = CommunicationContent.__tablename__
_ENGLISH = "en"
_SILENT = Spoken()
_PURPOSES = frozenset(Purpose)


class Shown(NamedTuple):
    """What leaves of a message, and whether its channel's window is open."""

    leaves: Leaves
    window_open: bool = True


class Showing:
    """What is known of a batch, and how many words it has already let go to each address."""

    def __init__(self, session: Session, rt: Runtime, now: datetime) -> None:
        self.session, self.rt, self.now = session, rt, now
        self._spoken: dict[Place, Spoken] = {}
        self._let_go: dict[tuple[str, bytes], int] = {}
        self.able = cache(self._able)
        self.link = page(rt.public_url)

    def _able(self, channel: str, country: str) -> Capabilities | None:
        """What a channel can do there; None for one that we do not have."""
        known = self.rt.channels.get(channel)
        return known.capabilities.in_country(country) if known else None

    def look(self, asked: Iterable[tuple[Leaving, str, bytes | None]]) -> None:
        """Read what was said last where it matters: for messages (each with a channel and an address's token)."""
        places: dict[Place, timedelta] = {}
        for row, channel, token in asked:
            able = self.able(channel, row.country or "")
            if able is None or token is None or row.purpose not in _PURPOSES:
                continue
            if depends_on_texts(able, Purpose(row.purpose)):
                places[_place(row, channel, token, able)] = able.window or LATELY
        new = [place for place in places if place not in self._spoken]
        if new:
            since = self.now - max(LATELY, *places.values())
            self._spoken |= spoken(self.session, new, since)

    def of(self, row: Leaving, channel: str, token: bytes | None, words: str | None = None) -> Shown:
        """What leaves of a message by this channel, for which `look` was called; `words` tell whether there is a link.

        What a nurse writes to a stranger leaves as it is: there is no app in which they could read it.
        """
        able = self.able(channel, row.country or "")
        if able is None:
            return Shown("never")
        purpose = Purpose(row.purpose)
        if purpose is Purpose.NURSE and row.patient_id is None:
            purpose = Purpose.REPLY
        said = _SILENT
        if token is not None and self._spoken:
            said = self._spoken.get(_place(row, channel, token, able), _SILENT)
        spoke_at = said.own_at if purpose is Purpose.NURSE else said.spoke_at
        answered = said.answered
        if self._let_go and token is not None:
            answered += self._let_go.get((channel, bytes(token)), 0)
        links = words is not None and "://" in words
        stands_in = notice_for(purpose, row.notice)
        leaves = leaves_as(able, purpose, stands_in, spoke_at, answered, self.now, links=links)
        used_up = able.quota > 0 and answered >= able.quota  # then, too, only a template may leave
        return Shown(leaves, window_open(able, spoke_at, self.now) and not used_up)

    def looks_for_links(self, row: Leaving) -> bool:
        """Whether the words have to be read before it is decided: their channel carries no links."""
        able = self.able(row.channel, row.country or "")
        return able is not None and not able.links

    def let_go(self, row: Leaving, channel: str, token: bytes | None) -> None:
        """Words of a message leave: they count against what may follow one text of the patient."""
        able = self.able(channel, row.country or "")
        if able is not None and able.quota and token is not None:
            key = (channel, bytes(token))
            self._let_go[key] = self._let_go.get(key, 0) + 1

    def may_keep(self, row: Leaving, channel: str) -> bool:
        """Whether a patient's message may be given to that channel's provider."""
        able = self.able(channel, row.country or "")
        return able is None or row.patient_id is None or may_keep(able, Purpose(row.purpose), self.rt.data_locations)

    def window_ends(self, row: Leaving) -> datetime | None:
        """When the window of a message's own address closes, if it is known and open."""
        able = self.able(row.channel, row.country or "")
        if able is None or able.window is None or row.address_token is None:
            return None
        said = self._spoken.get(_place(row, row.channel, row.address_token, able), _SILENT)
        return said.spoke_at + able.window if said.spoke_at else None

    def outgoing(self, row: Leaving, channel: str, address: str, shown: Shown, words: str | None = None) -> Outgoing:
        """The message as it leaves. Raises CareError or TypeError when its words do not open."""
        language = row.language or ""
        if shown.leaves == "notice":
            return self._notice(row, channel, address, language, shown)
        words = words_of(row) if words is None else words
        return Outgoing(row.id, channel, address, words, language=language, window_open=shown.window_open)

    def _notice(self, row: Leaving, channel: str, address: str, language: str, shown: Shown) -> Outgoing:
        able = self.able(channel, row.country or "") or Capabilities()
        key = notice_for(Purpose(row.purpose), row.notice) or ""
        url = self.link if able.links else ""
        words = notice(language or _ENGLISH, key, two_way=able.two_way, url=url)
        return Outgoing(row.id, channel, address, words, key, language, shown.window_open)


def words_of(row: Leaving) -> str:
    """The words of a message. Raises CareError or TypeError when they do not open."""
    return unseal(_TABLE, "text_sealed", row.id, bytes(row.text_sealed))


def _place(row: Leaving, channel: str, token: bytes, able: Capabilities) -> Place:
    patient: UUID | None = row.patient_id
    return Place(patient, channel, bytes(token), able.quota > 0)
