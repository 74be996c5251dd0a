"""The story of a patient as the page tells it: a report and what it measured are one entry; messages are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from care.domain.measure import Measure
from care.records.tasks import Task
from care.records.timeline import Event

MOST = 60


@dataclass
class Entry:
    """One line. `kind` is report, missed, escalation or consent; `ref` the row it leads to."""

    at: datetime
    kind: str
    ref: UUID
    detail: Mapping[str, Any]
    source: str = ""
    measures: list[Measure] = field(default_factory=list)


def story(events: Sequence[Event], missed: Iterable[Task], limit: int = MOST) -> list[Entry]:
    """The newest entries first. Values that were true at the same moment belong to the report of that moment."""
    entries: list[Entry] = []
    reports: dict[datetime, Entry] = {}
    for event in events:
        if event.kind in ("QuestionnaireResponse", "Observation"):
            entry = reports.get(event.at)
            if entry is None:
                entry = reports[event.at] = Entry(event.at, "report", event.ref, {}, event.source)
                entries.append(entry)
            _join(entry, event)
        elif event.kind in ("Escalation", "Consent"):
            entries.append(Entry(event.at, event.kind.lower(), event.ref, event.detail, event.source))
    entries += [Entry(task.expires_at, "missed", task.id, {"reason": task.status_reason}) for task in missed]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def _join(entry: Entry, event: Event) -> None:
    about = event.detail
    if event.kind == "QuestionnaireResponse":
        if about.get("status") != "amended" or not entry.detail:
            entry.detail, entry.ref, entry.source = about, event.ref, event.source
        return
    if not about.get("superseded"):
        entry.measures.append(
            Measure(
                str(event.ref),
                about["code"],
                about["value"],
                about["unit"],
                event.at,
                about["comparator"],
                about["context"],
            )
        )
