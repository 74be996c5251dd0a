"""Accounts of staff. An administrator keeps them; the first one is made on the machine itself."""

from __future__ import annotations

import re
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.civil import zone_of
from care.domain.codes import Role
from care.domain.people import Staff
from care.domain.reach import carries_pages
from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner, by_username
from care.runtime import Runtime
from care.services import audits
from care.services.addresses import known_country, plain
from care.services.staff_sessions import TRIES, WINDOW, end_sessions, fits
from care.services.throttles import count_try, forget_tries

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1000
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,59}")
_ACCOUNTS = 0x5AFF  # advisory lock: the first and the last administrator are decided by one process at a time
_hasher = PasswordHasher()


def add_organization(
    session: Session,
    rt: Runtime,
    name: str,
    country: str,
    time_zone: str,
    teams: tuple[str, ...] = ("Care team",),
    inbound_address: str | None = None,
) -> Organization:
    """A hospital with its care teams, the first of which gets what belongs to nobody; commits. For whoever sets up."""
    zone_of(time_zone)
    hospital = Organization(
        name=plain(name, "name"), country=known_country(country), time_zone=time_zone, inbound_address=inbound_address
    )
    session.add(hospital)
    session.flush()
    for number, team in enumerate(teams):
        session.add(CareTeam(organization_id=hospital.id, name=plain(team, "team"), default=number == 0))
    audits.record(session, rt.now(), "organization.add", "organization", hospital.id, organization_id=hospital.id)
    session.commit()
    return hospital


def add_staff(
    session: Session,
    rt: Runtime,
    by: Staff | None,
    *,
    username: str,
    password: str,
    name: str,
    role: str,
    care_team_id: UUID | None = None,
    organization_id: UUID | None = None,
    page_channel: str = "console",
    page_address: str | None = None,
) -> Practitioner:
    """A new account; commits. `by` is an administrator, or None for the very first administrator.

    Without `by` the organization is `organization_id`, or the only one there is. Raises NotAllowed, Invalid(place=...),
    Conflict for a user name that is taken. A channel that depends on what its user has written last takes no pages.
    """
    session.execute(select(func.pg_advisory_xact_lock(_ACCOUNTS)))
    wanted = _role(role)
    _must_carry_pages(rt, page_channel)
    organization = _may_add(session, by, wanted, organization_id)
    team = _team(session, organization, wanted, care_team_id)
    account = _username(username)
    person = Practitioner(
        organization_id=organization,
        care_team_id=team,
        role=wanted.value,
        username=account,
        name=plain(name, "name", 120),
        password_hash=_hash(password, account),
        active=True,
        page_channel=plain(page_channel, "page_channel", 20),
        page_address=plain(page_address, "page_address") if page_address else account,
        created_at=rt.now(),
    )
    if by_username(session, account) is not None:
        raise Conflict("username", "this user name is taken", place="username")
    session.add(person)
    audits.record(
        session,
        rt.now(),
        "staff.add",
        "practitioner",
        person.id,
        staff=by,
        organization_id=organization,
        role=wanted.value,
    )
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise Conflict("username", "this user name is taken", place="username") from None
    return person


def _must_carry_pages(rt: Runtime, channel: str) -> None:
    known = rt.channels.get(channel)
    if known is None:
        return  # a page by a channel that is not there is given up where whoever keeps the system sees it
    if not carries_pages(known.capabilities):
        told = "this channel is closed to us until its user writes: choose one that always takes a page"
        raise Invalid("page-channel", told, place="page_channel")


def deactivate(session: Session, rt: Runtime, by: Staff, practitioner_id: UUID) -> Practitioner:
    """Close an account and end its sessions; commits. Raises NotFound, NotAllowed, Conflict (the last one)."""
    by.must_be(Role.ADMIN)
    session.execute(select(func.pg_advisory_xact_lock(_ACCOUNTS)))
    person = _colleague(session, by, practitioner_id)
    if person.role == Role.ADMIN and person.active and _administrators(session, by.organization_id) < 2:
        raise Conflict("last-administrator", "the last administrator's account can't be closed")
    person.active = False
    end_sessions(session, rt.now(), person.id)
    audits.record(session, rt.now(), "staff.deactivate", "practitioner", person.id, staff=by)
    session.commit()
    return person


