"""An embedded PostgreSQL 18: ours to make, start, find again, and stop; the data in `var/postgres`.

Rights. PostgreSQL refuses to run as root. Started by root, it runs as `nobody`: only the data directory is given to
that account. Its parents keep their modes even where `nobody` may not enter them (a project in root's home): the server
gets the directory as an inherited descriptor (`/proc/self/fd/N`) and binds its socket there by a relative path. Only
the binaries can't be reached that way (PostgreSQL resolves its own path), so if the virtual environment is closed to
`nobody` they are copied below the system's temporary folder for as long as the server runs. Data never goes there.

Locks, all flock(2), all in `var`, all freed by the kernel whatever a process dies of:
  postgres.start.lock   held while one process decides about starting or stopping
  postgres.server.lock  inherited by postgres and all its children: if it can be had, no server of ours runs
  postgres.users.lock   shared by everyone who uses the server; the last one to leave stops it
So a second starter finds and uses the first one's server, a short command never takes the server from under `make run`,
and the server of a starter that was killed is adopted by the next one. The pid file is never believed by itself.

Address. A socket in the data directory if its path is short enough for one, else a free port of 127.0.0.1. Passwords
(scram-sha-256, for every connection) are in `var/postgres.json`, mode 0600. The log, `var/postgres.log`, holds the
server's own life only: no statement, no parameter, no error of a statement, since these could quote a patient.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psycopg

from launch import binaries
from launch.account import AccountError, server_account
from launch.cluster import (
    ROLE,
    SUPERUSER,
    ClusterError,
    PidFile,
    check_version,
    create,
    passwords,
    reachable,
    signal_stranger,
)
from launch.databases import connected, create_database, drop_database, furnish
from launch.locks import FileLock
from launch.tuning import SETTINGS, THROWAWAY

PATIENCE = 600.0  # seconds: a recovery after a power cut on a slow disk takes minutes, and giving up helps nobody
SOCKET_PORT = 5432  # a suffix of the socket's name, nothing that listens on the network
LONGEST_SOCKET_PATH = 99  # bytes; the systems' limits are 103 and 107
LARGEST_LOG = 5_000_000


class ServerError(RuntimeError):
    """The embedded server can't be started or stopped; the message says why."""


def _to_stderr(message: str) -> None:
    sys.stderr.write(message + "\n")


