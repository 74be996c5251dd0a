"""Alone: one statement that is a transaction of its own, on a connection that does nothing else.

The database commits it as it ends, so that it is one round trip; begun, committed and given back as a session does it
is four, and most of a web worker's time. For what is written very often and is safe to say twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

Value = str | bytes | None
"""A value in the database's own words: text as the column's type reads it, bytes as a bytea."""


class NotAlone(Exception):
    """It did not work out, for whatever reason; whether the statement was done is not known."""


class _Broken(Exception):
    """A line that is of no more use."""


class _Line:
    """A connection that commits by itself, and what has been prepared on it."""

    def __init__(self, connection: Any) -> None:
        connection.autocommit = True
        self._connection = connection
        self._prepared: dict[str, bytes] = {}

    def say(self, statement: str, values: Sequence[Value]) -> tuple[str | None, ...] | None:
        """The first row, as text. Raises psycopg's errors; after one the line is of no more use."""
        talk = self._connection.pgconn
        name = self._prepared.get(statement)
        if name is None:
            name = b"care_alone_%d" % len(self._prepared)
            self._judge(talk.prepare(name, statement.encode()))
            self._prepared[statement] = name
        plain = [value.encode() if isinstance(value, str) else value for value in values]
        kinds = [isinstance(value, bytes) for value in values]
        told = self._judge(talk.exec_prepared(name, plain, kinds))
        if not told.ntuples:
            return None
        cells = [told.get_value(0, column) for column in range(told.nfields)]
        return tuple(None if cell is None else cell.decode() for cell in cells)

    def close(self) -> None:
        self._connection.close()

    def _judge(self, told: Any) -> Any:
        if told.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            return told
        broken = self._connection.pgconn.status != ConnStatus.OK
        raise psycopg.OperationalError("the connection is broken") if broken else error_from_result(told)


_idle: WeakKeyDictionary[Engine, list[_Line]] = WeakKeyDictionary()


def execute_alone(session: Session, statement: str, values: Sequence[Value]) -> tuple[str | None, ...] | None:
    """The first row of a statement ($1, $2 … for its values) that is committed when this returns; None without one.

    On the session's database, but not in its transaction. Said again, once, on a new connection when the one it was
    said on turns out to be broken. Raises NotAlone when it failed: it may have been done all the same; and SQLAlchemy's
    error where no connection can be had, as any other way to the database would, after as long a wait.
    """
    bind = session.get_bind()
    engine = bind.engine if isinstance(bind, Connection) else bind
    idle = _idle.setdefault(engine, [])
    try:
        line = idle.pop()
    except IndexError:  # nobody has brought one back yet
        line = None
    if line is not None:
        with suppress(_Broken):
            return _say(line, idle, statement, values)
        _close(idle)  # perhaps the database was away: then whatever lies here is broken too
    try:
        return _say(_line(engine), idle, statement, values)
    except (psycopg.Error, _Broken) as error:
        raise NotAlone(type(error).__name__) from None


def _say(line: _Line, idle: list[_Line], statement: str, values: Sequence[Value]) -> tuple[str | None, ...] | None:
    """Raises NotAlone when the database refuses the statement, _Broken when the line is of no more use."""
    try:
        row = line.say(statement, values)
    except psycopg.IntegrityError as error:
        idle.append(line)
        raise NotAlone(type(error).__name__) from None
    except psycopg.Error as error:
        line.close()
        raise _Broken(type(error).__name__) from None
    idle.append(line)
    return row


def _close(idle: list[_Line]) -> None:
    while idle:
        with suppress(IndexError, psycopg.Error):
            idle.pop().close()


def _line(engine: Engine) -> _Line:
    """A connection as the engine makes them, which belongs to nobody but us."""
    given = engine.connect()
    connection = given.connection.driver_connection
    given.detach()
    return _Line(connection)
