"""The calendars of public holidays that a protocol may name, each from its own file with its official source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from care.domain.plan import Calendar, read_calendar
from care.library.files import documents


@cache
def calendars() -> Mapping[str, Calendar]:
    """Every calendar of the library by id."""
    found = [read_calendar(document) for _, document in documents("calendars")]
    return {one.id: one for one in found}
