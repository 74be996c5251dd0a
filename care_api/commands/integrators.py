"""`flask integrators`: the systems of the hospital that may hand in values, each with a key of its own."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import AppGroup

from care.records.integrators import integrators
from care.services.integrators import add_integrator, revoke_integrator
from care_api.commands.accounts import administrator, runtime
from care_api.commands.output import as_json, tell, told
from care_api.database import db

integrators_group = AppGroup("integrators", help="Systems that may hand in laboratory values and measurements.")
by = click.option("--by", required=True, help="The administrator of the organization.")


@integrators_group.command("add")
@click.argument("name")
@by
@as_json
@told
def add(name: str, by: str, as_json: bool) -> None:
    """Let a system hand in values. Prints {id, name, key}: the key is shown now and kept nowhere."""
    session = db.session()
    row, key = add_integrator(session, runtime(), administrator(session, by), name)
    tell({"id": row.id, "name": row.name, "key": key}, as_json)


@integrators_group.command("revoke")
@click.argument("integrator_id", metavar="ID", type=click.UUID)
@by
@as_json
@told
def revoke(integrator_id: UUID, by: str, as_json: bool) -> None:
    """End it: the key is good for nothing from now on. Prints {id, name, revoked_at}."""
    session = db.session()
    row = revoke_integrator(session, runtime(), administrator(session, by), integrator_id)
    tell({"id": row.id, "name": row.name, "revoked_at": row.revoked_at}, as_json)


@integrators_group.command("list")
@by
@as_json
@told
def show(by: str, as_json: bool) -> None:
    """The organization's systems by name. Prints {name: id and since when it is revoked, if it is}."""
    session = db.session()
    found = integrators(session, administrator(session, by).organization_id)
    tell({one.name: f"{one.id}{f' revoked {one.revoked_at}' if one.revoked_at else ''}" for one in found}, as_json)
