"""The web's worker stays with a connection that goes on speaking, and with no other."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.web_worker import LingeringWorker

APPLICATION = """
import os, threading, time

def app(environ, start):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    if environ["PATH_INFO"] == "/broken":
        start("200 OK", [("Content-Length", "9")])
        raise RuntimeError
    if environ["PATH_INFO"] == "/file":
        size = os.path.getsize(__file__)
        start("200 OK", [("Content-Length", str(size))])
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))
    if environ["PATH_INFO"] == "/pieces":
        start("200 OK", [])
        return iter([b"one", b"two" * 100_000, b"three"])
    if environ["PATH_INFO"] == "/none":
        start("204 No Content", [])
        return []
    body = environ["wsgi.input"].read() or str(threading.get_ident()).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "answering.py").write_text(APPLICATION, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = int(probe.getsockname()[1])
    root = str(Path(__file__).resolve().parent.parent.parent)
    worker = ["--worker-class", "launch.web_worker.LingeringWorker", "--threads", "2", "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", *worker, "--no-control-socket", "--bind", f"127.0.0.1:{number}"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{root}"}
    process = subprocess.Popen([*command, "answering:app"], cwd=tmp_path, env=environment)
    try:
        for _ in range(200):
            try:
                http.client.HTTPConnection("127.0.0.1", number, timeout=5).connect()
                break
            except OSError:
                time.sleep(0.05)
        yield number
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def get(connection: http.client.HTTPConnection, path: str = "/", body: bytes | None = None) -> bytes:
    connection.request("POST" if body else "GET", path, body)
    return connection.getresponse().read()


def test_many_requests_of_one_connection_are_answered_in_order(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    assert [get(connection, body=b"%d" % n) for n in range(200)] == [b"%d" % n for n in range(200)]


def test_two_requests_sent_in_one_breath_are_both_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(b"".join(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d" % n for n in range(5)))
        told = b""
        while told.count(b"\r\n\r\n") < 5 or not told.endswith(b"4"):
            told += link.recv(65536)
    assert [one.rpartition(b"\r\n\r\n")[2] for one in told.split(b"HTTP/1.1 200")[1:]] == [b"0", b"1", b"2", b"3", b"4"]


def test_more_connections_than_threads_all_get_their_turn(port: int) -> None:
    answered: list[bytes] = []

    def speak(n: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        answered.extend(get(connection, body=b"%d" % n) for _ in range(30))

    threads = [threading.Thread(target=speak, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answered) == 240


def test_one_that_is_slow_and_one_that_says_nothing_hold_up_nobody(port: int) -> None:
    silent = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    get(silent)
    slow = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    slow.request("GET", "/slow")
    quick = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    assert all(get(quick) for _ in range(20))
    assert slow.getresponse().read()
    assert get(silent)


def test_answers_in_pieces_from_files_and_without_a_body_arrive_whole(port: int, tmp_path: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(3):
        assert get(connection, "/file") == (tmp_path / "answering.py").read_bytes()
        assert get(connection, "/none") == b""
        assert get(connection, "/pieces") == b"one" + b"two" * 100_000 + b"three"


def test_a_small_answer_comes_in_one_piece(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        for _ in range(20):
            link.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
            assert link.recv(65536).endswith(b"\r\n\r\nhello")


def test_an_application_that_fails_is_an_answer_too_and_the_next_call_works(port: int) -> None:
    broken = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    broken.request("GET", "/broken")
    assert broken.getresponse().status == 500
    assert get(http.client.HTTPConnection("127.0.0.1", port, timeout=10), body=b"fine") == b"fine"


class Unhurried(LingeringWorker):
    """A worker of whom only the manners are looked at."""

    def __init__(self, connections: int, idle: int) -> None:
        self.nr_conns, self.keepalived_conns, self.pending_conns = connections, deque([None] * idle), deque()
        self.waited: list[float] = []
        self.pause = self.waited.append


class NobodyCalls:
    """A door at which another worker was first."""

    def accept(self) -> None:
        raise BlockingIOError(errno.EAGAIN, "nobody is there any more")


@pytest.mark.parametrize(
    "connections, idle, waited",
    [(0, 0, []), (3, 3, []), (1, 0, [0.001]), (4, 1, [0.003]), (400, 0, [0.004])],
)
def test_the_busier_worker_reaches_later_for_a_new_connection(connections: int, idle: int, waited: list[float]) -> None:
    worker = Unhurried(connections, idle)
    worker.accept(NobodyCalls())
    assert worker.waited == waited
    assert worker.nr_conns == connections
