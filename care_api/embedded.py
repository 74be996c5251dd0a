"""A command on a laptop: without DATABASE_URL, `flask ...` has the embedded server run for as long as it takes.

Only the `flask` command does that. A server process without a database address is a mistake, and says so at its start.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from care.settings import Settings

VAR = Path(os.environ.get("CARE_VAR") or Path(__file__).resolve().parent.parent / "var")

# These touch no table of the clinic's, so no server is started for them.
WITHOUT_TABLES = frozenset({"", "risk", "demo", "replay", "bots", "questionnaires", "routes", "openapi"})
_BUT = ("questionnaires", "import")  # a draft is kept
_NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
_VALUED = ("-A", "--app", "-e", "--env-file")  # options of flask itself that take a value


def settings_of_a_laptop() -> Settings | None:
    """The settings for this command, with the embedded server running if it needs one; None where neither applies."""
    if os.environ.get("DATABASE_URL") or os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        return None
    from launch.environment import embedded_environment, running_database  # servers do without it

    if needs_no_tables(sys.argv[1:]):
        return _settings({"DATABASE_URL": _NOWHERE, **embedded_environment(VAR)})
    running = ExitStack()
    atexit.register(running.close)
    return _settings(running.enter_context(running_database(VAR)))


def needs_no_tables(arguments: Sequence[str]) -> bool:
    """Whether this `flask` command line asks nothing of the clinic's database."""
    words = words_of(arguments)
    return not words or "--help" in arguments or (words[0] in WITHOUT_TABLES and words[:2] != _BUT)


def command_of(arguments: Sequence[str]) -> str:
    """The first word of a `flask` command line that is no option of flask itself; '' when there is none."""
    return next(iter(words_of(arguments)), "")


def words_of(arguments: Sequence[str]) -> tuple[str, ...]:
    """The words of a `flask` command line, from the command on, that are no options."""
    words = iter(arguments)
    found: list[str] = []
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif not word.startswith("-"):
            found.append(word)
    return tuple(found)


def _settings(environment: dict[str, str]) -> Settings:
    values = {"CARE_ENVIRONMENT": os.environ.get("CARE_ENVIRONMENT") or "development"} | environment
    return Settings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]
