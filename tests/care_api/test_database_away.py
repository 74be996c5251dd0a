"""The database goes and comes back under a running web: 503 meanwhile, nothing lost, nothing twice, no fault shown."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session

from bots.console import ConsoleChannel
from care.access import may
from care.records.communications import Communication
from care.runtime import Runtime
from care_api.database import db
from tests.care_api.away import Away, database_of_its_own
from tests.care_api.serving import serving
from tests.care_api.twilio_calls import fields, post, twilio
from tests.conftest import Clock


@pytest.fixture(scope="module")
def away() -> Iterator[Away]:
    with database_of_its_own() as made:
        yield made


@pytest.fixture
def app(away: Away, clock: Clock) -> Iterator[Flask]:
    if not away.server.running():
        away.start()  # a test before this one failed half-way
    rt = Runtime(clock=clock, channels={"sms": twilio(), "console": ConsoleChannel(lambda _: None)})
    with serving(away.url, rt) as made:
        yield made


def text_in(app: Flask, number: int) -> int:
    """What a provider hears when it brings this text."""
    return post(app.test_client(), fields(f"text {number}", sid=f"SM{number:032d}")).status_code


def kept(app: Flask, numbers: range) -> int:
    """How many of these texts are in the table."""
    with app.app_context():
        found = select(func.count()).where(
            Communication.direction == "in", Communication.external_id.in_([f"SM{number:032d}" for number in numbers])
        )
        return int(db.session.execute(found).scalar_one())


def fill_the_pool(app: Flask, connections: int = 4) -> None:
    """Have connections in the pool, as after some minutes of work."""
    with app.app_context():
        opened = [db.engine.connect() for _ in range(connections)]
        for connection in opened:
            connection.execute(text("SELECT 1"))
            connection.close()


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_a_text_is_refused_while_the_database_is_away_and_taken_at_once_when_it_is_back(
    app: Flask, away: Away, end: str
):
    first = 100 if end == "stop" else 200
    assert text_in(app, first) == 200
    fill_the_pool(app)
    getattr(away, end)()
    client = app.test_client()
    for number in range(first + 1, first + 6):
        found = post(client, fields("x", sid=f"SM{number:032d}"))
        assert (found.status_code, found.headers["Retry-After"]) == (503, "5")
        assert found.content_type == "application/problem+json"
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    client.set_cookie("care_staff", "x")
    assert client.get("/sign-in").status_code == 503
    away.start()
    assert [text_in(app, number) for number in range(first, first + 6)] == [200] * 6
    assert kept(app, range(first, first + 10)) == 6


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_connections_that_died_in_the_pool_are_no_fault_of_any_request(app: Flask, away: Away, end: str):
    fill_the_pool(app)
    getattr(away, end)()
    away.start()
    number = 300 if end == "stop" else 310
    assert [text_in(app, number + one) for one in range(6)] == [200] * 6


def test_a_burst_while_it_goes_and_comes_is_kept_once_each_and_only_what_was_kept_was_taken(app: Flask, away: Away):
    numbers = range(1_000, 1_120)
    answers: Counter[int] = Counter()
    todo = iter(numbers)
    lock, gone = threading.Lock(), threading.Event()

    def provider() -> None:
        """Bring each text again and again until it is taken, as a provider does."""
        while True:
            with lock:
                number = next(todo, None)
            if number is None:
                return
            for _ in range(2_000):
                status = text_in(app, number)
                with lock:
                    answers[status] += 1
                if status == 200:
                    break
                gone.set()
                threading.Event().wait(0.02)

    callers = [threading.Thread(target=provider) for _ in range(4)]
    for caller in callers:
        caller.start()
    away.stop()
    assert gone.wait(20)
    away.start()
    for caller in callers:
        caller.join(60)
    assert set(answers) == {200, 503}
    assert answers[200] == len(numbers) == kept(app, numbers)


def test_a_database_that_takes_no_writing_yet_is_away_too(app: Flask, away: Away):
    """As a standby that is being promoted."""
    with app.app_context(), db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(
            text("ALTER ROLE care SET default_transaction_read_only = on")
        )
        db.engine.dispose()
    try:
        assert text_in(app, 400) == 503
    finally:
        with app.app_context(), db.engine.connect() as connection:
            autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
            autocommit.execute(text("SET default_transaction_read_only = off"))
            autocommit.execute(text("ALTER ROLE care RESET default_transaction_read_only"))
            db.engine.dispose()
    assert text_in(app, 400) == 200


def test_a_fault_of_ours_is_not_excused_by_the_database(app: Flask):
    @may("anyone")
    def broken() -> str:
        with Session(db.engine) as session:
            session.execute(text("SELECT 1/0"))
        return ""

    @may("anyone")
    def half() -> str:
        raise InternalError("x", {}, Exception())

    app.add_url_rule("/api/broken", "broken", broken)
    app.add_url_rule("/api/half", "half", half)
    for path in ("/api/broken", "/api/half"):
        assert app.test_client().get(path).status_code == 500
