"""deliver: queued messages through the real Twilio client to a provider on the loopback, against the client in a loop.

Both sides have the same processes and the same threads, call the same provider (a process of its own that does next to
nothing) and follow one another in the same run. Ours reads the message from PostgreSQL, decides consent, opens the
sealed words, marks it, sends it and writes down what became of it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import Session

from bots.sms import TwilioSms
from bots.twilio_client import make_client
from care.domain.codes import Purpose
from care.lines import COLD
from care.memory import settle
from care.records.base import Base
from care.records.consents import Consent
from care.records.ids import new_id
from care.records.organizations import CareTeam, Organization
from care.records.patients import ContactPoint, Patient, address_token
from care.records.seal import Keyring, install, seal
from care.runtime import Runtime, wall_clock
from care.services import outbox
from launch.postgres import Embedded

ACCOUNT, TOKEN, OURS, PUBLIC = "AC" + "0" * 32, "token", "+15550000000", "https://care.invalid"
KEYS = Keyring({"bench": bytes(range(32))}, bytes(range(1, 33)))
WORDS = "Good morning. Please write down your weight and how you slept, and send it to this number."
_SPAWN = multiprocessing.get_context("spawn")


def run(quick: bool) -> dict[str, object]:
    """Messages a second of both, with one and with two processes, and their ratios."""
    count, rounds = (2_000, 1) if quick else (6_000, 3)
    install(KEYS)
    rates: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="care-bench-") as folder,
        provider() as base,
        Embedded(Path(folder), durable=True) as server,
    ):
        url = server.ensure_database("bench")
        _furnish(url, count)
        for _ in range(rounds):
            for workers in (1, 2):
                bare = _race(_bare, workers, (base, count // workers))
                rates.setdefault(f"bare_{workers}", []).append(count / bare)
                _queue(url, count)
                ours = _race(_deliver, workers, (url, base))
                _check(url)
                rates.setdefault(f"ours_{workers}", []).append(count / ours)
    found = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    ratios = {f"ratio_{n}": round(found[f"ours_{n}"] / found[f"bare_{n}"], 3) for n in (1, 2)}
    return {"messages": count, "rounds": rounds, "threads": COLD, **found, **ratios}


@contextmanager
def provider() -> Iterator[str]:
    """A provider in a process of its own; its address."""
    told: Any = _SPAWN.Queue()
    process = _SPAWN.Process(target=_provide, args=(told,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{told.get(timeout=60)}"
    finally:
        process.terminate()
        process.join()


def _provide(told: Any) -> None:
    """Take every message that comes, and give it a number of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    told.put(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve_until_gone, args=(connection,), daemon=True).start()


