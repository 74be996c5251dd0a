"""inbound: signed texts of Twilio through gunicorn, against /healthz on the same server; then what becomes of them.

The web is what `make run` starts: two processes of gunicorn. Each text is signed, screened and committed before it
is answered; PostgreSQL waits for the disk. The clients are one process of one thread, which shares the machine with
everything else; /healthz and texts take turns, and the figures are medians of those rounds. Then clock and worker join
in: texts come at an even pace until their replies are queued, and ten thousand come at once with a few red flags among
them.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import random
import secrets
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlencode

import psycopg

from bench.deliver import provider
from bench.ward import ROOT, build, server
from bots.twilio_signature import expected
from care.records.ids import new_id
from care.records.seal import Keyring, seal, unseal

ACCOUNT, TOKEN, OURS, PUBLIC = "AC" + "0" * 32, "token", "+15550000000", "https://care.invalid"
PATH = "/webhooks/twilio/sms"
TEXTS = ("How do I change the time of my reminders?", "thanks", "120/80", "I slept well, and my ankles look the same")
RED_FLAG = "I have chest pain and I can't breathe"
CONNECTIONS = (1, 4, 8)
PACE = 100  # texts a second
RED_FLAGS = 20  # among the burst
_KEPT = "SELECT count(*), count(take_at) FROM communication WHERE direction = 'in' AND recorded_at >= %s"
_PAGED = (
    "SELECT extract(epoch FROM min(p.sent_at) - min(t.recorded_at))::float FROM communication p"
    " JOIN escalation_link l ON l.escalation_id = p.escalation_id JOIN communication t ON t.id = l.communication_id"
    " WHERE p.purpose = 'page' AND p.sent_at IS NOT NULL AND t.recorded_at >= %s GROUP BY p.escalation_id"
)
_SPAWN = multiprocessing.get_context("spawn")


def run(quick: bool) -> dict[str, object]:
    """Requests a second and percentiles in ms by connections; reply and page times in seconds; what was lost."""
    patients, seconds, rounds, burst = (500, 1.0, 1, 1_000) if quick else (10_000, 3.0, 5, 10_000)
    with server() as running, ExitStack() as children:
        ward = build(running, "inbound", patients=patients, tasks_each=1, due=0)
        _hire(ward.url)
        base = children.enter_context(provider())
        environment = _environment(ward.url, ward.keys, base)
        port = _free_port()
        web = ["gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "wsgi:app"]
        children.enter_context(child(web, environment | {"PORT": str(port), "WEB_CONCURRENCY": "2"}))
        _wait_for(port)
        found = _rates(port, patients, seconds, rounds)
        _open_tasks(ward.url)
        children.enter_context(child(["scheduler", "clock"], environment))
        children.enter_context(child(["scheduler", "worker"], environment))
        found |= _replies(ward.url, port, patients, 5 if quick else 30)
        found |= _burst(ward.url, port, patients, burst)
    return found


@contextmanager
def child(module: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    """A process of Care for as long as the block runs."""
    with open(environment.get("BENCH_LOG") or os.devnull, "a") as log:
        process = subprocess.Popen([sys.executable, "-m", *module], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _environment(url: str, keys: Keyring, base: str) -> dict[str, str]:
    name, key = next(iter(keys.keys.items()))
    ours = {one: value for one, value in os.environ.items() if one in ("PATH", "HOME", "LANG", "BENCH_LOG")}
    return ours | {
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "CARE_KEYS": f"{name}:{b64encode(key).decode()}",
        "CARE_TOKEN_KEY": b64encode(keys.token_key).decode(),
        "CARE_ENVIRONMENT": "development",
        "PUBLIC_URL": PUBLIC,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_SENDER": OURS,
        "TWILIO_BASE_URL": base,
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    """Until both processes answer. Raises RuntimeError after a minute."""
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            for _ in range(20):
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    raise RuntimeError("the web did not start")


def signed(sender: str, text: str, sid: str) -> bytes:
    """One text as Twilio sends it, signed."""
    values = {
        "ToCountry": "US", "ToState": "", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "", "FromZip": "",
        "SmsSid": sid, "FromState": "", "SmsStatus": "received", "FromCity": "", "Body": text, "FromCountry": "US",
        "To": OURS, "ToZip": "", "NumSegments": "1", "MessageSid": sid, "AccountSid": ACCOUNT, "From": sender,
        "ApiVersion": "2010-04-01",
    }  # fmt: skip
    signature = expected(TOKEN, PUBLIC + PATH, {name: [value] for name, value in values.items()})
    body = urlencode(values).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: care.invalid\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def sender(number: int) -> str:
    """The number of one of the ward's patients."""
    return f"+1202{number:08d}"


