"""The value sets that are at hand: FHIR's own common ones, which ship, and those of the hospital's own folder.

What ships are codes and displays, each set with where it is from and why it may be given on. Nothing of SNOMED CT or
LOINC is among it: a hospital that has a licence puts those sets into its folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from care.domain.questionnaire.tools import ValueSet
from care.domain.questionnaire.value_sets import Catalogue
from care.errors import Invalid
from care.library.files import ROOT, document

_LARGEST = 20 * 1024 * 1024  # bytes; the largest set of FHIR itself has two
_KINDS = ("ValueSet", "CodeSystem")


class _Shelf:
    """The catalogue of this process: what ships, read when it is first asked for, over it what a hospital brings."""

    shipped: Catalogue | None = None
    brought: Catalogue | None = None


def bring(folder: str) -> int:
    """Take the value sets of a folder of FHIR JSON files (ValueSet, CodeSystem, or Bundles of them) before ours.

    An empty name takes them away. Returns how many resources there are. Raises Invalid with the file's name for a
    folder or a file that cannot be read: a value set that is missed in silence would only show at a patient's.
    """
    _Shelf.brought = None
    if not folder:
        return 0
    if not Path(folder).is_dir():
        raise Invalid("value-sets", "CARE_VALUE_SETS names no folder", place=folder)
    found = [each for path in sorted(Path(folder).glob("*.json")) for each in _read(path)]
    _Shelf.brought = Catalogue(found, _of_ours)
    return len(found)


def value_set(canonical: str) -> ValueSet | None:
    """The expanded value set of this url, with or without |version; None when it is not at hand."""
    return _Shelf.brought.value_set(canonical) if _Shelf.brought is not None else _of_ours(canonical)


def _of_ours(canonical: str) -> ValueSet | None:
    if _Shelf.shipped is None:
        _Shelf.shipped = Catalogue(
            [each for path in sorted((ROOT / "value_sets").glob("*.json")) for each in _read(path)]
        )
    return _Shelf.shipped.value_set(canonical)


def _read(path: Path) -> Iterator[Mapping[str, Any]]:
    """The value sets and code systems of one file; anything else in it is passed over."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        whole = document(path)
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid("value-sets", f"the value set file {path.name} cannot be read", place=path.name) from error
    entries = whole.get("entry", []) if isinstance(whole, dict) and whole.get("resourceType") == "Bundle" else None
    parts = [whole] if entries is None else [each.get("resource") for each in entries if isinstance(each, dict)]
    yield from (part for part in parts if isinstance(part, dict) and part.get("resourceType") in _KINDS)
