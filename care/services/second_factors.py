"""Second factors: a one-time password by time (RFC 6238) beside the password, and codes for when the telephone is lost.

A code is taken once, one step early or late at most. Who sets one up, changes or takes one away is signed out
everywhere else.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotFound
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.records.seal import token as token_of
from care.records.second_factors import RecoveryCode, SecondFactor, second_factor, unused_codes, with_second_factor
from care.runtime import Runtime
from care.services import audits
from care.services.staff_sessions import end_sessions, fits
from care.services.throttles import count_try, forget_tries

ISSUER = "Care"
STEP = 30  # seconds
DRIFT = 1  # steps that a telephone's clock may be ahead or behind
CODES = 10
TRIES, WINDOW = 5, timedelta(minutes=15)
TRY = "second-factor"
_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"  # none that is taken for another


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a telephone is told, once: the secret to type, or the address that a square code carries."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a person's second factor."""

    since: datetime | None
    codes_left: int
    required: bool


def standing(session: Session, staff: Staff) -> Standing:
    """Whether one's own is set up, how many codes are left, and whether one must have it."""
    factor = second_factor(session, staff.id)
    since = factor.confirmed_at if factor else None
    return Standing(since, len(unused_codes(session, staff.id)), required(session, staff))


def required(session: Session, staff: Staff, lock: bool = False) -> bool:
    """Whether the person's team (an administrator's hospital) requires one; `lock`: until the transaction ends."""
    model, key = (CareTeam, staff.care_team_id) if staff.care_team_id else (Organization, staff.organization_id)
    found = select(model.second_factor).where(model.id == key)  # type: ignore[attr-defined]
    if lock:
        found = found.with_for_update(read=True)
    return bool(session.scalars(found).first())


def begin(session: Session, rt: Runtime, staff: Staff, password: str) -> None:
    """A new secret, shown until it is confirmed; the one before still counts; commits.

    Raises Invalid for a wrong password, TooMany after some.
    """
    _check_password(session, rt, staff, password)
    offer(session, staff)
    session.commit()


def offer(session: Session, staff: Staff) -> None:
    """A new secret in the caller's transaction, for somebody whose password was checked."""
    factor = second_factor(session, staff.id, lock=True)
    if factor is None:
        factor = SecondFactor(practitioner_id=staff.id)
        session.add(factor)
    factor.pending = pyotp.random_base32()


def pending(session: Session, staff: Staff) -> SetUp | None:
    """What the telephone has to be told; None where nothing was begun."""
    factor, person = second_factor(session, staff.id), session.get_one(Practitioner, staff.id)
    if factor is None or factor.pending is None:
        return None
    secret = str(factor.pending)
    return SetUp(secret, pyotp.TOTP(secret).provisioning_uri(name=person.username, issuer_name=ISSUER))


def confirm(session: Session, rt: Runtime, staff: Staff, code: str, token: str = "") -> list[str]:
    """The telephone shows the right code: from now on it is asked for; commits. The recovery codes, to be shown once.

    Every session but that of `token` ends. Raises Conflict (nothing was begun), Invalid (a wrong code), TooMany.
    """
    codes = confirmed(session, rt, staff, code)
    end_sessions(session, rt.now(), staff.id, but=token)
    session.commit()
    return codes


def confirmed(session: Session, rt: Runtime, staff: Staff, code: str) -> list[str]:
    """confirm() in the caller's transaction, for somebody who is not signed in yet."""
    count_try(session, rt.now(), TRY, str(staff.id), TRIES, WINDOW)
    factor = second_factor(session, staff.id, lock=True)
    if factor is None or factor.pending is None:
        session.rollback()
        raise Conflict("nothing-begun", "begin again: there is nothing to confirm")
    step = step_of(str(factor.pending), code, rt.now(), 0)
    if step is None:
        session.rollback()
        raise Invalid("wrong-code", "this is not the code that the telephone shows now", place="code")
    factor.secret, factor.pending = factor.pending, None
    factor.last_step, factor.confirmed_at = step, rt.now()
    codes = _new_codes(session, rt, staff)
    forget_tries(session, TRY, str(staff.id))
    _audit(session, rt, staff, "staff.second-factor")
    return codes


def renew_codes(session: Session, rt: Runtime, staff: Staff, password: str) -> list[str]:
    """New recovery codes; those before are no longer good; commits. Raises Invalid, Conflict (no factor), TooMany."""
    _check_password(session, rt, staff, password)
    if second_factor(session, staff.id) is None or not with_second_factor(session, [staff.id]):
        raise Conflict("no-second-factor", "there is no second factor")
    codes = _new_codes(session, rt, staff)
    _audit(session, rt, staff, "staff.recovery-codes")
    session.commit()
    return codes


def remove(session: Session, rt: Runtime, staff: Staff, password: str, token: str) -> None:
    """Take one's own away; every session but that of `token` ends; commits.

    Raises Invalid for a wrong password, Conflict where one must have it, TooMany.
    """
    _check_password(session, rt, staff, password)
    if required(session, staff, lock=True):
        session.rollback()
        raise Conflict("required", "your team requires a second factor")
    _forget(session, staff.id)
    end_sessions(session, rt.now(), staff.id, but=token)
    _audit(session, rt, staff, "staff.second-factor-removed")
    session.commit()


