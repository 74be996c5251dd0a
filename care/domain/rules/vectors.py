"""Vectors: the examples that a rule is published with, as a report and what came before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.values import Report


def read_vector(vector: Mapping[str, Any], at: datetime) -> tuple[Report, tuple[Measure, ...]]:
    """(the report, the earlier measures) of an example, dated back from `at`.

    An entry has one `value`, or many `values`, oldest first, `every_hours` apart, the last of them `hours_ago`.
    """
    report = Report("vector", at, _measures(vector["report"], "now", at), vector.get("answers", {}))
    return report, _measures(vector["before"], "before", at)


def _measures(entries: Iterable[Mapping[str, Any]], prefix: str, at: datetime) -> tuple[Measure, ...]:
    found: list[Measure] = []
    for entry in entries:
        values = entry["values"] if "values" in entry else [entry["value"]]
        for back, value in zip(range(len(values) - 1, -1, -1), values, strict=True):
            moment = at - timedelta(hours=entry["hours_ago"] + back * entry.get("every_hours", 0))
            name, comparator = f"{prefix}{len(found)}", entry.get("comparator", "")
            found.append(Measure(name, entry["code"], value, entry.get("unit", ""), moment, comparator))
    return tuple(found)