def _sid() -> str:
    return "SM" + secrets.token_hex(16)


def _rates(port: int, patients: int, seconds: float, rounds: int) -> dict[str, object]:
    """Medians of rounds in which /healthz and texts take turns, so that a slow moment of the machine is both's."""
    found: dict[str, object] = {}
    get = b"GET /healthz HTTP/1.1\r\nHost: care.invalid\r\n\r\n"
    most = int(4_000 * seconds)
    who = random.Random(1)
    for connections in CONNECTIONS:
        seen: dict[str, list[float]] = {}
        for turn in range(rounds + 1):
            posts = [signed(sender(who.randrange(patients)), who.choice(TEXTS), _sid()) for _ in range(most)]
            health = _load(port, [get] * most, connections, seconds / 2)
            texts = _load(port, posts, connections, seconds)
            if not turn:
                continue  # the first one only warms
            for name, (took, times) in (("healthz", health), ("texts", texts)):
                seen.setdefault(f"{name}_{connections}_per_s", []).append(len(times) / took)
                for p in (50, 95, 99):
                    seen.setdefault(f"{name}_{connections}_p{p}_ms", []).append(_percentile(times, p))
            ratio = (len(texts[1]) / texts[0]) / (len(health[1]) / health[0])
            seen.setdefault(f"ratio_{connections}", []).append(ratio)
        found |= {name: round(statistics.median(values), 3) for name, values in seen.items()}
    return found