def _serve_until_gone(connection: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        _serve(connection)


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            more = connection.recv(65536)
            if not more:
                return
            buffer += more
        head, _, rest = buffer.partition(b"\r\n\r\n")
        where = head.lower().index(b"content-length:") + 15
        size = int(head[where:].split(b"\r\n", 1)[0])
        while len(rest) < size:
            rest += connection.recv(65536)
        buffer = rest[size:]
        body = b'{"sid":"SM%s","status":"queued","date_created":null}' % new_id().hex.encode()
        connection.sendall(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )


def _race(work: Callable[..., None], workers: int, arguments: tuple[Any, ...]) -> float:
    """Seconds from the start of all processes to the end of the last one."""
    start, ends = _SPAWN.Barrier(workers + 1), _SPAWN.Queue()
    processes = [_SPAWN.Process(target=work, args=(start, ends, *arguments), daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    start.wait(120)
    began = time.monotonic()
    last: float = max(ends.get(timeout=600) for _ in processes)
    for process in processes:
        process.join()
    return last - began


def _bare(start: Any, ends: Any, base: str, count: int) -> None:
    """The client in a loop, in as many threads as a line has."""
    clients = [make_client(ACCOUNT, TOKEN, 10.0, base) for _ in range(COLD)]

    def loop(client: Any, number: int) -> None:
        for _ in range(number):
            callback = f"{PUBLIC}/webhooks/twilio/status?id={new_id()}"
            client.messages.create(to="+12025550101", body=WORDS, status_callback=callback, from_=OURS)

    loop(clients[0], 5)
    threads = [threading.Thread(target=loop, args=(client, count // COLD)) for client in clients]
    settle()
    start.wait(120)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends.put(time.monotonic())


def _deliver(start: Any, ends: Any, url: str, base: str) -> None:
    """A worker: delivers until nothing is due."""
    install(KEYS)
    rt = Runtime(channels={"sms": TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC, base_url=base)})
    engine = create_engine(url)
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
        session.rollback()
        rt.lines.prepare(rt.channels.values())
        settle()  # as a worker does
        start.wait(120)
        while outbox.deliver_due(session, rt, rt.now()).claimed:
            pass
        while outbox.settle(session, rt, rt.now(), 1.0):
            pass
    ends.put(time.monotonic())
    engine.dispose()


def _furnish(url: str, count: int) -> None:
    """The tables, one hospital, and so many patients who have agreed to be written to."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    now = wall_clock()
    with Session(engine) as session:
        hospital = Organization(name="Bench", country="US", time_zone="UTC", inbound_address="bench")
        session.add(hospital)
        session.flush()
        team = CareTeam(organization_id=hospital.id, name="Bench", default=True)
        session.add(team)
        session.flush()
        ids = [new_id() for _ in range(count)]
        session.execute(insert(Patient), [_patient(one, hospital.id, team.id, now) for one in ids])
        session.execute(insert(ContactPoint), [_contact(one, hospital.id, n, now) for n, one in enumerate(ids)])
        session.execute(insert(Consent), [_consent(one, hospital.id, now) for one in ids])
        session.commit()
        session.execute(text("ANALYZE"))
        session.commit()
    engine.dispose()


def _patient(one: Any, hospital: Any, team: Any, now: datetime) -> dict[str, Any]:
    sealed = seal("patient", "identity_sealed", one, "{}")
    told = {"language": "en", "time_zone": "UTC", "country": "US", "created_at": now}
    return {"id": one, "organization_id": hospital, "care_team_id": team, "identity_sealed": sealed} | told


def _contact(one: Any, hospital: Any, number: int, now: datetime) -> dict[str, Any]:
    row, address = new_id(), f"+1202{number:07d}"
    return {
        "id": row,
        "organization_id": hospital,
        "patient_id": one,
        "channel": "sms",
        "address_sealed": seal("contact_point", "address_sealed", row, address),
        "address_token": address_token("sms", address),
        "created_at": now,
    }


def _consent(one: Any, hospital: Any, now: datetime) -> dict[str, Any]:
    said = {
        "purpose": "follow-up",
        "channel": "*",
        "granted": True,
        "version": "1",
        "language": "en",
        "source": "bench",
    }
    return {"id": new_id(), "organization_id": hospital, "patient_id": one, "at": now} | said


def _queue(url: str, count: int) -> None:
    """One message to each patient."""
    engine = create_engine(url)
    now = wall_clock()
    with Session(engine) as session:
        pile = outbox.Pile()
        rows = session.execute(text("SELECT id, organization_id, care_team_id FROM patient"))
        patients = {row.id: row for row in rows}
        for contact in session.query(ContactPoint).yield_per(1_000):
            outbox.enqueue(
                session,
                now,
                purpose=Purpose.REPLY,
                text=WORDS,
                dedupe=f"bench:{new_id()}",
                patient=patients[contact.patient_id],
                contact=contact,
                check=False,
                pile=pile,
            )
        if len(patients) != count:
            raise RuntimeError("the hospital is not what was asked for")
        pile.write(session)
        session.commit()
        session.execute(text("ANALYZE communication"))
        session.commit()
    engine.dispose()


def _check(url: str) -> None:
    """Each message was sent once, and nothing waits. Raises RuntimeError."""
    engine = create_engine(url)
    with engine.connect() as connection:
        wrong = connection.execute(
            text("SELECT count(*) FROM communication WHERE delivery <> 'sent' OR send_at IS NOT NULL")
        ).scalar_one()
        alike = connection.execute(
            text("SELECT count(*) - count(DISTINCT external_id) FROM communication")
        ).scalar_one()
    engine.dispose()
    if wrong or alike:
        raise RuntimeError(f"{wrong} messages were not sent, {alike} share a number")


if __name__ == "__main__":
    sys.stdout.write(f"{run('--full' not in sys.argv)}\n")
