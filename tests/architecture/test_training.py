"""What trains models stays offline: the server, the gates and the monitor's measures import none of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRAINING = {"sklearn", "scipy", "lightgbm", "onnx", "skl2onnx", "risk.recipes.course"}


@pytest.mark.parametrize(
    ("modules", "banned"),
    [
        ("risk.registry, risk.promotion, risk.gates, risk.metrics, risk.survival, risk.subgroups, risk.cards", True),
        ("care_api.app, care_api.commands.models", False),  # cohort files are read with pandas there
    ],
)
def test_no_training_library_is_imported(modules: str, banned: bool):
    code = f"import sys, {modules}; print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert loaded & (TRAINING | ({"pandas"} if banned else set())) == set()


def test_the_training_extra_is_pinned_and_the_server_does_without_it():
    train = (ROOT / "requirements-train.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in train if line and not line.startswith("#")}
    assert all("==" in line for line in train if line and not line.startswith("#"))
    assert {"scikit-learn", "lightgbm", "onnx"} <= pinned
    server = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not any(f"\n{name}==" in server for name in ("scikit-learn", "lightgbm", "onnx"))
