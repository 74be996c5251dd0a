"""The carrier: messages name rows, whoever gets one does what is still to do, and a broker may lose or double them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import pika
import pytest
import redis
from dramatiq.brokers.stub import StubBroker
from pydantic import ValidationError
from sqlalchemy import Engine, func, or_, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from care.domain.codes import Purpose
from care.domain.message import Outgoing
from care.records.communications import Communication
from care.runtime import Runtime
from care.settings import Settings
from scheduler.carrier import Carrier, broker_at, crew, queue_name
from scheduler.clock import run
from scheduler.publisher import MESSAGE, ROADS, Publisher
from scheduler.worker import act_on, threads_of, work
from tests.conftest import ROOT, Clinic, Clock, FakeChannel, require
from tests.scheduler.test_publisher import queue
from tests.services.world import World, make_world

REDIS, RABBIT = "redis://127.0.0.1:6379/0", "amqp://guest:guest@127.0.0.1:5672"
NOBODY = {"redis": "redis://127.0.0.1:1/0", "amqp": "amqp://guest:guest@127.0.0.1:1"}


def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def opened(empty_database: Engine) -> sessionmaker[Session]:
    return sessionmaker(empty_database, expire_on_commit=False)


@pytest.fixture
def act(opened: sessionmaker[Session], rt: Runtime) -> Callable[[str, list[str]], None]:
    return act_on(opened, rt, threading.Event())


@pytest.fixture
def stub() -> StubBroker:
    return StubBroker(middleware=[])


@pytest.fixture
def carrier(stub: StubBroker) -> Carrier:
    return Carrier(stub, "test")


@pytest.fixture
def hands(stub: StubBroker, carrier: Carrier, act: Callable[[str, list[str]], None]) -> Iterator[Callable[[], None]]:
    """A worker on the stub, not started; calling it has everything worked that was published."""
    worker = crew(stub, "test", "routine", act, 2)

    def all_of_it() -> None:
        if not worker.workers:
            worker.start()
        for road in ROADS:
            stub.join(queue_name("test", road), timeout=20_000)
        worker.join()

    yield all_of_it
    if worker.workers:
        worker.stop(timeout=5_000)


def test_what_is_published_is_sent(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, sms: FakeChannel, carrier: Carrier, hands: Any
):
    ids = queue(session, clinic, clock, 60)
    assert Publisher(carrier.send).publish_due(session, rt).done == 60
    hands()
    assert sorted(one.id for one in sms.sent) == sorted(ids)


def test_a_message_carries_the_ids_of_rows_and_nothing_else(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, carrier: Carrier, stub: StubBroker
):
    ids = queue(session, clinic, clock, 2)
    Publisher(carrier.send).publish_due(session, rt)
    message = json.loads(stub.queues[queue_name("test", "routine")].get_nowait())
    assert message["args"] == ["deliver", [str(one) for one in ids]]
    assert message["kwargs"] == message["options"] == {}
    assert set(message) == {
        "queue_name",
        "actor_name",
        "args",
        "kwargs",
        "options",
        "message_id",
        "message_timestamp",
    }


def test_a_doubled_message_is_done_once(
    session: Session, clinic: Clinic, clock: Clock, sms: FakeChannel, carrier: Carrier, hands: Any
):
    ids = queue(session, clinic, clock, 20)
    for _ in range(4):
        carrier.send("routine", "deliver", ids)
    hands()
    assert Counter(one.id for one in sms.sent) == Counter(ids)


def test_a_lost_message_is_published_again_and_sent(
    session: Session,
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    sms: FakeChannel,
    carrier: Carrier,
    stub: StubBroker,
    hands: Any,
):
    ids = queue(session, clinic, clock, 3)
    now = [0.0]
    publisher = Publisher(carrier.send, lambda: now[0])
    publisher.publish_due(session, rt)
    stub.flush_all()
    for second in (10.0, 29.0):
        now[0] = second
        assert publisher.publish_due(session, rt).done == 0
    now[0] = 31.0
    assert publisher.publish_due(session, rt).done == 3
    hands()
    assert sorted(one.id for one in sms.sent) == sorted(ids)


def test_a_row_that_is_not_due_any_more_is_left_alone(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, sms: FakeChannel, carrier: Carrier, hands: Any
):
    stopped, later, gone, sent = queue(session, clinic, clock, 4)
    Publisher(carrier.send).publish_due(session, rt)
    session.execute(text("UPDATE communication SET send_at = NULL WHERE id = :id"), {"id": stopped})
    session.execute(
        text("UPDATE communication SET send_at = send_at + interval '1 hour' WHERE id = :id"), {"id": later}
    )
    session.execute(
        text("UPDATE communication SET lease_until = clock_timestamp() + interval '1 minute' WHERE id = :id"),
        {"id": gone},
    )
    session.commit()
    carrier.send("routine", "deliver", [uuid4()])
    hands()
    assert [one.id for one in sms.sent] == [sent]


def test_turns_and_reports_are_carried(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, carrier: Carrier, hands: Any
):
    world: World = make_world(session, rt, clock, clinic)
    world.patient()
    world.receive("glucose 100")
    publisher = Publisher(carrier.send)
    publisher.publish_due(session, rt)
    hands()
    waiting = text("SELECT count(*) FROM questionnaire_response WHERE score_at IS NOT NULL")
    assert session.execute(waiting).scalar() == 1
    publisher.publish_due(session, rt)
    hands()
    session.rollback()
    assert session.execute(waiting).scalar() == 0
    judged = text("SELECT count(*) FROM questionnaire_response WHERE judged IS NOT NULL")
    assert session.execute(judged).scalar() == 1


@pytest.mark.parametrize(("job", "ids"), [("no-such-job", [str(uuid4())]), ("deliver", ["not an id"]), ("deliver", [])])
def test_a_strange_message_does_no_harm(
    session: Session, carrier: Carrier, stub: StubBroker, hands: Any, job: str, ids: list[str]
):
    stub.enqueue(dramatiq.Message(queue_name("test", "urgent"), "work", (job, ids), {}, {}))
    hands()
    assert stub.dead_letters == []


def test_what_fails_is_logged_by_type_and_the_message_is_done_with(
    opened: sessionmaker[Session],
    rt: Runtime,
    carrier: Carrier,
    no_patient_data_in_logs: Callable[[str], str],
):
    words = no_patient_data_in_logs("the words of a patient")

    def broken() -> Session:
        raise ValueError(words)

    act_on(broken, rt, threading.Event())("deliver", [str(uuid4())])


def test_while_the_database_is_away_the_message_is_kept(
    session: Session, opened: sessionmaker[Session], rt: Runtime, clinic: Clinic, clock: Clock, sms: FakeChannel
):
    (row,) = queue(session, clinic, clock)
    away = [1]

    def sometimes() -> Session:
        if away:
            away.pop()
            raise OperationalError("SELECT", {}, ConnectionError("away"))
        return opened()

    act_on(sometimes, rt, threading.Event())("deliver", [str(row)])
    assert [one.id for one in sms.sent] == [row]


def test_a_worker_that_is_told_to_stop_does_not_wait_for_the_database(rt: Runtime):
    stopping = threading.Event()
    stopping.set()

    def away() -> Session:
        raise OperationalError("SELECT", {}, ConnectionError("away"))

    began = time.monotonic()
    act_on(away, rt, stopping)("deliver", [str(uuid4())])
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("threads", [3, 4, 5, 6])
def test_each_road_has_threads_of_its_own_and_they_add_up(threads: int):
    each = [threads_of(road, threads) for road in ROADS]
    assert min(each) >= 1
    assert sum(each) == threads


@pytest.mark.parametrize("url", ["http://127.0.0.1", "kafka://127.0.0.1", "127.0.0.1:6379"])
def test_a_broker_of_another_kind_stops_the_start(database_url: str, url: str):
    with pytest.raises(ValidationError, match="CARE_BROKER_URL"):
        Settings(care_broker_url=url)  # type: ignore[call-arg, arg-type]


def test_without_a_broker_nothing_of_one_is_loaded(database_url: str):
    words = "import sys, scheduler.__main__; print({'dramatiq', 'pika', 'redis'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


# --- real brokers


def listening(url: str) -> bool:
    host, port = url.rpartition("@")[2].removeprefix("redis://").partition("/")[0].split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=["redis", "amqp"])
def address(request: pytest.FixtureRequest) -> str:
    """A real broker on this machine, or a skip that says it is absent."""
    url = {"redis": REDIS, "amqp": RABBIT}[request.param]
    require(listening(url), f"no broker answers at {url.rpartition('@')[2]}")
    return url


@pytest.fixture
def prefix(address: str) -> Iterator[str]:
    """A beginning of names that nobody else has; what it leaves on the broker is removed."""
    name = f"test-{uuid4().hex[:12]}"
    yield name
    if address.startswith("redis"):
        client = redis.Redis.from_url(address)
        for key in client.scan_iter(f"{name}:*", count=1_000):
            client.delete(key)
        client.close()
        return
    connection = pika.BlockingConnection(pika.URLParameters(address))
    channel = connection.channel()
    for road in ROADS:
        for end in ("", ".DQ", ".XQ"):
            channel.queue_delete(queue_name(name, road) + end)
    connection.close()


def waiting(session: Session) -> int:
    """How many messages are not settled yet."""
    session.rollback()
    return session.scalars(select(func.count()).where(Communication.send_at.is_not(None))).one()


def unleased(session: Session) -> int:
    """How many messages wait and nobody has them."""
    session.rollback()
    free = or_(Communication.lease_until.is_(None), Communication.lease_until < func.clock_timestamp())
    return session.scalars(select(func.count()).where(Communication.send_at.is_not(None), free)).one()


def quiet(paper: Path) -> bool:
    """Whether nothing was written for half a second."""
    before = paper.stat().st_size
    time.sleep(0.5)
    return paper.stat().st_size == before


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of a test; the ones still running are ended with it."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        with suppress(ProcessLookupError):
            one.kill()
        one.wait(10)


def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    address: str,
    prefix: str,
    session: Session,
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    database_url: str,
    processes: list[subprocess.Popen[bytes]],
    tmp_path: Path,
):
    ids = queue(session, clinic, clock, 600) + queue(session, clinic, clock, 30, purpose=Purpose.SIGN_IN)
    paper = tmp_path / "paper"
    paper.touch()
    command = [sys.executable, "-m", "tests.scheduler.carried_worker", database_url, address, prefix, str(paper)]
    for _ in range(2):
        processes.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL))
    now = [0.0]
    carrier = Carrier(broker_at(address, prefix), prefix)
    publisher = Publisher(carrier.send, lambda: now[0])
    publisher.publish_due(session, rt)

    def took(pid: int) -> int:
        return sum(1 for line in paper.read_text().splitlines() if line.endswith(f" {pid}"))

    assert until(lambda: any(took(one.pid) > 5 for one in processes))  # whichever was ready first
    survivor, victim = sorted(processes, key=lambda one: took(one.pid))
    victim.kill()
    assert victim.wait(10) == -signal.SIGKILL

    # What the other had in hand comes to its end; what is still leased then was the victim's.
    assert until(lambda: quiet(paper) and not unleased(session))
    deadline = time.monotonic() + 60
    while waiting(session) and time.monotonic() < deadline:
        session.execute(text("UPDATE communication SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL"))
        session.commit()
        now[0] += 31.0
        publisher.publish_due(session, rt)
        until(lambda: quiet(paper) and not unleased(session), 10)
    survivor.terminate()
    assert survivor.wait(30) == 0
    carrier.close()

    written = Counter(UUID(line.split()[0]) for line in paper.read_text().splitlines())
    assert set(written) <= set(ids)
    assert max(written.values()) == 1, "doubled"
    session.rollback()
    ends = Counter(session.scalars(select(Communication.delivery)))
    assert set(ends) <= {"delivered", "unknown"}
    unknown = set(session.scalars(select(Communication.id).where(Communication.delivery == "unknown")))
    assert set(ids) - set(written) <= unknown, "lost"
    assert len(unknown) <= 4 * MESSAGE


def test_the_processes_of_an_installation_carry_and_stop_when_they_are_told_to(
    address: str,
    prefix: str,
    session: Session,
    clinic: Clinic,
    clock: Clock,
    database_url: str,
    processes: list[subprocess.Popen[bytes]],
):
    environment = os.environ | {"CARE_BROKER_URL": address, "CARE_BROKER_PREFIX": prefix, "WORKER_THREADS": "3"}
    for lane in ("worker", "clock"):
        command = [sys.executable, "-m", "scheduler", lane]
        processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE))
    (row,) = queue(session, clinic, clock, channel="console")

    def ended() -> bool:
        session.rollback()
        return session.scalars(select(Communication.delivery).where(Communication.id == row)).one() == "delivered"

    assert until(ended)
    for one in processes:
        one.terminate()
    for one in processes:
        _, said = one.communicate(timeout=30)
        assert one.returncode == 0
        assert b"Traceback" not in said
        assert b"lane stopped" in said


@pytest.mark.parametrize("carried", [False, True])
def test_a_provider_that_answers_while_we_stop_is_heard(
    session: Session,
    opened: sessionmaker[Session],
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    sms: FakeChannel,
    prefix: str,
    address: str,
    carried: bool,
):
    asked, stop = threading.Event(), threading.Event()

    def slowly(message: Outgoing) -> None:
        asked.set()
        time.sleep(2.5)

    sms.on_send = slowly
    (row,) = queue(session, clinic, clock)
    arguments = (opened, rt, address, prefix, 3, stop) if carried else ("worker", opened, rt, stop)
    running = threading.Thread(target=work if carried else run, args=arguments)
    running.start()
    if carried:
        Carrier(broker_at(address, prefix), prefix).send("routine", "deliver", [row])
    assert asked.wait(30)
    stop.set()
    running.join(30)
    assert not running.is_alive()
    session.rollback()
    assert session.scalars(select(Communication.delivery).where(Communication.id == row)).one() == "sent"


@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_workers_whose_broker_is_away_wait_and_can_be_stopped(opened: sessionmaker[Session], rt: Runtime, kind: str):
    stop = threading.Event()
    running = threading.Thread(target=work, args=(opened, rt, NOBODY[kind], "test", 3, stop))
    running.start()
    time.sleep(0.5)
    assert running.is_alive()
    stop.set()
    running.join(20)
    assert not running.is_alive()


@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_a_broker_that_is_away_says_so_soon(session: Session, rt: Runtime, clinic: Clinic, clock: Clock, kind: str):
    queue(session, clinic, clock)
    publisher = Publisher(Carrier(broker_at(NOBODY[kind], "test"), "test").send, patience=0)
    began = time.monotonic()
    assert publisher.publish_due(session, rt).done == 0
    assert time.monotonic() - began < 10
    assert publisher.needs_help("deliver")


def test_after_its_broker_was_killed_and_came_back_everything_goes_on(
    session: Session,
    opened: sessionmaker[Session],
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    sms: FakeChannel,
    processes: list[subprocess.Popen[bytes]],
    tmp_path: Path,
):
    program = shutil.which("redis-server")
    require(program, "no redis-server is installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"redis://127.0.0.1:{port}/0"

    def start() -> subprocess.Popen[bytes]:
        command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        assert until(lambda: listening(url))
        return processes[-1]

    server, stop = start(), threading.Event()
    working = threading.Thread(target=work, args=(opened, rt, url, "test", 3, stop))
    working.start()
    now = [0.0]
    publisher = Publisher(Carrier(broker_at(url, "test"), "test").send, lambda: now[0])
    try:
        first = queue(session, clinic, clock, 2)
        publisher.publish_due(session, rt)
        assert until(lambda: len(sms.sent) == 2)
        server.kill()
        server.wait(10)
        second = queue(session, clinic, clock, 3, purpose=Purpose.SIGN_IN)
        publisher.publish_due(session, rt)
        now[0] += 11
        publisher.publish_due(session, rt)
        assert publisher.needs_help("deliver")
        start()

        def published() -> bool:
            return publisher.publish_due(session, rt).done == 3

        assert until(published)
        assert not publisher.needs_help("deliver")
        assert until(lambda: len(sms.sent) == 5)
    finally:
        stop.set()
        working.join(30)
    assert not working.is_alive()
    assert Counter(one.id for one in sms.sent) == Counter([*first, *second])
