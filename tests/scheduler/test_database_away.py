"""The database goes and comes back under a running clock and worker: they wait, and go on by themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from care.domain.message import Incoming
from care.records.communications import Communication
from care.runtime import Runtime, wall_clock
from care.services import heartbeats, inbox
from care_api.database import ENGINE
from scheduler.clock import run
from tests.care_api.away import Away, database_of_its_own
from tests.conftest import FakeChannel

SOON = 60.0  # seconds that anything may take on a busy machine


@pytest.fixture(scope="module")
def away() -> Iterator[Away]:
    with database_of_its_own() as made:
        yield made


@pytest.fixture
def engine(away: Away) -> Iterator[Engine]:
    """Connections as the real processes have them."""
    if not away.server.running():
        away.start()
    made = create_engine(away.url, **ENGINE)
    with made.begin() as connection:
        connection.execute(text("TRUNCATE heartbeat"))
    yield made
    made.dispose()


@pytest.fixture
def rt(sms: FakeChannel) -> Runtime:
    return Runtime(clock=wall_clock, channels={"sms": sms})


@contextmanager
def lanes(engine: Engine, rt: Runtime) -> Iterator[list[threading.Thread]]:
    """A clock and a worker, as their processes run them."""
    stop, opened = threading.Event(), sessionmaker(engine, expire_on_commit=False)
    running = [threading.Thread(target=run, args=(lane, opened, rt, stop)) for lane in ("clock", "worker")]
    for lane in running:
        lane.start()
    try:
        yield running
    finally:
        stop.set()
        for lane in running:
            lane.join(SOON)


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; a database that is away is no answer."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        try:
            if holds():
                return
        except OperationalError:
            pass
        time.sleep(0.05)
    pytest.fail("it did not come to be")


def beating(engine: Engine) -> bool:
    with Session(engine) as session:
        ages = heartbeats.ages(session)
    return ages.keys() >= {"clock", "worker"} and max(ages.values()) < 3


def ask(engine: Engine, rt: Runtime, number: int) -> None:
    """A text of somebody whom nobody knows; it is answered by a message of its own."""
    with Session(engine, expire_on_commit=False) as session:
        inbox.receive(session, rt, Incoming("sms", f"+1415555{number:04d}", "hello", f"SM{number}", rt.now()))


def answered(engine: Engine, count: int) -> bool:
    with Session(engine) as session:
        sent = select(func.count()).where(Communication.direction == "out", Communication.sent_at.is_not(None))
        return int(session.execute(sent).scalar_one()) >= count


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_a_clock_and_a_worker_outlive_their_database_and_send_what_waited(
    away: Away, engine: Engine, rt: Runtime, sms: FakeChannel, end: str
):
    first = 100 if end == "stop" else 200
    with Session(engine) as session:
        before = int(session.execute(select(func.count()).where(Communication.sent_at.is_not(None))).scalar_one())
    with lanes(engine, rt) as running:
        until(lambda: beating(engine))
        ask(engine, rt, first)
        until(lambda: answered(engine, before + 1))
        getattr(away, end)()
        threading.Event().wait(1.5)  # some ticks of every job fail meanwhile
        assert all(lane.is_alive() for lane in running)
        away.start()
        ask(engine, rt, first + 1)
        until(lambda: answered(engine, before + 2))
        until(lambda: beating(engine))
    assert not any(lane.is_alive() for lane in running)
    assert len(sms.sent) == len({one.id for one in sms.sent}) == 2


def test_lanes_that_start_before_their_database_wait_for_it(away: Away, engine: Engine, rt: Runtime):
    away.stop()
    with lanes(engine, rt) as running:
        threading.Event().wait(0.5)
        assert all(lane.is_alive() for lane in running)
        away.start()
        until(lambda: beating(engine))


def test_what_is_logged_of_an_absent_database_names_nobody(
    away: Away, engine: Engine, rt: Runtime, capfd: pytest.CaptureFixture[str]
):
    away.stop()
    with lanes(engine, rt):
        threading.Event().wait(0.5)
    away.start()
    out, err = capfd.readouterr()
    assert "database away, waiting" in out + err
    assert away.url.split(":")[2].split("@")[0] not in out + err
    assert "Traceback" not in out + err
