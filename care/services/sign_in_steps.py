"""Signing in of staff, step by step: the password, then a code where there is a second factor or one is required.

After the first step nobody is signed in: its token opens the second step for some minutes, and nothing else.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Conflict, NotSignedIn
from care.records.practitioners import Practitioner
from care.records.second_factors import SignInStep, second_factor
from care.runtime import Runtime
from care.services import second_factors
from care.services.second_factors import TRIES, TRY, WINDOW, SetUp
from care.services.staff_sessions import audit, hash_of, open_session, whose_password
from care.services.throttles import count_try, forget_tries

LASTS = timedelta(minutes=10)


class Step(NamedTuple):
    """Where a sign-in stands. `token` is a session's when `kind` is "in", else that of a step: "code" or "set-up"."""

    kind: Literal["in", "code", "set-up"]
    token: str


class Begun(NamedTuple):
    """Whose half sign-in it is, and what is missing."""

    staff: Staff
    kind: Literal["code", "set-up"]


def first_step(session: Session, rt: Runtime, username: str, password: str) -> Step:
    """The password; commits. Who needs no second step is signed in. Raises NotSignedIn, TooMany: as whose_password."""
    person, now = whose_password(session, rt, username, password), rt.now()
    factor = second_factor(session, person.id)
    if factor is not None and factor.confirmed_at is not None:
        made = Step("code", _begin(session, now, person))
    elif second_factors.required(session, person.staff(), lock=True):
        second_factors.offer(session, person.staff())
        made = Step("set-up", _begin(session, now, person))
    else:
        made = Step("in", open_session(session, now, person))
    session.commit()
    return made


def staff_sign_in(session: Session, rt: Runtime, username: str, password: str) -> str:
    """A new session's token for somebody without a second factor; commits. Raises NotSignedIn, TooMany."""
    step = first_step(session, rt, username, password)
    if step.kind != "in":
        raise NotSignedIn("second-step", "a second step is needed")
    return step.token


def begun(session: Session, now: datetime, token: str) -> Begun:
    """Whose half sign-in this is. Raises NotSignedIn when it is unknown, used or too old."""
    return _begun(session, now, token)[0]


def second_step(session: Session, rt: Runtime, token: str, code: str) -> str:
    """The code of the telephone, or a recovery code: a new session's token; commits.

    Raises NotSignedIn (begin again; `wrong-code`: try again), TooMany after five tries in a quarter of an hour.
    """
    now = rt.now()
    whose, _ = _begun(session, now, token)
    count_try(session, now, TRY, str(whose.staff.id), TRIES, WINDOW)
    whose, row = _begun(session, now, token, lock=True)
    person = session.get_one(Practitioner, whose.staff.id)
    kind = second_factors.taken(session, now, person.id, code) if whose.kind == "code" else ""
    if not kind:
        audit(session, now, "staff.second-step-failed", person)
        session.commit()
        raise NotSignedIn("wrong-code", "this code is not right, or it was used before")
    if kind == "recovery":
        audit(session, now, "staff.recovery-code-used", person)
    return _finish(session, now, row, person)


def set_up(session: Session, now: datetime, token: str) -> SetUp:
    """What somebody who must have a second factor tells their telephone. Raises NotSignedIn, Conflict (is set up)."""
    whose = begun(session, now, token)
    found = second_factors.pending(session, whose.staff) if whose.kind == "set-up" else None
    if found is None:
        raise Conflict("set-up", "it is set up already; sign in again")
    return found


def set_up_confirmed(session: Session, rt: Runtime, token: str, code: str) -> tuple[str, list[str]]:
    """It is set up: (a new session's token, the recovery codes, to be shown once); commits.

    Raises NotSignedIn, Conflict (is set up already), Invalid (a wrong code), TooMany.
    """
    now = rt.now()
    whose, _ = _begun(session, now, token)
    if whose.kind != "set-up":
        raise Conflict("set-up", "it is set up already; sign in again")
    codes = second_factors.confirmed(session, rt, whose.staff, code)
    whose, row = _begun(session, now, token, lock=True)
    return _finish(session, now, row, session.get_one(Practitioner, whose.staff.id)), codes


def _begin(session: Session, now: datetime, person: Practitioner) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        SignInStep(practitioner_id=person.id, token_hash=hash_of(token), created_at=now, expires_at=now + LASTS)
    )
    return token


def _begun(session: Session, now: datetime, token: str, lock: bool = False) -> tuple[Begun, SignInStep]:
    found = select(SignInStep).where(
        SignInStep.token_hash == hash_of(token), SignInStep.used_at.is_(None), SignInStep.expires_at > now
    )
    row = session.scalars(found.with_for_update() if lock else found).first()
    person = session.get(Practitioner, row.practitioner_id) if row else None
    if row is None or person is None or not person.active:
        raise NotSignedIn("step", "this took too long; begin again")
    factor = second_factor(session, person.id)
    return Begun(person.staff(), "code" if factor is not None and factor.confirmed_at else "set-up"), row


def _finish(session: Session, now: datetime, row: SignInStep, person: Practitioner) -> str:
    row.used_at = now
    forget_tries(session, TRY, str(person.id))
    token = open_session(session, now, person)
    session.commit()
    return token
