"""The watch: patience where it is due, no silence anywhere, one alarm by every way."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from watchdog.alarms import Alarm
from watchdog.settings import WatchdogSettings
from watchdog.watch import Watch, once, run

GONE = Alarm("heartbeat", "clock", "no sign of life from the clock for 75 s")
AWAY = psycopg.OperationalError("connection refused to the host of somebody")


@dataclass
class Ear:
    """A way that writes down what it was told; `deaf` times it fails first."""

    name: str = "ear"
    deaf: int = 0
    heard: list[str] = field(default_factory=list)

    def tell(self, text: str) -> bool:
        if self.deaf:
            self.deaf -= 1
            raise OSError("no line")
        self.heard.append(text)
        return True


@dataclass
class Eyes:
    """A look that sees what it is told to see, by a clock that is moved by hand."""

    sees: list[Alarm] | Exception = field(default_factory=list)
    at: float = 1_000.0

    def __call__(self, settings: WatchdogSettings) -> list[Alarm]:
        if isinstance(self.sees, Exception):
            raise self.sees
        return self.sees

    def clock(self) -> float:
        return self.at


def settings(**other: object) -> WatchdogSettings:
    values: dict[str, object] = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "name": "Ward 7"}
    return WatchdogSettings(**(values | other))  # type: ignore[arg-type]


def watching(eyes: Eyes, *ears: Ear, **other: object) -> Watch:
    return Watch(settings(**other), list(ears), eyes, eyes.clock)


def live(watch: Watch, eyes: Eyes, seconds: float) -> None:
    """Look every ten seconds for a while."""
    for _ in range(int(seconds // 10)):
        eyes.at += 10
        watch.step()


def test_an_alarm_is_heard_repeated_and_called_off():
    eyes, ear = Eyes(), Ear()
    watch = watching(eyes, ear)
    live(watch, eyes, 100)
    assert ear.heard == []
    eyes.sees = [GONE]
    live(watch, eyes, 1_000)
    eyes.sees = []
    live(watch, eyes, 1_000)
    assert [text.split(".")[1] for text in ear.heard] == [
        " ALARM heartbeat: no sign of life from the clock for 75 s",
        " ALARM heartbeat: no sign of life from the clock for 75 s",
        " over: heartbeat clock",
    ]
    assert all(text.startswith("Ward 7 watchdog.") for text in ear.heard)


def test_who_has_not_come_a_moment_after_the_start_is_not_missed_yet():
    eyes, ear = Eyes([GONE]), Ear()
    watch = watching(eyes, ear)
    live(watch, eyes, 50)
    assert ear.heard == []
    live(watch, eyes, 20)
    assert len(ear.heard) == 1


def test_a_database_that_is_away_for_a_moment_is_no_alarm_and_for_longer_is_one():
    eyes, ear = Eyes(AWAY), Ear()
    watch = watching(eyes, ear)
    live(watch, eyes, 20)
    eyes.sees = []
    live(watch, eyes, 10)
    eyes.sees = AWAY
    live(watch, eyes, 30)
    assert ear.heard == []
    live(watch, eyes, 20)
    assert [text.split(": ")[0] for text in ear.heard] == ["Ward 7 watchdog. ALARM database-away"]
    assert "somebody" not in ear.heard[0]
    eyes.sees = []
    live(watch, eyes, 100)
    assert "over: database-away" in ear.heard[-1]


def test_a_look_that_breaks_in_a_way_nobody_thought_of_is_an_alarm():
    eyes, ear = Eyes(ZeroDivisionError("x")), Ear()
    live(watching(eyes, ear), eyes, 60)
    assert "ALARM check-failed: nothing can be checked: ZeroDivisionError" in ear.heard[0]


def test_a_way_that_fails_stops_no_other_and_counts_as_told_if_one_works():
    eyes, broken, ear = Eyes([GONE]), Ear(deaf=99), Ear()
    watch = watching(eyes, broken, ear)
    live(watch, eyes, 500)
    assert len(ear.heard) == 1


def test_what_could_not_be_told_is_tried_again_a_minute_later():
    eyes, ear = Eyes([GONE]), Ear(deaf=2)
    watch = watching(eyes, ear)
    eyes.at += 60
    watch.step()
    live(watch, eyes, 110)
    assert (ear.deaf, ear.heard) == (0, [])
    live(watch, eyes, 20)
    assert len(ear.heard) == 1


def test_a_look_that_hangs_is_an_alarm_and_the_watch_goes_on_when_it_comes_back():
    ear, came, free, stop = Ear(), threading.Event(), threading.Event(), threading.Event()
    looks: list[int] = []

    def look(settings: WatchdogSettings) -> list[Alarm]:
        looks.append(1)
        if len(looks) == 1:
            free.wait(20)
        else:
            came.set()
        return []

    watch = Watch(settings(every=0.02), [ear], look)
    runner = threading.Thread(target=run, args=(watch, stop, 0.05))
    runner.start()
    try:
        for _ in range(400):
            if ear.heard:
                break
            stop.wait(0.02)
        free.set()
        assert came.wait(20)
    finally:
        free.set()
        stop.set()
        runner.join(20)
    assert "ALARM look-hangs" in ear.heard[0]


def test_systemd_hears_that_it_lives_only_while_its_looks_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    free, stop = threading.Event(), threading.Event()
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(20)
        ear, hanging = Ear(), threading.Event()

        def look(settings: WatchdogSettings) -> list[Alarm]:
            if hanging.is_set():
                free.wait(20)
            return []

        runner = threading.Thread(target=run, args=(Watch(settings(every=0.02), [ear], look), stop, 0.05))
        runner.start()
        try:
            assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
            hanging.set()
            for _ in range(400):
                if ear.heard:
                    break
                stop.wait(0.02)
            systemd.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while systemd.recv(100):
                    pass
            stop.wait(0.3)
            with pytest.raises(BlockingIOError):
                systemd.recv(100)
        finally:
            free.set()
            stop.set()
            runner.join(20)


class Web(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(Web.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("status", "codes"), [(200, []), (502, ["web-away"])])
def test_the_web_is_looked_at_where_an_address_is_given(status: int, codes: list[str]):
    Web.status = status
    with http.server.HTTPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        found = once(settings(web_url=f"http://127.0.0.1:{web.server_port}/"), Eyes())
        web.shutdown()
    assert [one.code for one in found] == codes


def test_a_web_that_answers_with_garbage_is_away_and_keeps_no_other_alarm_back():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        line.recv(1_000)
                        line.sendall(b"what?\r\n\r\n")

        threading.Thread(target=babble, daemon=True).start()
        eyes, ear = Eyes([GONE]), Ear()
        live(watching(eyes, ear, web_url=f"http://127.0.0.1:{server.getsockname()[1]}"), eyes, 100)
        server.shutdown(socket.SHUT_RDWR)
    heard = "".join(ear.heard)
    assert "ALARM heartbeat" in heard
    assert "ALARM web-away" in heard


def test_a_watchdog_whose_own_step_breaks_says_so():
    ear, stop, steps = Ear(), threading.Event(), iter(range(1_000))

    def clock() -> float:
        if next(steps) > 0:
            raise ZeroDivisionError("a step nobody thought of")
        return 0.0

    watch = Watch(settings(every=0.02), [ear], Eyes(), clock)
    runner = threading.Thread(target=run, args=(watch, stop, 5))
    runner.start()
    try:
        for _ in range(200):
            if ear.heard:
                break
            stop.wait(0.02)
    finally:
        stop.set()
        runner.join(20)
    assert "ALARM check-failed: the watchdog's own step does not work: ZeroDivisionError" in "".join(ear.heard)


def test_looking_once_has_no_patience():
    assert [one.code for one in once(settings(), Eyes(AWAY))] == ["database-away"]
    assert once(settings(), Eyes()) == []
