"""`python -m launch`, which is `make run`: database, web, clock, worker and watchdog, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from launch.children import Child, Children, run_once, say
from launch.environment import VAR, environment_of
from launch.parent import parent_leaves
from launch.postgres import Embedded, ServerError

ROOT = Path(__file__).resolve().parent.parent
NAME = "care"
PATIENCE = 30.0  # seconds that all of it may take to be ready; then the web alone has to do
LOGINS = "demo-logins.json"


def main(arguments: list[str] | None = None) -> int:
    """0 after an orderly stop, 1 when something failed, 2 when called wrongly (a port in use, say)."""
    parser = argparse.ArgumentParser(prog="python -m launch", description=__doc__)
    parser.add_argument(
        "--var",
        type=Path,
        default=VAR,
        help="where the embedded database and our other files live (CARE_VAR, else var/)",
    )
    parser.add_argument("--stop-with-parent", action="store_true", help="stop when the process that started this ends")
    options = parser.parse_args(arguments)
    try:
        host, port = os.environ.get("BIND") or "127.0.0.1", int(os.environ.get("PORT") or 8000)
        _check_free(host, port)
    except (ValueError, OSError) as error:
        sys.stderr.write(_why_not(error, os.environ.get("PORT") or "8000") + "\n")
        return 2
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    gone = parent_leaves() if options.stop_with_parent else lambda: False

    def cancelled() -> bool:
        return asked.is_set() or gone()

    try:
        with _database(options.var, cancelled) as (environment, server):
            return run(environment, server, options.var, host, port, cancelled)
    except ServerError as error:
        if cancelled():
            return 0
        say(NAME, str(error))
        return 1


@contextlib.contextmanager
def _database(var: Path, cancelled: Callable[[], bool]) -> Iterator[tuple[dict[str, str], Embedded | None]]:
    """What the children's environment gets, and the embedded server if it is ours to look after."""
    if os.environ.get("DATABASE_URL"):
        yield {}, None
        return
    server = Embedded(var, cancelled=cancelled, say=lambda message: say(NAME, message))
    began = time.monotonic()
    with server:
        say(NAME, f"PostgreSQL runs ({time.monotonic() - began:.1f} s)")
        yield environment_of(server), server
        say(NAME, "stopping PostgreSQL")


