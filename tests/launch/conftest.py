"""Folders for embedded servers: below a short path, so that their sockets fit, in a folder nobody else may enter."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.postgres import Embedded


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A `var` whose data directory is there, its server stopped: to be copied, since initdb takes its second."""
    folder = Path(tempfile.mkdtemp(prefix="care-launch-"))
    with Embedded(folder / "var", durable=False):
        pass
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shared(made_once: Path) -> Iterator[Embedded]:
    """One running server for the tests that leave it as it is."""
    copy = made_once.with_name("shared")
    subprocess.run(["cp", "-a", str(made_once), str(copy)], check=True)
    with Embedded(copy, durable=False) as embedded:
        yield embedded


@pytest.fixture
def empty() -> Iterator[Path]:
    """A `var` that is not there yet."""
    folder = Path(tempfile.mkdtemp(prefix="care-launch-"))
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture
def var(made_once: Path, empty: Path) -> Path:
    """A `var` with data in it and no server running."""
    subprocess.run(["cp", "-a", str(made_once), str(empty)], check=True)
    return empty


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A starter without settings of its own, whatever other tests of this process have set."""
    for name in ("DATABASE_URL", "CARE_KEYS", "CARE_TOKEN_KEY", "SECRET_KEY", "CARE_ENVIRONMENT", "CARE_VAR"):
        monkeypatch.delenv(name, raising=False)
