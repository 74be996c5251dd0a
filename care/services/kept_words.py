"""Kept words: what staff had typed when their session ended is theirs again when they sign in.

It travels with the sign-in page, sealed for the one person whose session it was. Nothing of it is stored, and nothing
stands in an address.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.errors import NotSignedIn
from care.records.practitioners import StaffSession
from care.records.seal import SealBroken, seal, unseal
from care.services.staff_sessions import hash_of, staff_by_token

LONGEST = 400_000  # characters: what is sealed must fit into a form again
LASTS = timedelta(hours=12)  # ours: as long as a session
SECRETS = frozenset(("password", "old", "new", "code"))
_TABLE, _COLUMN = "staff_session", "kept"


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that was on its way: where to, and its fields in order."""

    path: str
    fields: tuple[tuple[str, str], ...]


def keep(session: Session, now: datetime, token: str, path: str, fields: Sequence[tuple[str, str]]) -> str:
    """A form, sealed for whoever this session was of; "" for nobody's, one with a password in it, or a huge one."""
    whose = session.scalars(select(StaffSession.practitioner_id).where(StaffSession.token_hash == hash_of(token)))
    person = whose.first() if token else None
    if person is None or any(name in SECRETS for name, _ in fields):
        return ""
    words = json.dumps([now.isoformat(), path, [pair for pair in fields if pair[0] != "csrf_token"]])
    if len(words) > LONGEST:
        return ""
    return base64.urlsafe_b64encode(seal(_TABLE, _COLUMN, person, words)).decode()


def given_back(session: Session, now: datetime, token: str, kept: str) -> Kept | None:
    """The form, if whoever is signed in with this token typed it, and not too long ago."""
    try:
        person = staff_by_token(session, now, token)
        words = unseal(_TABLE, _COLUMN, person.id, base64.urlsafe_b64decode(kept.encode("ascii", "replace")))
    except (NotSignedIn, SealBroken, binascii.Error, ValueError):
        return None
    at, path, fields = json.loads(words)
    if now - datetime.fromisoformat(at) > LASTS:
        return None
    return Kept(path, tuple((name, value) for name, value in fields))
