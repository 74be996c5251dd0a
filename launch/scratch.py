"""`python -m launch.scratch COMMAND …`: run a command on a throwaway embedded database, and give its exit code back."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from launch.environment import MAKERS
from launch.postgres import Embedded


def main(command: list[str]) -> int:
    """The command's exit code; 2 when there is no command. Keys are made up, DATABASE_URL is never the caller's."""
    if not command:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="care-scratch-") as folder, Embedded(Path(folder), durable=False) as server:
        keys = {name: make() for name, make in MAKERS.items()}
        environment = {**os.environ, **keys, "CARE_ENVIRONMENT": "development", "DATABASE_URL": server.url()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
