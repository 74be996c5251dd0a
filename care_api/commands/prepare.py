"""`flask prepare` and `flask seed`: from an empty database, or yesterday's, to one that can be worked with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.records.organizations import Organization
from care.runtime import Runtime
from care.services import content, heartbeats, models, simulated_phones
from care_api.commands.output import as_json, tell, told
from care_api.database import db
from care_api.embedded import VAR
from care_api.shipments import shipments

LOGINS = "demo-logins.json"


@click.command("prepare")
@click.option(
    "--demo/--no-demo", default=None, help="Make a demo clinic if the database holds none (default: in development)."
)
@click.option(
    "--var", type=click.Path(path_type=Path), default=VAR, help="Where the demo's log-ins are written (var/)."
)
@as_json
@with_appcontext
@told
def prepare(demo: bool | None, var: Path, as_json: bool) -> None:
    """Bring the tables up to date, publish the content, and on a laptop make a demo clinic; safe to run again.

    Prints {published, demo}. The demo's log-ins are written to var/demo-logins.json (mode 0600) once; in development,
    without that file, a demo clinic is completed and its people get new passwords.
    """
    upgrade()
    session, rt = db.session(), _runtime()
    published = content.publish_seeds(session, rt.now())
    models.register_shipped(session, rt.now(), shipments(current_app.extensions["care.settings"].bundles_directory))
    laptop = current_app.extensions["care.settings"].care_environment == "development"
    made = (laptop if demo is None else demo) and _demo_clinic(session, rt, var / LOGINS, laptop)
    if current_app.extensions["care.settings"].care_simulator:
        simulated_phones.furnish(session, rt)
    # Whoever beat before gets a minute to come back, so that a system that starts again is not unready for being off.
    for name in heartbeats.ages(session):
        heartbeats.beat(session, name)
    tell({"published": published, "demo": bool(made)}, as_json)


@click.command("seed")
@as_json
@with_appcontext
@told
def seed(as_json: bool) -> None:
    """Publish the protocols, questionnaires and rules that come with this version, and register its models.

    Prints {published, models}. A model of which no version was known is active from then on, unless its gates did not
    hold; a later version waits until two people let it in.

    A published version is never edited: a file that differs from it under the same version is refused.
    """
    session, now = db.session(), _runtime().now()
    published = content.publish_seeds(session, now)
    found = shipments(current_app.extensions["care.settings"].bundles_directory)
    tell({"published": published, "models": models.register_shipped(session, now, found)}, as_json)


def _demo_clinic(session: Session, rt: Runtime, logins: Path, laptop: bool) -> bool:
    """Make the demo clinic in a database without any organization, and write down how to get in.

    The file is written last, so where it is missing the making was interrupted: on a laptop it is then ended.
    """
    from care.services.demo_clinic import HOSPITAL, seed_demo

    names = set(session.scalars(select(Organization.name)))
    if names and not (laptop and names == {HOSPITAL} and not logins.exists()):
        return False
    _write(logins, seed_demo(session, rt, again=True))
    return True


def _write(path: Path, logins: Any) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(logins, file, ensure_ascii=False, indent=1, default=str)
    draft.rename(path)


def _runtime() -> Runtime:
    rt: Runtime = current_app.extensions["care.runtime"]
    return rt
