"""What lies on the embedded server: the role of the application and its databases. Connects as the superuser."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from launch.cluster import ROLE, SUPERUSER

KEPT = {ROLE, SUPERUSER, "template0", "template1"}


@contextmanager
def connected(host: str, port: int, password: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the superuser, each statement its own transaction. Errors: psycopg.Error."""
    connection = psycopg.connect(
        host=host,
        port=port,
        user=SUPERUSER,
        password=password,
        dbname="postgres",
        connect_timeout=5,
        sslmode="disable",
        gssencmode="disable",
        require_auth="scram-sha-256",  # never the password to a stranger who took over a port
        autocommit=True,
    )
    try:
        yield connection
    finally:
        connection.close()


def furnish(connection: psycopg.Connection[Any], password: str) -> None:
    """The application's role and its database, if they aren't there."""
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        command = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(command.format(sql.Identifier(ROLE), sql.Literal(password)))
    create_database(connection, ROLE)


def create_database(connection: psycopg.Connection[Any], name: str, template: str | None = None) -> None:
    """A database that the application's role owns, if it isn't there; a copy of `template`. Errors: ValueError."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_plain(name)]).fetchone():
        return
    command = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
    if template:
        command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(_plain(template)))
    # Somebody else may be quicker, between the look and the act.
    with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        connection.execute(command)


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database, whoever is connected to it. Errors: ValueError for the one that the application lives in."""
    if _plain(name) in KEPT:
        raise ValueError(f"{name} is not to be dropped")
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError("A database's name is made of small letters, digits and underscores.")
    return name
