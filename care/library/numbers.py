"""Emergency numbers by country. A wrong number is worse than none: the table has its sources and is signed off."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from care.library.files import ROOT, document


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = document(ROOT / "lexicons" / "emergency-numbers.json")
    return table


def emergency_number(country: str) -> str:
    """The number to call in an emergency in this country (ISO 3166 alpha-2); 112 where the table has none."""
    entry = _table()["countries"].get(country.upper(), _table()["default"])
    return str(entry["emergency"])


def crisis_line(country: str) -> str | None:
    """The number of the country's help line for a mental crisis, where the table has one."""
    found = _table()["countries"].get(country.upper(), {}).get("crisis")
    return str(found) if found else None
