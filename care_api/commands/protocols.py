"""`flask protocols`: the follow-up protocols of this installation."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from care.records.definitions import published
from care.services import content
from care_api.commands.output import as_json, tell, told
from care_api.database import db

protocols_group = AppGroup("protocols", help="Follow-up protocols: published, versioned, never edited.")


@protocols_group.command("list")
@as_json
@told
def list_protocols(as_json: bool) -> None:
    """The published protocols, newest version last. Prints {protocols: [{url, version, title, sha256}]}."""
    session = db.session()
    rows = [
        {
            "url": one.url,
            "version": one.version,
            "title": content.plan(session, one.id).title.get("en", ""),
            "sha256": one.sha256,
        }
        for one in published(session, "PlanDefinition")
    ]
    if as_json:
        tell({"protocols": rows}, as_json)
        return
    for row in rows:
        click.echo(f"{row['url']}|{row['version']}  {row['title']}")
