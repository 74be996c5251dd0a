"""Whether this process lives (/healthz), and whether the installation can do its work (/readyz)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, g
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from care.access import may
from care.services import heartbeats

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@may("anyone")
def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@may("anyone")
def readyz() -> tuple[dict[str, Any], int, dict[str, str]]:
    """The database answers, its tables are today's, and whoever has ever given a heartbeat still does.

    In production a clock and a worker must have beaten: without them no page leaves. A laptop may run a web alone.
    """
    checks = {"database": False, "migrations": False, "heartbeats": False}
    try:
        g.session.execute(text("SELECT 1"))
        checks["database"] = True
        checks["migrations"] = revision(g.session) == head()
        if checks["migrations"]:
            alone = current_app.extensions["care.settings"].care_environment == "development"
            checks["heartbeats"] = not heartbeats.silent(g.session, () if alone else heartbeats.EXPECTED)
    except SQLAlchemyError:
        g.session.rollback()
    ready = all(checks.values())
    return (
        {"status": "ok" if ready else "unready", "checks": checks},
        200 if ready else 503,
        ({} if ready else {"Retry-After": "5"}),
    )


def revision(session: Session) -> str | None:
    """The migration that the database is at; None for an empty one."""
    return MigrationContext.configure(session.connection()).get_current_revision()


@cache
def head() -> str | None:
    """The newest migration that this code brings."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()
