"""`flask watchdog`: the technical alarm. `python -m watchdog` is the same without loading the application."""

from __future__ import annotations

import os
import sys

import click
from flask import current_app
from flask.cli import with_appcontext
from pydantic import ValidationError

from care_api.commands.output import as_json
from watchdog.__main__ import report, watch, wrong
from watchdog.settings import WatchdogSettings


@click.command("watchdog")
@click.option("--once", is_flag=True, help="Look once, print what is wrong, tell nobody.")
@as_json
@with_appcontext
def watchdog(once: bool, as_json: bool) -> None:
    """Watch over Care from outside, and tell somebody when it has gone quiet.

    It looks at the heartbeats, at open escalations that nobody will be paged for, at pages that do not leave and at
    work that is overdue, and says when the database or the web is away. Whom it tells stands in WATCHDOG_… settings
    (docs/operations.md). With --once it prints {ok, alarms: [{code, subject, text}]} and exits 1 when there is an
    alarm; without it, it runs until it is stopped.
    """
    theirs = current_app.extensions["care.settings"]
    try:
        found = WatchdogSettings(
            **({} if os.environ.get("WATCHDOG_DATABASE_URL") else {"database_url": theirs.database_url}),
            environment=theirs.care_environment,
        )
    except ValidationError as error:
        click.echo(wrong(error), err=True)
        sys.exit(2)
    sys.exit(report(found, as_json) if once else watch(found))
