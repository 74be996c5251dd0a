"""A database of its own for simulated time: `flask demo` and `flask replay` never touch the clinic's."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from care.records.seal import Keyring, install
from launch.postgres import Embedded

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def scratch_databases(database_url: str | None, count: int = 1) -> Iterator[list[str]]:
    """The addresses of `count` empty, migrated databases that are gone afterwards; keys of their own are installed.

    With `database_url` they are new databases on that server (the role needs CREATEDB); without, they are on an
    embedded server in a temporary folder under var/.
    """
    install(Keyring({"scratch": secrets.token_bytes(32)}, secrets.token_bytes(32)))
    with _on_server(database_url, count) if database_url else _embedded(count) as urls:
        for url in urls:
            migrate(url)
        yield urls


def migrate(url: str) -> None:
    """Bring the database at `url` up from nothing to today's tables."""
    config = Config(str(ROOT / "migrations" / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    engine = create_engine(url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


@contextmanager
def _embedded(count: int) -> Iterator[list[str]]:
    var = ROOT / "var"
    var.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=var) as folder:
        server = Embedded(Path(folder), durable=False)  # nobody will ever recover a simulation
        server.start()
        try:
            yield [server.ensure_database(f"scratch_{number}") for number in range(count)]
        finally:
            server.stop()


@contextmanager
def _on_server(database_url: str, count: int) -> Iterator[list[str]]:
    mark = f"care_scratch_{os.getpid()}_{secrets.token_hex(4)}"
    names = [f"{mark}_{number}" for number in range(count)]
    admin = create_engine(database_url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            for name in names:
                connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        yield [make_url(database_url).set(database=name).render_as_string(hide_password=False) for name in names]
    finally:
        with admin.connect() as connection:
            for name in names:
                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.dispose()