def _percentile(times: Sequence[float], percent: int) -> float:
    return round(1_000 * sorted(times)[min(len(times) - 1, len(times) * percent // 100)], 2)


def _load(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> tuple[float, list[float]]:
    """Send these over so many connections in another process; (seconds it took, seconds of each answer)."""
    told = _SPAWN.Queue()
    process = _SPAWN.Process(target=_client, args=(told, port, requests, connections, seconds))
    process.start()
    told.get(timeout=60)
    took, times, wrong = told.get(timeout=600)
    process.join()
    if wrong:
        raise RuntimeError(f"{wrong} requests were not answered with success")
    return took, times


def _client(told: Any, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> None:
    """All connections in one thread, each with one request on its way."""
    waiting, times, wrong = selectors.DefaultSelector(), [], 0
    left = iter(requests)
    began = time.perf_counter()

    def send(link: Any) -> None:
        request = next(left, None) if time.perf_counter() - began < seconds else None
        if request is None:
            waiting.unregister(link)
            link.close()
            return
        sent[link] = time.perf_counter()
        link.sendall(request)

    told.put("ready")
    sent: dict[Any, float] = {}
    for _ in range(connections):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(opened, selectors.EVENT_READ)
        send(opened)
    while waiting.get_map():
        for key, _ in waiting.select():
            link: Any = key.fileobj
            wrong += not _answered(link)
            times.append(time.perf_counter() - sent[link])
            send(link)
    told.put((time.perf_counter() - began, times, wrong))


def _answered(link: socket.socket) -> bool:
    """Read one answer to its end; whether it says success."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        more = link.recv(65536)
        if not more:
            return False
        buffer += more
    head, _, rest = buffer.partition(b"\r\n\r\n")
    where = head.lower().find(b"content-length:")
    size = int(head[where + 15 :].split(b"\r\n", 1)[0]) if where >= 0 else 0
    while len(rest) < size:
        rest += link.recv(65536)
    return head.startswith(b"HTTP/1.1 2")


def _hire(url: str) -> None:
    """A nurse whom pages reach by SMS, and nothing planned for anybody: what happens then is what the texts lead to."""
    with psycopg.connect(_plain(url)) as connection:
        row = connection.execute("SELECT id, organization_id FROM care_team").fetchone()
        nurse, team, hospital = new_id(), *(row or ())
        address = seal("practitioner", "page_address_sealed", nurse, "+19995550100")
        names = "id, organization_id, care_team_id, role, username, name, password_hash, page_channel"
        connection.execute(
            f"INSERT INTO practitioner ({names}, page_address_sealed, created_at)"  # noqa: S608 names of our own
            " VALUES (%s, %s, %s, 'nurse', 'bench', 'Bench', '', 'sms', %s, now())",
            (nurse, hospital, team, address),
        )
        connection.execute("UPDATE care_plan SET status = 'completed'")


def _open_tasks(url: str) -> None:
    """Everybody has one questionnaire to answer, and what the measured texts left to do is done away with."""
    with psycopg.connect(_plain(url)) as connection:
        connection.execute("UPDATE communication SET take_at = NULL, waits_since = NULL, status = 'completed'")
        connection.execute("UPDATE care_plan SET status = 'active', starts_on = current_date - 3")
        connection.execute(
            "UPDATE task SET remind_at = NULL, due_at = now() - interval '1 hour', nominal = localtimestamp,"
            " expires_at = now() + interval '11 hours'"
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE communication")


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def _replies(url: str, port: int, patients: int, seconds: int) -> dict[str, object]:
    """Texts at an even pace, each the beginning of a questionnaire; seconds until its first question is queued."""
    count = PACE * seconds
    who = random.Random(2).sample(range(patients), count)
    told: Any = _SPAWN.Queue()
    texts = [signed(sender(number), "OK", _sid()) for number in who]
    process = _SPAWN.Process(target=_pace, args=(told, port, texts))
    process.start()
    told.get(timeout=60)
    began = time.time()  # noqa: TID251 (compared with the database's clock, on the same machine)
    answered: dict[str, float] = {}
    find = (
        "SELECT patient_id::text, extract(epoch FROM clock_timestamp())::float FROM communication"
        " WHERE direction = 'out' AND purpose <> 'page' AND recorded_at >= to_timestamp(%s)"
    )
    came = (
        "SELECT patient_id::text, extract(epoch FROM recorded_at)::float FROM communication"
        " WHERE direction = 'in' AND recorded_at >= to_timestamp(%s)"
    )
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        until = time.monotonic() + seconds + 30
        while len(answered) < count and time.monotonic() < until:
            for patient, at in connection.execute(find, (began - 1,)):
                answered.setdefault(patient, at)
            time.sleep(0.05)
        asked: dict[str, float] = dict(connection.execute(came, (began - 1,)).fetchall())
    process.join()
    waits = [answered[patient] - at for patient, at in asked.items() if patient in answered]
    if len(waits) != count:
        raise RuntimeError(f"{count - len(waits)} texts got no reply")
    return {
        "replies": count,
        "reply_p50_s": _percentile(waits, 50) / 1_000,
        "reply_p95_s": _percentile(waits, 95) / 1_000,
    }


def _pace(told: Any, port: int, texts: Sequence[bytes]) -> None:
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    told.put("ready")
    began = time.perf_counter()
    for number, each in enumerate(texts):
        time.sleep(max(0.0, began + number / PACE - time.perf_counter()))
        link.sendall(each)
        if not _answered(link):
            raise RuntimeError("a text was not taken")


def _burst(url: str, port: int, patients: int, count: int) -> dict[str, object]:
    """Five texts of each patient as fast as they are taken, a few red flags among them; what was lost, who paged."""
    people = random.Random(3).sample(range(patients), count // 5)
    alarmed = set(people[:: max(1, len(people) // RED_FLAGS)])
    words = {(turn, one): f"note {turn} of mine" for turn in range(5) for one in people}
    words |= {(2, one): RED_FLAG for one in alarmed}
    texts = [signed(sender(one), words[turn, one], _sid()) for turn in range(5) for one in people]
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        (began,) = connection.execute("SELECT clock_timestamp()").fetchone() or ()
        took, times = _load(port, texts, 8, 600.0)
        kept, left = 0, 1
        pages: list[float] = []
        until = time.monotonic() + 180
        while (left or len(pages) < len(alarmed)) and time.monotonic() < until:
            time.sleep(0.5)
            kept, left = connection.execute(_KEPT, (began,)).fetchone() or (0, 1)
            pages = [wait for (wait,) in connection.execute(_PAGED, (began,))]
        waited = connection.execute("SELECT extract(epoch FROM clock_timestamp() - %s)::float", (began,)).fetchone()
        disordered = _disordered(connection, began)
    return {
        "burst": len(texts),
        "burst_per_s": round(len(texts) / took),
        "burst_p99_ms": _percentile(times, 99),
        "burst_lost": len(texts) - kept,
        "burst_untaken": left,
        "burst_disordered": disordered,
        "burst_settled_s": round(waited[0], 1) if waited else None,
        "red_flags": len(alarmed),
        "paged": len(pages),
        "page_p99_s": _percentile(pages, 99) / 1_000 if pages else None,
    }


def _disordered(connection: Any, began: Any) -> int:
    """How many patients' texts stand in another order than they were sent in."""
    seen: dict[Any, list[int]] = {}
    rows = connection.execute(
        "SELECT c.patient_id, c.id, w.text_sealed FROM communication c JOIN communication_content w ON w.id = c.id"
        " WHERE c.direction = 'in' AND c.recorded_at >= %s ORDER BY c.recorded_at, c.id",
        (began,),
    )
    for patient, row, sealed in rows:
        said = unseal("communication_content", "text_sealed", row, bytes(sealed))
        seen.setdefault(patient, []).append(2 if said == RED_FLAG else int(said.split()[1]))
    return sum(order != sorted(order) for order in seen.values())


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(run('--full' not in sys.argv), indent=1)}\n")
