"""Sessions of staff, and the password that is their first step; wrong ones are counted whoever is named."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import NotSignedIn
from care.records.practitioners import Practitioner, StaffSession, by_username
from care.records.second_factors import SignInStep
from care.runtime import Runtime
from care.services import audits
from care.services.throttles import count_try, forget_tries

LASTS = timedelta(hours=12)
TRIES, WINDOW = 5, timedelta(minutes=15)
TRY = "staff-sign-in"

_hasher = PasswordHasher()


def whose_password(session: Session, rt: Runtime, username: str, password: str) -> Practitioner:
    """Who this is; commits the try. Raises NotSignedIn, and TooMany after five tries in a quarter of an hour.

    Both answers, and the work behind them, are the same for a user name that nobody has.
    """
    now = rt.now()
    account = username.strip().lower()[:200]
    count_try(session, now, TRY, account, TRIES, WINDOW)
    person = by_username(session, account) if "\x00" not in account else None
    right = fits(person.password_hash if person else _nobodys_hash(), password)
    if person is None or not right or not person.active:
        if person is not None:
            audit(session, now, "staff.sign-in-failed", person)
        session.commit()
        raise NotSignedIn("wrong", "the user name or the password is wrong")
    if _hasher.check_needs_rehash(person.password_hash):
        person.password_hash = _hasher.hash(password.encode("utf-8", "surrogatepass"))
    forget_tries(session, TRY, account)
    return person


def open_session(session: Session, now: datetime, person: Practitioner) -> str:
    """A new session's token, in the caller's transaction."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(practitioner_id=person.id, token_hash=hash_of(token), created_at=now, expires_at=now + LASTS)
    )
    audit(session, now, "staff.sign-in", person)
    return token


def staff_by_token(session: Session, now: datetime, token: str) -> Staff:
    """Whose session this is. Raises NotSignedIn when it is unknown, ended, or its account is closed."""
    found = (
        select(Practitioner)
        .join(StaffSession, StaffSession.practitioner_id == Practitioner.id)
        .where(StaffSession.token_hash == hash_of(token), StaffSession.revoked_at.is_(None))
        .where(StaffSession.expires_at > now, Practitioner.active)
    )
    person = session.scalars(found).first()
    if person is None:
        raise NotSignedIn("token", "sign in again")
    return person.staff()


def staff_sign_out(session: Session, rt: Runtime, token: str) -> None:
    """End the session of this token, if there is one; commits."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.token_hash == hash_of(token), StaffSession.revoked_at.is_(None))
        .values(revoked_at=rt.now())
    )
    session.commit()


def end_sessions(session: Session, now: datetime, practitioner_id: UUID, but: str = "") -> None:
    """Sign a person out everywhere but where this token is (no commit), and end what is half signed in."""
    ended = update(StaffSession).where(
        StaffSession.practitioner_id == practitioner_id, StaffSession.revoked_at.is_(None)
    )
    if but:
        ended = ended.where(StaffSession.token_hash != hash_of(but))
    session.execute(ended.values(revoked_at=now))
    half = SignInStep.practitioner_id == practitioner_id, SignInStep.used_at.is_(None)
    session.execute(update(SignInStep).where(*half).values(used_at=now))


def hash_of(token: str) -> bytes:
    """What is kept of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def fits(password_hash: str, password: str) -> bool:
    """Whether this is the password that was hashed."""
    try:
        return _hasher.verify(password_hash, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_bytes(32))


def audit(session: Session, now: datetime, action: str, person: Practitioner) -> None:
    """Write down what somebody did who is not signed in yet (no commit)."""
    audits.record(
        session,
        now,
        action,
        "practitioner",
        person.id,
        agent_kind="staff",
        agent_id=person.id,
        organization_id=person.organization_id,
    )
