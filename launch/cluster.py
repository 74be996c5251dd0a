"""The data directory of the embedded server: made once, given to an unprivileged account, freed of a stale pid file."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from launch.account import Account
from launch.binaries import ENVIRONMENT, MAJOR

SUPERUSER = "postgres"
ROLE = "care"


class ClusterError(RuntimeError):
    """The data directory can't be used as it is; the message says what to do."""


def passwords(var: Path, *, may_make: bool) -> dict[str, str]:
    """The passwords of the superuser and of the application's role, kept in `var` with mode 0600.

    Errors: ClusterError when there are none and `may_make` is False, since the data they belong to exists already.
    """
    path = var / "postgres.json"
    if path.exists():
        return {name: str(value) for name, value in json.loads(path.read_text(encoding="utf-8")).items()}
    if not may_make:
        raise ClusterError(
            f"{path} with the passwords of {var / 'postgres'} is missing: put it back, or move both away."
        )
    made = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, ROLE)}
    draft = path.with_name("postgres.json.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return made


def create(data: Path, binaries: Path, account: Account, password: str, *, durable: bool) -> None:
    """Run initdb beside `data` and move the result there, so that half a cluster is never taken for a whole one.

    Errors: ClusterError with what initdb said.
    """
    draft = data.with_name(data.name + ".new")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    if account.borrowed:
        os.chown(draft, account.uid, account.gid)
    # The password travels in an unlinked file: nothing is left of it, and no list of processes shows it.
    with reachable(draft, account) as (argument, descriptors), tempfile.TemporaryFile(dir=data.parent) as secret:
        secret.write(password.encode() + b"\n")
        secret.flush()
        if account.borrowed:
            os.fchown(secret.fileno(), account.uid, account.gid)
        secret.seek(0)
        command = [str(binaries / "bin" / "initdb"), "-D", argument, "-U", SUPERUSER, "--auth=scram-sha-256"]
        command += [f"--pwfile=/dev/fd/{secret.fileno()}", "--encoding=UTF8", "--no-locale", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] + ([] if durable else ["--no-sync"])
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            pass_fds=(secret.fileno(), *descriptors),
            **account.for_process(),
        )
    if made.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise ClusterError(f"initdb failed: {(made.stderr or made.stdout).strip()[-2000:]}")
    draft.rename(data)


def check_version(data: Path) -> None:
    """Errors: ClusterError when the data was written by another major version than the binaries'."""
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != MAJOR:
        raise ClusterError(
            f"{data} was written by PostgreSQL {found}; this is {MAJOR}. Restore a backup, or move it away."
        )


@contextmanager
def reachable(folder: Path, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """How a child that runs as `account` names the folder, and the open files it must inherit for that.

    A borrowed account may not be able to walk to it (root's home is closed to others). An inherited descriptor leads
    straight to the folder, so no mode of any parent has to change.
    """
    if not account.borrowed:
        yield str(folder), ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


class PidFile:
    """postmaster.pid (and the lock beside the socket), which a server that died leaves behind.

    The number in it may be somebody else's by now, after a restart of the machine or in a container.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "postmaster.pid"
        self._before: dict[Path, bytes] = {}

    def lines(self) -> list[str]:
        """Its lines: pid, data directory, start time, port, socket folder, address, shared memory, state; or none."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def disown(self) -> None:
        """Make PostgreSQL judge a stale file by the shared memory named in it instead of by the pid.

        PostgreSQL refuses to start while a process of that number lives, whatever it is. It makes an exception for its
        own parent, which is us, and then still refuses if the old server's shared memory is in use. So nobody is
        killed, and no server that is alive is doubled. To be called only while no server of ours can be running.
        """
        for path in (self.path, *self.path.parent.glob(".s.PGSQL.*.lock")):
            if path.is_file() and not path.is_symlink():
                self._before[path] = path.read_bytes()
                _, separator, rest = self._before[path].partition(b"\n")
                _overwrite(path, str(os.getpid()).encode() + separator + rest)

    def restore(self) -> None:
        """Put back what `disown` changed, for the server that turned out to be alive."""
        for path, content in self._before.items():
            if path.is_file():
                _overwrite(path, content)


def _overwrite(path: Path, content: bytes) -> None:
    # In place: the folder may belong to another account, which must neither lose the file nor lead us elsewhere.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_TRUNC), "wb") as file:
        file.write(content)


def signal_stranger(pid: int, number: int, account: Account, still_it: Callable[[], bool]) -> bool:
    """Signal a server that is not our child. `still_it` is asked once the process is pinned; False when it isn't it.

    Where the system can (Linux), the process is held by descriptor, so the number can't pass to a bystander between
    the look and the signal.
    """
    if not sys.platform.startswith("linux"):
        if not still_it():
            return False
        os.kill(pid, number)
        return True
    try:
        pinned = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        place = Path(f"/proc/{pid}")
        if place.joinpath("comm").read_text().strip() != "postgres" or place.stat().st_uid != account.uid:
            return False
        if not still_it():
            return False
        signal.pidfd_send_signal(pinned, number)
    except OSError:
        return False
    finally:
        os.close(pinned)
    return True