def run(
    extra: Mapping[str, str], server: Embedded | None, var: Path, host: str, port: int, cancelled: Callable[[], bool]
) -> int:
    """Prepare the database, then keep the processes running until told to stop; the exit code."""
    visible = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 asked for by whoever set BIND
    address = f"http://{f'[{visible}]' if ':' in visible else visible}:{port}"
    environment = {**child_environment(os.environ), "PUBLIC_URL": os.environ.get("PUBLIC_URL") or address}
    environment |= {"CARE_VAR": str(var.resolve()), "PROMETHEUS_MULTIPROC_DIR": fresh_metrics(var), **extra}
    python = [sys.executable, "-m"]
    code = run_once(Child("prepare", [*python, "flask", "--app", "wsgi", "prepare"], environment), cancelled)
    if code is None:
        return 0
    if code != 0:
        say(NAME, f"the database could not be prepared (code {code}); nothing was started")
        return 1
    children = Children()
    try:
        web = {**environment, "BIND": host, "PORT": str(port)}
        children.add(Child("web", [*python, "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "wsgi:app"], web))
        children.add(Child("clock", [*python, "scheduler", "clock"], environment))
        children.add(Child("worker", [*python, "scheduler", "worker"], environment))
        patient_until = time.monotonic() + PATIENCE
        if _keep(children, server, cancelled, lambda: ready(visible, port, time.monotonic() < patient_until)):
            late = time.monotonic() >= patient_until
            watching = watchdog_environment(environment, address)  # started last, so that it delays nobody's start
            children.add(Child("watchdog", [*python, "watchdog"], watching, vital=False))
            say(NAME, f"Care answers, but not all of it is ready: see {address}/readyz" if late else "Care is ready")
            say(NAME, f"Open {address}")
            if server is not None:
                if extra.get("CARE_SIMULATOR") == "1":
                    say(NAME, f"Be a patient, and move the clock: {address}/simulator")
                _show_logins(var / LOGINS)
            say(NAME, "Ctrl-C stops all of it.")
            _keep(children, server, cancelled, lambda: False)
        return 0 if cancelled() else 1
    finally:
        say(NAME, "stopping")
        children.stop()


def fresh_metrics(var: Path) -> str:
    """The folder in which the processes of this run count together; what an earlier run has counted is gone."""
    folder = var.resolve() / "metrics"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
    return str(folder)


def watchdog_environment(environment: Mapping[str, str], address: str) -> dict[str, str]:
    """What the watchdog needs: the database's address and settings of its own; no key and no provider of ours."""
    ours = ("TWILIO_", "METRICS_", "PROMETHEUS_", "CARE_KEYS", "CARE_TOKEN_KEY", "CARE_BROKER", "SECRET_KEY")
    theirs = {name: value for name, value in environment.items() if not name.startswith(ours)}
    return {"WATCHDOG_WEB_URL": address, **theirs}


def child_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what is not the children's: settings of libpq and make, and the web's address."""
    theirs = {
        name: value
        for name, value in own.items()
        if not name.startswith(("PG", "MAKE")) and name not in {"MFLAGS", "PORT", "BIND", "GUNICORN_CMD_ARGS"}
    }
    return theirs | {"PYTHONUNBUFFERED": "1"}


def _keep(
    children: Children, server: Embedded | None, cancelled: Callable[[], bool], until: Callable[[], bool]
) -> bool:
    """Look after the children and the server until `until` (True), or until a stop or a failure (False)."""
    looked_at = 0.0
    while not cancelled():
        if until():
            return True
        if not children.look_after():
            return False
        now = time.monotonic()
        if server is not None and now - looked_at > 1:
            looked_at = now
            if not server.running():
                say(NAME, "PostgreSQL ended; starting it again")
                before = server.url()
                if server.start() != before:
                    say(NAME, "PostgreSQL is at another address now, which the others don't know")
                    return False
        time.sleep(0.1)
    return False


def ready(host: str, port: int, patient: bool) -> bool:
    """Whether Care says that all of it is ready; when we are not `patient`, whether its web answers at all."""
    status = _status(host, port, "/readyz")
    if status == http.client.OK or status is None:
        return status is not None
    return (status == http.client.NOT_FOUND or not patient) and _status(host, port, "/healthz") == http.client.OK


def _status(host: str, port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _check_free(host: str, port: int) -> None:
    """Errors: OSError when the web could not listen there; ValueError for a number that is no port."""
    if not 0 < port < 65536:
        raise ValueError("no port")
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _why_not(error: ValueError | OSError, port: str) -> str:
    if isinstance(error, ValueError):
        return f"PORT must be a number from 1 to 65535, not {port!r}."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Stop that, or choose another: make run PORT=8001"
    return f"The web can't listen on port {port}: {error.strerror or error}. Choose another: make run PORT=8001"


def _show_logins(path: Path) -> None:
    """The demo log-ins that seeding left there, one a line; they exist in the embedded database only."""
    try:
        logins = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    say(NAME, f"Demo log-ins (also in {path.parent.name}/{path.name}):")
    for line in login_lines(logins):
        say(NAME, f"  {line}")


def login_lines(value: Any, name: str = "") -> list[str]:
    """Any JSON as lines to read: a list's records as a table, everything else as "name: value"."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in login_lines(inner, f"{name} {key}".strip())]
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        columns = list(dict.fromkeys(str(key) for row in value for key in row))
        rows = [columns, *([str(row.get(column, "")) for column in columns] for row in value)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return ([f"{name}:"] if name else []) + table
    if isinstance(value, list):
        return [line for inner in value for line in login_lines(inner, name)]
    return [f"{name}: {value}" if name else str(value)]


if __name__ == "__main__":
    sys.exit(main())