def reset(session: Session, rt: Runtime, by: Staff, practitioner_id: UUID, on_the_machine: bool = False) -> None:
    """Somebody lost theirs: without it from now on, and signed out everywhere; audited; commits.

    Raises NotAllowed, NotFound, Conflict (one's own, but on the machine itself).
    """
    by.must_be(Role.ADMIN)
    if practitioner_id == by.id and not on_the_machine:
        raise Conflict("own", "another administrator resets yours, or you take it away with your password")
    found = select(Practitioner).where(
        Practitioner.id == practitioner_id, Practitioner.organization_id == by.organization_id
    )
    person = session.scalars(found).first()
    if person is None:
        raise NotFound("practitioner", "no such account")
    _forget(session, person.id)
    end_sessions(session, rt.now(), person.id)
    forget_tries(session, TRY, str(person.id))
    audits.record(session, rt.now(), "staff.second-factor-reset", "practitioner", person.id, staff=by)
    session.commit()


def require(session: Session, rt: Runtime, by: Staff, care_team_id: UUID | None, wanted: bool) -> None:
    """A team (None: the administrators) must have one from now on, or need not; who has none is signed out; commits.

    Raises NotAllowed, NotFound.
    """
    by.must_be(Role.ADMIN)
    row = _whose_rule(session, by, care_team_id)
    row.second_factor = wanted
    if wanted:
        mine = Practitioner.care_team_id == care_team_id if care_team_id else Practitioner.role == Role.ADMIN.value
        people = set(
            session.scalars(select(Practitioner.id).where(Practitioner.organization_id == by.organization_id, mine))
        )
        for person in sorted(people - with_second_factor(session, people)):
            end_sessions(session, rt.now(), person)
    action = "team.second-factor" if care_team_id else "organization.second-factor"
    audits.record(session, rt.now(), action, row.__tablename__, row.id, staff=by, required=wanted)
    session.commit()


def _whose_rule(session: Session, by: Staff, care_team_id: UUID | None) -> CareTeam | Organization:
    """The team, or the administrators' hospital, locked: whoever signs in meanwhile waits for what is decided."""
    locked = {"with_for_update": {"key_share": True}, "populate_existing": True}
    if care_team_id is None:
        return session.get_one(Organization, by.organization_id, **locked)  # type: ignore[arg-type]
    team = session.get(CareTeam, care_team_id, **locked)  # type: ignore[arg-type]
    if team is None or team.organization_id != by.organization_id:
        session.rollback()
        raise NotFound("care-team", "no such care team")
    return team


def taken(session: Session, now: datetime, practitioner_id: UUID, code: str) -> str:
    """Which kind of code it is ("code" or "recovery"), used up in the caller's transaction; "" where it is not good."""
    factor = second_factor(session, practitioner_id, lock=True)
    if factor is None or factor.confirmed_at is None:
        return ""
    step = step_of(str(factor.secret), code, now, factor.last_step)
    if step is not None:
        factor.last_step = step
        return "code"
    mine = _hash(practitioner_id, code)
    for row in unused_codes(session, practitioner_id):
        if hmac.compare_digest(bytes(row.code_hash), mine):
            row.used_at = now
            return "recovery"
    return ""


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The time step of which this is the code, among those within the drift and later than `after`."""
    given = "".join(char for char in code if char.isascii() and char.isalnum())
    if len(given) != 6 or not given.isdigit():
        return None
    current, totp = int(now.timestamp()) // STEP, pyotp.TOTP(secret)
    for step in range(current - DRIFT, current + DRIFT + 1):
        if step > after and hmac.compare_digest(totp.generate_otp(step), given):
            return step
    return None


def _check_password(session: Session, rt: Runtime, staff: Staff, password: str) -> None:
    count_try(session, rt.now(), "change-password", str(staff.id), TRIES, WINDOW)
    if not fits(session.get_one(Practitioner, staff.id).password_hash, password):
        session.rollback()
        raise Invalid("wrong-password", "this is not your password", place="old")
    forget_tries(session, "change-password", str(staff.id))


def _new_codes(session: Session, rt: Runtime, staff: Staff) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.practitioner_id == staff.id))
    made = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(CODES)]
    session.add_all(
        RecoveryCode(practitioner_id=staff.id, code_hash=_hash(staff.id, code), created_at=rt.now()) for code in made
    )
    return [f"{code[:5]}-{code[5:]}" for code in made]


def _hash(practitioner_id: UUID, code: str) -> bytes:
    """Keyed, like a patient's one-time code; fifty bits are not tried out."""
    given = "".join(char for char in code.lower() if char in _LETTERS)
    return token_of("recovery-code", f"{practitioner_id}:{given}")


def _forget(session: Session, practitioner_id: UUID) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.practitioner_id == practitioner_id))
    session.execute(delete(SecondFactor).where(SecondFactor.practitioner_id == practitioner_id))


def _audit(session: Session, rt: Runtime, staff: Staff, action: str) -> None:
    audits.record(session, rt.now(), action, "practitioner", staff.id, staff=staff)
