"""`flask demo` and `flask replay`: simulated time, on a database of its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from care.errors import CareError
from care.runtime import Assess, Runtime
from scheduler.scratch import scratch_databases

# The address that was given from outside, before an embedded server took its place for this process.
WARDS = max(1, min(4, os.cpu_count() or 1))
GIVEN_DATABASE = os.environ.get("DATABASE_URL")


@click.command("demo")
@click.option("--patients", type=click.IntRange(1, 5000), default=5, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=28, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print only the figures, as one JSON object on the last line.")
@with_appcontext
def demo_command(patients: int, days: int, seed: int, as_json: bool) -> None:
    """A simulated month: people answer, some get worse, the ward is paged.

    Prints the conversations, pages and escalations, and last the figures: patients, days, tasks_due, reminders_sent,
    duplicates, lost, texts_in, reports, escalations, pages, pages_per_patient_week, alerts_per_100_reports, seconds.
    Exits 1 when anything was lost or doubled.
    """
    from scheduler.demo import demo

    with scratch_databases(GIVEN_DATABASE, 2 if as_json else 1) as urls:
        figures = demo(urls, _assess(), patients, days, seed, None if as_json else click.echo)
    click.echo(json.dumps(figures))
    sys.exit(0 if figures["duplicates"] == 0 and figures["lost"] == 0 else 1)


replay_group = AppGroup("replay", help="Replay what real patients wrote, on a database of its own.")


@replay_group.command("diaries")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
@with_appcontext
def replay_command(file: Path, as_json: bool) -> None:
    """Replay FILE, a diary in the AIM-94 format (csv.gz), as its patients' texts through the console channel.

    Prints patients, entries, accepted, refused, refused_by_reason, glucose_readings, below_70, below_54, escalated_low
    (linked to an escalation, new or open), unescalated_low, escalations, alerts_per_100_reports, duplicates, seconds.
    Exits 1 when the figures do not add up to the file or a low reading has no escalation; 2 for another format.
    """
    from scheduler.replay import holds, replay

    try:
        with scratch_databases(GIVEN_DATABASE, WARDS) as urls:
            figures = replay(urls, _assess(), file)
    except (CareError, OSError, UnicodeDecodeError) as error:
        click.echo(f"cannot replay this file: {error}", err=True)
        sys.exit(2)
    if not as_json:
        for name, value in figures.items():
            click.echo(f"{name:>24}  {value}")
    click.echo(json.dumps(figures))
    sys.exit(0 if holds(figures) else 1)


def _assess() -> Assess:
    rt: Runtime = current_app.extensions["care.runtime"]
    return rt.assess
