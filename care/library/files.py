"""Where the content lies, and how one file of it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


def documents(folder: str) -> Iterator[tuple[Path, Any]]:
    """Every JSON file of a folder of the library, by name."""
    for path in sorted((ROOT / folder).glob("*.json")):
        yield path, document(path)


def document(path: Path) -> Any:
    """One JSON file; a key that stands twice is an error, since one of the two would be lost in silence."""
    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
