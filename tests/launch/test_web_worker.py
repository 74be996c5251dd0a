"""The web's worker stays with a connection that goes on speaking, and with no other."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

APPLICATION = """
import threading, time

def app(environ, start):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
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
