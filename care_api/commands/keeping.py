"""`flask audit`, `flask keys`, `flask backup` and `flask restore`: what keeps the records whole, closed and there."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from care.records import seal
from care.services import audits, keys
from care_api import backup as backups
from care_api.commands.output import as_json, end, tell, told
from care_api.database import db

audit_group = AppGroup("audit", help="The audit: who did what, chained by hashes.")
keys_group = AppGroup("keys", help="The keys that the records are sealed with.")


@audit_group.command("verify")
@as_json
@told
def verify(as_json: bool) -> None:
    """Walk the chain of audit events from its start.

    Prints {events, ok, first_broken, unsealed}; unsealed events were committed and wait for the sealer. Exits 1 when
    the chain is broken.
    """
    found = audits.verify(db.session())
    told_values = {"events": found.events, "ok": found.ok, "first_broken": found.first_broken}
    tell(told_values | {"unsealed": found.unsealed}, as_json)
    end(found.ok)


@keys_group.command("rotate")
@as_json
@told
def rotate(as_json: bool) -> None:
    """Seal everything with the first key of CARE_KEYS.

    To exchange a key: put the new one first and keep the old one behind it, restart, run this, and take the old one
    away when it ends with 0. It may be interrupted and run again. Prints {key, resealed: rows by table}. Backups stay
    sealed with the key of their day: keep old keys as long as old backups.
    """
    counts = keys.rotate(db.session())
    tell({"key": seal.ring().current, "resealed": counts}, as_json)


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@with_appcontext
@told
def backup(file: Path, as_json: bool) -> None:
    """Write the whole database to FILE, sealed with the first key of CARE_KEYS. FILE must not exist.

    The keys are not in it: without them FILE is noise, so keep them elsewhere. Prints {file, bytes, key}.
    """
    ring = seal.ring()
    size = backups.backup(_database(), file, ring.current, ring.keys[ring.current])
    tell({"file": str(file), "bytes": size, "key": ring.current}, as_json)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@with_appcontext
@told
def restore(file: Path, as_json: bool) -> None:
    """Restore FILE, made by `flask backup`, into an empty database; all of it or nothing.

    Refuses a database that holds a table, a file that is cut short or changed, and one whose key CARE_KEYS does not
    name. CARE_TOKEN_KEY must be the same as when it was made. Prints {file, bytes}.
    """
    db.session.remove()
    tell({"file": str(file), "bytes": backups.restore(_database(), file, seal.ring().keys)}, as_json)


def _database() -> str:
    url: str = current_app.extensions["care.settings"].database_url.get_secret_value()
    return url