class Embedded:
    """The embedded server of one `var` folder. Use it as a context manager, or call start() and stop().

    durable=False is for tests and other throwaway data: quick, and lost with the machine's power. `cancelled` is asked
    while start() waits. Not thread-safe. Errors of start(): ServerError.
    """

    def __init__(
        self,
        var: Path,
        *,
        durable: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = _to_stderr,
    ) -> None:
        self.var = Path(var).resolve()
        self.data = self.var / "postgres"
        self._durable = durable
        self._cancelled = cancelled
        self._say = say
        self._port = 0
        self._passwords: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._user = FileLock(self.var / "postgres.users.lock")
        self._in_use = False

    def __enter__(self) -> Embedded:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- what others call -------------------------------------------------------------------------------------------

    def start(self) -> str:
        """Make the data directory if there is none, start the server or find it running; the address of `care`.

        May also be called again by a user whose server died. Waits as long as a recovery takes, up to ten minutes.
        """
        try:
            self.var.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._deciding():
                self._user.take(shared=True)
                self._in_use = True
                try:
                    self._run()
                    with self._connected() as connection:
                        furnish(connection, self._passwords[ROLE])
                except BaseException:
                    self._leave(spare_strangers=True)
                    raise
        except (AccountError, ClusterError, binaries.BinariesError, OSError, psycopg.Error) as error:
            raise ServerError(str(error)) from error
        return self.url()

    def stop(self) -> None:
        """Leave the server; the last user to leave stops it (fast: open transactions are rolled back)."""
        if self._in_use:
            self._cancelled = lambda: False  # being told to stop is no reason not to
            with self._deciding():
                self._leave()

    def url(self, database: str = ROLE) -> str:
        """The SQLAlchemy address of a database, for the application's role. Contains the password: don't log it."""
        host, port = self._address()
        secret = quote(self._passwords[ROLE], safe="")
        if host.startswith("/"):
            return f"postgresql+psycopg://{ROLE}:{secret}@/{database}?host={quote(host, safe='/')}&port={port}"
        return f"postgresql+psycopg://{ROLE}:{secret}@{host}:{port}/{database}"

    def ensure_database(self, name: str, template: str | None = None) -> str:
        """Make a database that the application's role owns, if it isn't there (a copy of `template`); its address.

        Errors: ValueError for a name that isn't plain.
        """
        with self._connected() as connection:
            create_database(connection, name, template)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database made by ensure_database, whoever is connected to it. Errors: ValueError for `care` itself."""
        with self._connected() as connection:
            drop_database(connection, name)

    def running(self) -> bool:
        """Whether a server of this folder is alive, ready or not. Cheap: no connection is made."""
        lock = self._server_lock()
        if lock.take():
            lock.close()
            return False
        return True

    # --- starting ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Have a server that answers: one that runs already, or a new one as soon as no old one is left."""
        new = not (self.data / "PG_VERSION").exists()
        self._passwords = passwords(self.var, may_make=new)
        preferred, self._port = self._port, 0  # a port we had before is one that others still know
        wait = self._patience("PostgreSQL is busy (a recovery can take minutes); waiting for it ...")
        while not self._answers():
            lock = self._server_lock()
            if lock.take():
                try:
                    self._launch(lock, preferred)
                except BaseException:
                    if self._process is None or self._process.poll() is not None:
                        binaries.remove_copy(self.var)
                    raise
                finally:
                    lock.close()  # the server holds it on
                return
            next(wait)

    def _launch(self, lock: FileLock, preferred: int) -> None:
        account = server_account()
        folder = binaries.runnable(account, self.var)
        if not (self.data / "PG_VERSION").exists():
            self._say("Preparing the embedded PostgreSQL (once) ...")
            create(self.data, folder, account, self._passwords[SUPERUSER], durable=self._durable)
        check_version(self.data)
        for remaining in (2, 1, 0):
            pid_file = PidFile(self.data)
            pid_file.disown()
            self._port = 0 if self._by_socket() else _free_port(preferred if remaining == 2 else 0)
            began = self._spawn(folder, lock)
            if self._became_ready():
                return
            said = self._log_since(began)
            if "pre-existing shared memory block" in said:
                pid_file.restore()
                raise ServerError(f"A server that this program did not start runs on {self.data}: stop it first.")
            if "could not create any TCP/IP sockets" not in said or not remaining:
                raise ServerError(f"PostgreSQL did not start:\n{said.strip()[-2000:]}")

    def _spawn(self, folder: Path, lock: FileLock) -> int:
        """Start the server's process; the size of the log before it."""
        account = server_account()
        settings = SETTINGS | ({} if self._durable else THROWAWAY)
        if self._by_socket():
            settings |= {"unix_socket_directories": ".", "listen_addresses": "", "port": str(SOCKET_PORT)}
        else:
            settings |= {"unix_socket_directories": "", "listen_addresses": "127.0.0.1", "port": str(self._port)}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log() as log, reachable(self.data, account) as (argument, descriptors):
            began = os.fstat(log).st_size
            self._process = subprocess.Popen(
                [str(folder / "bin" / "postgres"), "-D", argument, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=binaries.ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the starter, which stops the server when its time has come
                pass_fds=(lock.descriptor, *descriptors),
                **account.for_process(),
            )
        return began

    def _became_ready(self) -> bool:
        """Wait until our new server answers; False when it ended instead."""
        wait = self._patience("PostgreSQL is recovering; this can take some minutes ...")
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                return False
            next(wait)
        return True

    # --- stopping ---------------------------------------------------------------------------------------------------

    def _leave(self, *, spare_strangers: bool = False) -> None:
        """Stop the server if nobody else uses it; called with the start lock held."""
        alone = self._user.take()
        self._user.close()
        self._in_use = False
        ours = self._process is not None and self._process.poll() is None
        if alone and self.running() and (ours or not spare_strangers):
            self._shut_down()
        if self._process is not None:
            self._process.poll()  # no zombie of a server that is gone

    def _shut_down(self) -> None:
        for number, seconds in ((signal.SIGINT, 90.0), (signal.SIGQUIT, 20.0)):
            if not self._signal(number):
                break
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if self._process is not None:
                    self._process.poll()
                if not self.running():
                    binaries.remove_copy(self.var)
                    return
                time.sleep(0.02)
        if self.running():
            raise ServerError(f"The PostgreSQL server of {self.data} could not be stopped.")

    def _signal(self, number: int) -> bool:
        """Signal the server: our child, or a stranger's that answers as ours and is still the one in the pid file."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            return True
        lines = PidFile(self.data).lines()
        if not lines or not lines[0].isdigit():
            return False

        # A server that is on its way out answers nobody; then only the stronger second signal is left.
        def same() -> bool:
            return PidFile(self.data).lines()[:1] == lines[:1] and (number == signal.SIGQUIT or self._answers())

        return signal_stranger(int(lines[0]), number, server_account(), same)

    # --- connections, locks, log ------------------------------------------------------------------------------------

    def _by_socket(self) -> bool:
        return len(os.fsencode(self.data / f".s.PGSQL.{SOCKET_PORT}")) <= LONGEST_SOCKET_PATH

    def _address(self) -> tuple[str, int]:
        """Host (a folder for a socket) and port; the port of a server somebody else started is in its pid file."""
        if self._by_socket():
            return str(self.data), SOCKET_PORT
        lines = PidFile(self.data).lines()
        return "127.0.0.1", self._port or (int(lines[3]) if len(lines) > 3 and lines[3].isdigit() else 0)

    def _connected(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return connected(*self._address(), self._passwords[SUPERUSER])

    def _answers(self) -> bool:
        """Whether a server answers at our address, and is ours. Errors: ServerError when it refuses our password."""
        if not self._address()[1] or not PidFile(self.data).lines():
            return False
        try:
            with self._connected() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error) and self._by_socket():
                message = f"{self.var / 'postgres.json'} does not hold the passwords of {self.data}."
                raise ServerError(message) from error
            return False
        return True

    def _server_lock(self) -> FileLock:
        return FileLock(self.var / "postgres.server.lock")

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """One process at a time decides about starting or stopping."""
        lock = FileLock(self.var / "postgres.start.lock")
        wait = self._patience("Another process is starting or stopping PostgreSQL; waiting for it ...")
        while not lock.take():
            next(wait)
        try:
            yield
        finally:
            lock.close()

    def _patience(self, message: str) -> Iterator[None]:
        """Sleep a little per step; say so after three seconds. Errors: ServerError if cancelled or out of patience."""
        began = time.monotonic()
        said = False
        while True:
            elapsed = time.monotonic() - began
            if self._cancelled():
                raise ServerError("Stopped while waiting for PostgreSQL.")
            if elapsed > PATIENCE:
                raise ServerError(f"PostgreSQL was not ready after {PATIENCE:.0f} s; see {self.var / 'postgres.log'}.")
            if elapsed > 3 and not said:
                self._say(message)
                said = True
            time.sleep(0.02 if elapsed < 3 else 0.25)
            yield

    @contextmanager
    def _log(self) -> Iterator[int]:
        path = self.var / "postgres.log"
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.rename(path.with_suffix(".log.1"))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _log_since(self, position: int) -> str:
        with open(self.var / "postgres.log", "rb") as file:
            file.seek(position)
            return file.read().decode(errors="replace")


def _free_port(preferred: int = 0) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("No free port on 127.0.0.1.")
