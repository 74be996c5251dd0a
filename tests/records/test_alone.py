"""A statement that is a transaction of its own: done when it returns, on a connection that may have died meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from care.records.alone import NotAlone, execute_alone

KEEP = "INSERT INTO alone_note (id, word) VALUES (CAST($1 AS integer), $2) RETURNING word"
SERVER = "SELECT pg_backend_pid()::text"


@pytest.fixture
def notes(engine: Engine) -> Iterator[Session]:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alone_note (id integer PRIMARY KEY, word text)"))
    with Session(engine) as session:
        yield session
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alone_note"))


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM alone_note")).scalar_one())


def test_what_it_wrote_is_committed_when_it_returns_and_the_session_has_begun_nothing(
    notes: Session, engine: Engine
) -> None:
    assert execute_alone(notes, KEEP, ("1", "one")) == ("one",)
    assert (count(engine), notes.in_transaction()) == (1, False)


def test_nothing_is_nothing_and_null_is_none(notes: Session) -> None:
    assert execute_alone(notes, "SELECT 1 WHERE $1 = 'x'", ("y",)) is None
    assert execute_alone(notes, "SELECT CAST($1 AS text), $2", (None, "z")) == (None, "z")
    assert execute_alone(notes, "SELECT octet_length(CAST($1 AS bytea))", (b"\x00\xff",)) == ("2",)


def test_a_connection_is_used_again_also_after_a_refused_row(notes: Session, engine: Engine) -> None:
    first = execute_alone(notes, SERVER, ())
    execute_alone(notes, KEEP, ("1", "one"))
    with pytest.raises(NotAlone):
        execute_alone(notes, KEEP, ("1", "again"))
    assert execute_alone(notes, SERVER, ()) == first
    assert count(engine) == 1


def test_a_connection_that_died_meanwhile_is_replaced(notes: Session, engine: Engine) -> None:
    died = execute_alone(notes, SERVER, ())
    assert died is not None
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": int(str(died[0]))})
    alive = execute_alone(notes, SERVER, ())
    assert alive not in (died, None)
    assert execute_alone(notes, KEEP, ("2", "two")) == ("two",)


def test_a_statement_that_is_wrong_says_so_and_quotes_nothing(notes: Session) -> None:
    with pytest.raises(NotAlone) as told:
        execute_alone(notes, "SELECT CAST($1 AS integer)", ("chest pain",))
    assert "chest" not in str(told.value)


def test_where_no_connection_can_be_had_nobody_waits_for_one_twice() -> None:
    asked: list[object] = []
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    event.listen(nowhere, "do_connect", lambda *told: asked.append(told))
    with Session(nowhere) as session, pytest.raises(OperationalError):
        execute_alone(session, SERVER, ())
    assert len(asked) == 1
