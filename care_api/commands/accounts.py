"""`flask staff`: accounts made on the machine itself, and the care teams they belong to."""

from __future__ import annotations

import secrets
import sys
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Invalid, NotFound
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import by_username
from care.runtime import Runtime
from care.services import care_teams, second_factors
from care.services import staff as accounts
from care_api.commands.output import as_json, tell, told
from care_api.database import db

staff_group = AppGroup("staff", help="Accounts of staff, made on the machine itself.")


@staff_group.command("add")
@click.argument("username")
@click.option("--name", required=True, help="How colleagues see the person.")
@click.option("--role", type=click.Choice(["nurse", "clinician", "admin"]), required=True)
@click.option("--team", help="The care team's name (not for an administrator).")
@click.option("--by", help="The administrator who adds the account; not needed for the first one.")
@click.option("--organization", help="With the first administrator of an empty database: the hospital's name.")
@click.option("--country", default="US", show_default=True, help="The hospital's country, two letters.")
@click.option("--time-zone", default="UTC", show_default=True, help="The hospital's time zone, like Asia/Shanghai.")
@click.option("--page-channel", default="console", show_default=True, help="Where pages go: sms, console.")
@click.option("--page-address", help="The address on that channel.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@as_json
@told
def add(
    username: str,
    name: str,
    role: str,
    team: str | None,
    by: str | None,
    organization: str | None,
    country: str,
    time_zone: str,
    page_channel: str,
    page_address: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add an account. The very first one is an administrator; every later one is added --by an administrator.

    Asks for the password on a terminal; elsewhere, without --password-stdin, one is made up and printed. Prints
    {id, username, role, team} and the password if it was made up.
    """
    session, rt = db.session(), runtime()
    password, made_up = _password(password_stdin)
    if organization and session.scalars(select(Organization.id).limit(1)).first() is None:
        accounts.add_organization(session, rt, organization, country, time_zone, (team or "Care team",))
    admin = administrator(session, by) if by else None
    person = accounts.add_staff(
        session,
        rt,
        admin,
        username=username,
        password=password,
        name=name,
        role=role,
        care_team_id=_team(session, admin, team) if team and role != "admin" else None,
        page_channel=page_channel,
        page_address=page_address,
    )
    told_values = {"id": person.id, "username": person.username, "role": person.role, "team": team or ""}
    tell(told_values | ({"password": password} if made_up else {}), as_json)


@staff_group.command("password")
@click.argument("username")
@click.option("--by", required=True, help="The administrator who gives the new password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@as_json
@told
def password(username: str, by: str, password_stdin: bool, as_json: bool) -> None:
    """Give somebody a new password, who then changes it; everything signed in with the old one ends.

    Asks for it on a terminal; elsewhere, without --password-stdin, one is made up. Prints {id, username} and the
    password if it was made up.
    """
    session = db.session()
    chosen, made_up = _password(password_stdin)
    admin, person = administrator(session, by), by_username(session, username)
    if person is None:
        raise NotFound("practitioner", f"there is no account {username!r}")
    accounts.set_password(session, runtime(), admin, person.id, chosen)
    tell({"id": person.id, "username": person.username} | ({"password": chosen} if made_up else {}), as_json)


@staff_group.command("second-factor")
@click.argument("username")
@click.option("--by", required=True, help="The administrator who resets it.")
@as_json
@told
def second_factor(username: str, by: str, as_json: bool) -> None:
    """Take away the second step of somebody whose telephone is lost, and end their sessions; an administrator's too.

    Where it is required they set one up again when they sign in. Prints {id, username}.
    """
    session = db.session()
    admin, person = administrator(session, by), by_username(session, username)
    if person is None:
        raise NotFound("practitioner", f"there is no account {username!r}")
    second_factors.reset(session, runtime(), admin, person.id, on_the_machine=True)
    tell({"id": person.id, "username": person.username}, as_json)


@staff_group.command("team")
@click.argument("name")
@click.option("--by", required=True, help="The administrator who adds the team.")
@as_json
@told
def team(name: str, by: str, as_json: bool) -> None:
    """Add a care team to the administrator's organization. Prints {id, name}."""
    session = db.session()
    made = care_teams.add_care_team(session, runtime(), administrator(session, by), name)
    tell({"id": made.id, "name": made.name}, as_json)


def _password(from_input: bool) -> tuple[str, bool]:
    """The password, and whether it was made up here."""
    if from_input:
        return sys.stdin.readline().rstrip("\n"), False
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True)), False
    return secrets.token_urlsafe(15), True


def administrator(session: Session, username: str) -> Staff:
    found = by_username(session, username)
    if found is None or not found.active:
        raise NotFound("practitioner", f"there is no account {username!r}")
    return found.staff()


def _team(session: Session, admin: Staff | None, name: str) -> UUID:
    named = select(CareTeam.id).where(CareTeam.name == name)
    if admin is not None:
        named = named.where(CareTeam.organization_id == admin.organization_id)
    found = session.scalars(named).first()
    if found is None:
        raise Invalid("care-team", f"there is no care team {name!r}")
    return found


def runtime() -> Runtime:
    rt: Runtime = current_app.extensions["care.runtime"]
    return rt
