"""The main job, as processes: a small stand-in for the application is started, hurt and stopped."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launch.__main__ import child_environment, login_lines, ready
from launch.children import Child, Children
from launch.postgres import Embedded, ServerError

ROOT = Path(__file__).resolve().parents[2]
WSGI = """
import os
from flask import Flask
app = Flask(__name__)
@app.get("/readyz")
def readyz():
    return "yes"
@app.get("/environment")
def environment():
    return "\\n".join(sorted(os.environ))
@app.cli.command()
def prepare():
    from pathlib import Path
    assert os.environ["DATABASE_URL"].startswith("postgresql+psycopg://care:")
    Path(os.environ["CARE_VAR"], "demo-logins.json").write_text('[{"name": "nurse", "password": "shown"}]')
    if "CARE_TEST_BROKEN" in os.environ:
        raise SystemExit(7)
"""
SCHEDULER = """
import os, sys, time
print(sys.argv[1], "pid", os.getpid(), flush=True)
time.sleep(600)
"""
WATCHDOG = """
import os, time
print("watchdog pid", os.getpid(), *sorted(os.environ), flush=True)
time.sleep(600)
"""


class Running:
    """`python -m launch` in a folder with the stand-in, its output read line by line."""

    def __init__(self, var: Path, command: list[str] | None = None, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        folder = var.parent / "project"
        (folder / "scheduler").mkdir(parents=True, exist_ok=True)
        (folder / "wsgi.py").write_text(WSGI)
        (folder / "scheduler" / "__init__.py").write_text("")
        (folder / "scheduler" / "__main__.py").write_text(SCHEDULER)
        (folder / "watchdog").mkdir(exist_ok=True)
        (folder / "watchdog" / "__init__.py").write_text("")
        (folder / "watchdog" / "__main__.py").write_text(WATCHDOG)
        own = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        own |= {"PYTHONPATH": str(ROOT), "PORT": str(self.port), "WEB_CONCURRENCY": "1"}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "launch", "--var", str(var)],
            cwd=folder,
            env=own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip())

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, condition: Callable[[], object], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def pids(self, name: str) -> list[int]:
        return [int(pid) for pid in re.findall(rf"{name} pid (\d+)", self.said)]


@pytest.fixture
def start(var: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def starter(*arguments: object, **environment: str) -> Running:
        started.append(Running(var, *arguments, **environment))  # type: ignore[arg-type]
        return started[-1]

    yield starter
    for running in started:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(30)
    with contextlib.suppress(ServerError), Embedded(var):
        pass  # stops what a failed test left running


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").is_dir() or ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_it_runs_restarts_what_dies_and_leaves_nothing_behind(start: Callable[..., Running], var: Path) -> None:
    running = start(PGUSER="somebody")
    running.wait_for(lambda: "Ctrl-C" in running.said and running.pids("clock") and running.pids("worker"))
    assert "Care is ready" in running.said
    assert f"Open http://127.0.0.1:{running.port}" in running.said
    assert re.search(r"nurse +shown", running.said)
    names = get(running.port, "/environment").split()
    assert {"DATABASE_URL", "CARE_KEYS", "CARE_TOKEN_KEY", "SECRET_KEY", "PUBLIC_URL"} <= set(names)
    assert "PGUSER" not in names
    os.kill(running.pids("worker")[0], signal.SIGKILL)
    running.wait_for(lambda: len(running.pids("worker")) == 2)
    postmaster = int((var / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    running.wait_for(lambda: "PostgreSQL ended; starting it again" in running.said)
    running.wait_for(lambda: "ready to accept" in (var / "postgres.log").read_text().rsplit("starting PostgreSQL")[-1])
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0, running.said
    assert not any(alive(pid) for pid in running.pids("worker") + running.pids("clock"))
    assert not Embedded(var).running()
    with pytest.raises(OSError, match="refused"):
        get(running.port, "/readyz")


def test_the_watchdog_runs_beside_them_with_none_of_their_keys(start: Callable[..., Running], var: Path) -> None:
    (var / "metrics").mkdir()
    (var / "metrics" / "counter_1.db").write_text("of an earlier run")
    running = start(TWILIO_AUTH_TOKEN="theirs", WATCHDOG_TWILIO_AUTH_TOKEN="its own")
    running.wait_for(lambda: running.pids("watchdog") and "Ctrl-C" in running.said)
    line = next(line for line in running.lines if "watchdog pid" in line).split()
    assert {"DATABASE_URL", "CARE_ENVIRONMENT", "WATCHDOG_WEB_URL", "WATCHDOG_TWILIO_AUTH_TOKEN"} <= set(line)
    assert not {"CARE_KEYS", "CARE_TOKEN_KEY", "SECRET_KEY", "TWILIO_AUTH_TOKEN"} & set(line)
    assert "PROMETHEUS_MULTIPROC_DIR" in get(running.port, "/environment").split()
    assert not (var / "metrics" / "counter_1.db").exists()


def test_a_killed_starter_takes_its_children_along_and_the_next_one_starts(
    start: Callable[..., Running], var: Path
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux ends children with their parent")
    first = start()
    first.wait_for(lambda: first.pids("clock") and first.pids("worker"))
    first.process.kill()
    first.wait_for(lambda: not any(alive(pid) for pid in first.pids("clock") + first.pids("worker")))
    assert Embedded(var).running()
    second = start()
    second.wait_for(lambda: "Ctrl-C" in second.said)
    second.process.terminate()
    assert second.process.wait(20) == 0
    assert not Embedded(var).running()


def test_a_database_that_can_not_be_prepared_stops_everything_with_an_error(
    start: Callable[..., Running], var: Path
) -> None:
    running = start(CARE_TEST_BROKEN="yes")
    assert running.process.wait(30) == 1
    running.wait_for(lambda: "could not be prepared (code 7)" in running.said, 5)
    assert "clock" not in running.said
    assert not Embedded(var).running()


def test_a_child_that_dies_again_and_again_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    children = Children(first_pause=0.01)
    children.add(Child("broken", [sys.executable, "-S", "-c", "raise SystemExit(7)"], {}))
    while children.look_after():
        time.sleep(0.01)
    assert "ended 6 times in a row, the last with code 7: giving up" in capsys.readouterr().out


def test_one_that_is_not_vital_is_tried_again_for_ever_and_the_others_go_on() -> None:
    children = Children(first_pause=0.0)
    children.add(Child("watchdog", [sys.executable, "-S", "-c", "raise SystemExit(2)"], {}, vital=False))
    while children._all[0].deaths < 8:
        assert children.look_after()
        time.sleep(0.005)
    children.stop()


def test_a_port_in_use_is_said_before_anything_starts(start: Callable[..., Running], var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        running = start(PORT=port)
        assert running.process.wait(20) == 2
    running.wait_for(lambda: f"Port {port} is in use" in running.said, 5)
    assert not (var / "postgres.log").exists() or not Embedded(var).running()
    assert start(PORT="eighty").process.wait(20) == 2


def test_an_interrupt_that_reaches_make_alone_stops_it_too(start: Callable[..., Running], var: Path) -> None:
    makefile = var.parent / "Makefile"
    makefile.write_text(f"run:\n\t@{sys.executable} -m launch --stop-with-parent --var {var}\n")
    running = start(["make", "-f", str(makefile), "run"])
    running.wait_for(lambda: "Ctrl-C" in running.said)
    running.process.send_signal(signal.SIGINT)
    running.process.wait(20)
    assert not Embedded(var).running()
    assert not any(alive(pid) for pid in running.pids("worker") + running.pids("clock"))


@pytest.mark.parametrize(
    ("readyz", "healthz", "patient", "expected"),
    [
        (200, 200, True, True),
        (503, 200, True, False),  # the clock and the worker may still be coming
        (503, 200, False, True),
        (503, 500, False, False),
        (404, 200, True, True),
    ],
)
def test_care_is_ready_when_it_says_so_or_when_patience_is_over(
    readyz: int, healthz: int, patient: bool, expected: bool
) -> None:
    class Web(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/readyz": readyz, "/healthz": healthz}[self.path])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        assert ready("127.0.0.1", web.server_port, patient) is expected
        web.shutdown()


def test_children_get_neither_makes_nor_another_postgresqls_settings() -> None:
    own = {"PATH": "/bin", "PGHOST": "elsewhere", "MAKEFLAGS": "-j", "PORT": "1", "TWILIO_SENDER": "+1"}
    assert child_environment(own) == {"PATH": "/bin", "TWILIO_SENDER": "+1", "PYTHONUNBUFFERED": "1"}


def test_log_ins_are_shown_whatever_their_shape() -> None:
    assert login_lines([{"name": "nurse", "password": "a"}, {"name": "Dr", "role": "x"}]) == [
        "name   password  role",
        "nurse  a",
        "Dr               x",
    ]
    assert login_lines({"staff": [{"user": "a"}], "note": "n"}) == ["staff:", "user", "a", "note: n"]
