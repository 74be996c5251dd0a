"""A verified bundle, and copies of it that someone has tampered with and signed again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from care.domain.measure import Measure
from risk.bundle import SUMS, Bundle, canonical_list, load
from risk.registry import BUNDLES
from risk.scoring import Scorer

HYPOGLYCAEMIA = "hypoglycaemia-next-day"
DIRECTORY = BUNDLES / HYPOGLYCAEMIA / "1.0.0"
EVENING = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
Tampered = Callable[..., Path]


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bundle that is shipped."""
    return load(DIRECTORY)


@pytest.fixture(scope="session")
def scorer(bundle: Bundle) -> Scorer:
    """A scorer of the bundle that is shipped."""
    return Scorer(bundle)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the bundle, in the folders of its id and version."""
    return Path(shutil.copytree(DIRECTORY, tmp_path / HYPOGLYCAEMIA / "1.0.0"))


@pytest.fixture
def tampered(copy: Path) -> Tampered:
    """tampered(model=…, manifest=…, golden=…): a copy with parts replaced, and every hash made to fit again."""

    def sign(
        model: Callable[[bytes], bytes] = lambda data: data,
        manifest: Callable[[dict[str, Any]], None] = lambda _: None,
        golden: Callable[[str], str] = lambda text: text,
    ) -> Path:
        (copy / "model.onnx").write_bytes(model((copy / "model.onnx").read_bytes()))
        (copy / "golden.jsonl").write_text(golden((copy / "golden.jsonl").read_text()))
        found = json.loads((copy / "manifest.json").read_text())
        manifest(found)
        found["graph"]["sha256"] = hashlib.sha256((copy / "model.onnx").read_bytes()).hexdigest()
        (copy / "manifest.json").write_text(json.dumps(found))
        files = {path.name: path.read_bytes() for path in copy.iterdir() if path.name != SUMS}
        (copy / SUMS).write_text(canonical_list(files))
        return copy

    return sign


def glucose(value: float | None, days_ago: float, unit: str = "mg/dL", comparator: str = "") -> Measure:
    """One glucose reading so many days before the evening of scoring."""
    at = EVENING - timedelta(days=days_ago)
    return Measure(f"g{days_ago}-{value}", "2339-0", value, unit, at, comparator)


def diary(*values: float) -> list[Measure]:
    """A reading a day, the last one a moment before scoring."""
    return [glucose(value, ago) for ago, value in enumerate(reversed(values))]
