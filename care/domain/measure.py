"""Measure: one measured or reported value of one patient, as rules and models read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Measure:
    """One value: `code` is LOINC or a code of the glossary, `unit` is UCUM, `at` is aware (UTC).

    `comparator` is '<' or '>' when a meter showed Lo or Hi; `value` is then the meter's limit.
    `context` refines the code, for example 'before-breakfast'.
    """

    id: str
    code: str
    value: float | None
    unit: str
    at: datetime
    comparator: str = ""
    context: str = ""
