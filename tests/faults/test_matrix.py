"""The matrix itself: so many randomised runs hold, and a product that cheats is caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

PLAIN = "76"  # the seed of a run whose providers behave


def matrix(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command as anyone would; its status and its last line."""
    command = [sys.executable, "-m", "tests.faults", "--into", str(folder), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    assert done.stdout, done.stderr[-2000:]
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_whatever_breaks_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    runs = os.environ.get("FAULTS", "50")
    status, totals = matrix(tmp_path, "--runs", runs, "--lanes", "2")
    written = json.loads((tmp_path / "faults.json").read_text(encoding="utf-8"))
    said = (tmp_path / "faults").glob("run-*/history.jsonl")
    assert status == 0, (totals, [str(path) for path in said])
    assert totals["runs"] == int(runs)
    assert written["totals"] == totals
    assert {"name", "runs", "lost", "duplicates", "unknown", "unresolved"} <= set(written["cases"][0])


@pytest.mark.parametrize(
    ("sabotage", "found"),
    [("send-twice", "duplicates"), ("swallow", "lost")],
    ids=["a channel that sends twice", "a channel that says it sent and did not"],
)
def test_the_matrix_can_fail(tmp_path: Path, sabotage: str, found: str) -> None:
    status, totals = matrix(tmp_path, "--runs", "1", "--seed", PLAIN, "--lanes", "1", "--sabotage", sabotage)
    assert status == 1
    assert totals[found] > 0
