"""Reading an AIM-94 diary file: each line as the text its patient would have sent.

The file has the columns patient, date (MM-DD-YYYY), time (H:MM), code and value, dirty as it was collected. The code
book is the one published with the data: 33-35 insulin, 48 and 57-64 glucose, 65-72 events.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from care.errors import Invalid

ZONE = "America/New_York"
COLUMNS = ["patient", "date", "time", "code", "value"]
GLUCOSE = {"48", "57", "58", "59", "60", "61", "62", "63", "64"}
WORDS = {
    "33": "insulin regular",
    "34": "insulin nph",
    "35": "insulin ultralente",
    "48": "glucose",
    "57": "glucose",
    "58": "glucose before breakfast",
    "59": "glucose after breakfast",
    "60": "glucose before lunch",
    "61": "glucose after lunch",
    "62": "glucose before supper",
    "63": "glucose after supper",
    "64": "glucose before snack",
    "65": "low sugar symptoms",
    "66": "meal typical",
    "67": "meal more than usual",
    "68": "meal less than usual",
    "69": "exercise typical",
    "70": "exercise more than usual",
    "71": "exercise less than usual",
    "72": "special event",
}
LOW, VERY_LOW = 70.0, 54.0  # mg/dL


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file. `number` counts from 1 without the header; `at` is when the patient would have sent it."""

    number: int
    patient: str
    date: str
    time: str
    code: str
    value: str
    dated: bool
    at: datetime

    @property
    def text(self) -> str:
        """The words the patient sends, with the raw date, time and value as they stand in the file."""
        return f"{self.date} {self.time} {WORDS.get(self.code, 'code ' + self.code)} {self.value}".rstrip()

    @property
    def is_glucose(self) -> bool:
        """Whether the code book calls this a glucose reading."""
        return self.code in GLUCOSE

    @property
    def below(self) -> float | None:
        """What is known to be the reading's upper bound, in mg/dL: its number, or the meter's floor for Lo."""
        if not self.is_glucose or not self.dated:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", self.value):
            return float(self.value)
        return 20.0 if re.fullmatch(r"0?lo", self.value, re.IGNORECASE) else None


def read_lines(path: Path) -> list[Line]:
    """All lines in the order in which their patients would have sent them. Raises Invalid for another format."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise Invalid("diary-format", f"expected the columns {', '.join(COLUMNS)}")
        lines = list(_lines(rows))
    return sorted(lines, key=lambda line: (line.at, line.number))


def _lines(rows: csv.DictReader[str]) -> Iterator[Line]:
    """A line without a readable date is sent right after the patient's previous one."""
    last: dict[str, datetime] = {}
    zone = ZoneInfo(ZONE)
    waiting: list[tuple[int, dict[str, str]]] = []
    for number, row in enumerate(rows, 1):
        at = _instant(row["date"], row["time"], zone)
        if at is None and row["patient"] not in last:
            waiting.append((number, row))
            continue
        # A later line may be of an earlier time: it is sent when it was true, not after the one above it.
        sent = at + timedelta(minutes=1) if at else last[row["patient"]]
        last[row["patient"]] = sent
        yield Line(number, row["patient"], row["date"], row["time"], row["code"], row["value"], at is not None, sent)
    for number, row in waiting:
        sent = last.get(row["patient"], _NEVER)
        yield Line(number, row["patient"], row["date"], row["time"], row["code"], row["value"], False, sent)


_NEVER = datetime(1988, 1, 1, tzinfo=ZoneInfo("UTC"))


def _instant(date: str, time: str, zone: ZoneInfo) -> datetime | None:
    try:
        local = datetime.strptime(f"{date} {time}", "%m-%d-%Y %H:%M").replace(tzinfo=zone)
    except ValueError:
        return None
    return local.astimezone(ZoneInfo("UTC"))
