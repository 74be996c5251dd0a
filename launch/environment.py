"""What a process needs in its environment to use the embedded database: its address, and development keys made once."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from launch.postgres import Embedded

VAR = Path(os.environ.get("CARE_VAR") or Path(__file__).resolve().parent.parent / "var")
KEYS = "development.env"


def _thirty_two_bytes() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "CARE_KEYS": lambda: "1:" + _thirty_two_bytes(),
    "CARE_TOKEN_KEY": _thirty_two_bytes,
}


def embedded_environment(var: Path) -> dict[str, str]:
    """The development keys that belong to the data in `var`, made there (mode 0600) the first time they are asked for.

    A key that the environment already names wins over the file. For the embedded database only: a hospital's keys
    come from its environment and are never made up here.
    """
    path = var / KEYS
    kept = _read(path)
    missing = {name: make() for name, make in MAKERS.items() if name not in kept}
    if missing:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        _append(path, missing)
        kept = _read(path)
    return {name: os.environ.get(name) or kept[name] for name in MAKERS}


def environment_of(server: Embedded) -> dict[str, str]:
    """Everything the application needs to use this running server. CARE_VAR is where its other files may go."""
    environment = os.environ.get("CARE_ENVIRONMENT") or "development"
    return {
        "DATABASE_URL": server.url(),
        "CARE_VAR": str(server.var),
        "CARE_ENVIRONMENT": environment,
        "CARE_SIMULATOR": os.environ.get("CARE_SIMULATOR", "1" if environment == "development" else ""),
        **embedded_environment(server.var),
    }


@contextmanager
def running_database(var: Path = VAR) -> Iterator[dict[str, str]]:
    """The environment of a command that needs the database, for as long as the block runs.

    With DATABASE_URL set this is only that; otherwise the embedded server of `var` runs meanwhile (or goes on running,
    if somebody else uses it), and the development keys are given beside its address.
    """
    if os.environ.get("DATABASE_URL"):
        yield {"DATABASE_URL": os.environ["DATABASE_URL"]}
        return
    with Embedded(var) as server:
        yield environment_of(server)


def _read(path: Path) -> dict[str, str]:
    """NAME=value lines. The first of a name counts, so that of two processes that append at once both read the same."""
    kept: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, separator, value = line.partition("=")
            if separator and not name.startswith("#"):
                kept.setdefault(name.strip(), value.strip())
    return kept


def _append(path: Path, values: dict[str, str]) -> None:
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    if not path.exists():
        text = (
            "# Made for the embedded database. Without these keys its data can't be read: keep both or neither.\n"
            + text
        )
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
