"""Cells: what stands in a field of a CSV file that we write, so that no spreadsheet takes it for a formula."""

from __future__ import annotations

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_MARK = "'"


def guarded(value: str) -> str:
    """The value as it is written: one that a spreadsheet would reckon gets an apostrophe in front, as text has there.

    What already begins with apostrophes and such a sign gets one more, so that `unguarded` gives every value back.
    """
    return _MARK + value if value.lstrip(_MARK).startswith(_FORMULAS) else value


def unguarded(value: str) -> str:
    """The value that `guarded` was given."""
    bare = value.removeprefix(_MARK)
    return bare if bare != value and bare.lstrip(_MARK).startswith(_FORMULAS) else value
