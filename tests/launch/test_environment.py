"""Development keys: made once, for their owner alone, and only beside the embedded database."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

from launch.environment import embedded_environment

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter with only these variables prints."""
    own = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=own, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_keys_are_made_once_and_are_of_the_right_size(empty: Path) -> None:
    keys = embedded_environment(empty)
    assert embedded_environment(empty) == keys
    identifier, _, key = keys["CARE_KEYS"].partition(":")
    assert identifier == "1"
    assert len(base64.b64decode(key)) == len(base64.b64decode(keys["CARE_TOKEN_KEY"])) == 32
    assert len(keys["SECRET_KEY"]) >= 32
    assert stat.S_IMODE((empty / "development.env").stat().st_mode) == 0o600


def test_a_key_from_the_environment_wins_and_the_file_is_kept(empty: Path) -> None:
    kept = embedded_environment(empty)
    code = "import sys; from pathlib import Path; from launch.environment import embedded_environment\n"
    code += f"print(embedded_environment(Path({str(empty)!r}))['SECRET_KEY'])"
    assert run(code, SECRET_KEY="from outside") == "from outside"
    assert run(code) == kept["SECRET_KEY"]


def test_with_a_database_of_ones_own_nothing_is_generated(empty: Path) -> None:
    code = "from pathlib import Path; import launch\n"
    code += f"with launch.running_database(Path({str(empty)!r})) as environment: print(environment)"
    assert run(code, DATABASE_URL="postgresql://server/care") == "{'DATABASE_URL': 'postgresql://server/care'}"
    assert not empty.exists()


def test_a_command_by_hand_gets_the_embedded_database_and_its_keys(var: Path) -> None:
    code = "from pathlib import Path; import launch\n"
    code += f"with launch.running_database(Path({str(var)!r})) as environment: print(*sorted(environment))"
    assert run(code).split() == [
        "CARE_ENVIRONMENT",
        "CARE_KEYS",
        "CARE_SIMULATOR",
        "CARE_TOKEN_KEY",
        "CARE_VAR",
        "DATABASE_URL",
        "SECRET_KEY",
    ]