def set_password(session: Session, rt: Runtime, by: Staff, practitioner_id: UUID, password: str) -> None:
    """A new password, by its owner or an administrator; every session of the account ends; commits.

    Raises NotFound, NotAllowed, Invalid.
    """
    if by.id != practitioner_id:
        by.must_be(Role.ADMIN)
    person = _colleague(session, by, practitioner_id)
    person.password_hash = _hash(password, person.username)
    end_sessions(session, rt.now(), person.id)
    audits.record(session, rt.now(), "staff.password", "practitioner", person.id, staff=by)
    session.commit()


def change_password(session: Session, rt: Runtime, by: Staff, old: str, new: str) -> None:
    """A new password for oneself; every session of the account ends, this one too; commits.

    Raises Invalid for a wrong old password or a weak new one, TooMany after some wrong ones.
    """
    count_try(session, rt.now(), "change-password", str(by.id), TRIES, WINDOW)
    if not fits(_colleague(session, by, by.id).password_hash, old):
        session.rollback()
        raise Invalid("wrong-password", "this is not your password", place="old")
    set_password(session, rt, by, by.id, new)
    forget_tries(session, "change-password", str(by.id))
    session.commit()


def _may_add(session: Session, by: Staff | None, role: Role, organization_id: UUID | None) -> UUID:
    """The organization that the account belongs to."""
    if by is not None:
        by.must_be(Role.ADMIN)
        return by.organization_id
    if role is not Role.ADMIN or _administrators(session) > 0:
        raise NotAllowed("administrator", "only an administrator adds staff; without one, only the first administrator")
    known = list(session.scalars(select(Organization.id).limit(2)))
    if organization_id is None and len(known) == 1:
        return known[0]
    if organization_id is None or session.get(Organization, organization_id) is None:
        raise Invalid("organization", "name the organization that the account belongs to", place="organization")
    return organization_id


def _administrators(session: Session, organization_id: UUID | None = None) -> int:
    found = select(func.count()).where(Practitioner.role == Role.ADMIN.value, Practitioner.active)
    if organization_id is not None:
        found = found.where(Practitioner.organization_id == organization_id)
    return session.scalars(found).one()


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise Invalid("unknown-role", f"this must be one of {', '.join(Role)}", place="role") from None


def _team(session: Session, organization_id: UUID, role: Role, care_team_id: UUID | None) -> UUID | None:
    """An administrator has no team; everybody else has one of the organization's."""
    if role is Role.ADMIN:
        return None
    team = session.get(CareTeam, care_team_id) if care_team_id else None
    if team is None or team.organization_id != organization_id:
        raise Invalid("care-team", "choose a care team", place="care_team_id")
    return team.id


def _username(username: str) -> str:
    account = username.strip().lower()
    if not _USERNAME.fullmatch(account):
        raise Invalid("username", "2 to 60 of the characters a-z, 0-9 and . _ @ -", place="username")
    return account


def _hash(password: str, username: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid("password-length", f"at least {SHORTEST_PASSWORD} characters", place="password")
    if len(set(password)) < 5 or username in password.lower():
        raise Invalid("password-weak", "too easy to guess; a sentence is good", place="password")
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def _colleague(session: Session, by: Staff, practitioner_id: UUID) -> Practitioner:
    found = select(Practitioner).where(
        Practitioner.id == practitioner_id, Practitioner.organization_id == by.organization_id
    )
    person = session.scalars(found.with_for_update()).first()
    if person is None:
        raise NotFound("practitioner", "no such account")
    return person
