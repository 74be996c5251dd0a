"""A model's directory, read and verified before any of it is used.

`SHA256SUMS` lists every file; a file more, a file less or a byte changed is a refusal. The bundle's own hash is that
of the canonical list, and it is written on every assessment. Nothing in it is code: JSON, one ONNX graph, no pickle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from care.errors import AssessmentError
from risk.graph import read_graph
from risk.manifest import Manifest

SUMS = "SHA256SUMS"
NEEDED = ("manifest.json", "model.onnx", "golden.jsonl", "metrics.json", "card.json")
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle: the manifest, the graph's bytes as they were hashed, the golden rows, metrics and card."""

    manifest: Manifest
    sha256: str
    model: bytes
    golden: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, Any]
    card: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The name that protocols ask for; the version and the hash say which one answered."""
        return self.manifest.id


def load(directory: Path) -> Bundle:
    """The bundle in `directory`, or an AssessmentError.

    Its reason is bundle-missing, bundle-hash, bundle-manifest, bundle-graph or bundle-golden.
    """
    files = _verified_files(directory)
    try:
        manifest = Manifest.model_validate_json(files["manifest.json"])
        golden = tuple(json.loads(line) for line in files["golden.jsonl"].splitlines() if line.strip())
        metrics, card = json.loads(files["metrics.json"]), json.loads(files["card.json"])
    except (ValidationError, ValueError) as error:
        raise AssessmentError("bundle-manifest", "a file of the bundle does not say what it should") from error
    if len(golden) != manifest.golden.n:
        raise AssessmentError("bundle-golden", "the golden rows are not as many as declared")
    _check_graph(manifest, files["model.onnx"])
    return Bundle(manifest, canonical_hash(files), files["model.onnx"], golden, metrics, card)


def canonical_list(files: Mapping[str, bytes]) -> str:
    """The text of SHA256SUMS: one `hash  path` a line, sorted by path, without SHA256SUMS itself."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def canonical_hash(files: Mapping[str, bytes]) -> str:
    """The bundle's hash: sha256 of its canonical file list."""
    return hashlib.sha256(canonical_list(files).encode()).hexdigest()


def _verified_files(directory: Path) -> dict[str, bytes]:
    """Every file but SHA256SUMS, by path; each is read once, and what was hashed is what is used."""
    files: dict[str, bytes] = {}
    try:
        if sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) > MAX_BYTES:
            raise AssessmentError("bundle-missing", "the bundle is larger than a bundle may be")
        for path in directory.rglob("*"):
            if path.is_symlink():
                raise AssessmentError("bundle-hash", "a bundle holds no links")
            if path.is_file():
                files[path.relative_to(directory).as_posix()] = path.read_bytes()
    except OSError as error:
        raise AssessmentError("bundle-missing", "the bundle can't be read") from error
    told = files.pop(SUMS, b"")
    if missing := [name for name in NEEDED if name not in files]:
        raise AssessmentError("bundle-missing", f"the bundle lacks {missing[0]}")
    if told.decode("utf-8", "replace") != canonical_list(files):
        raise AssessmentError("bundle-hash", "the bundle's files are not those that were signed off")
    return files


def _check_graph(manifest: Manifest, model: bytes) -> None:
    declared, facts = manifest.graph, read_graph(model)
    if hashlib.sha256(model).hexdigest() != declared.sha256:
        raise AssessmentError("bundle-hash", "the graph is not the one that the manifest names")
    if facts.ops != tuple(sorted(declared.ops)) or facts.ir != declared.ir or facts.opset != dict(declared.opset):
        raise AssessmentError("bundle-graph", "the graph's operators are not those that the manifest names")
