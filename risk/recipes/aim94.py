"""The AIM-94 diabetes diaries as measures, and which of its files belong to one person.

The data set (UCI 34) numbers 70 files as patients. Many are consecutive pieces of one diary: their entries are
identical where their dates overlap, or one begins within days of the end of the one before. Split by file, such a
person would be learned from and tested on, so `people` links them; the folds keep a person together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from care.domain.measure import Measure

GLUCOSE, SYMPTOM = "2339-0", "hypoglycaemia-symptom"
GLUCOSE_CONTEXT = {
    "48": "",
    "57": "",
    "58": "before-breakfast",
    "59": "after-breakfast",
    "60": "before-lunch",
    "61": "after-lunch",
    "62": "before-supper",
    "63": "after-supper",
    "64": "before-snack",
}
INSULIN = {"33": "insulin-regular", "34": "insulin-nph", "35": "insulin-ultralente"}
SAME_DIARY_SHARE, SAME_DIARY_MIN, NEXT_PIECE_DAYS = 0.9, 3, 14


def read_diaries(path: Path) -> tuple[dict[str, list[Measure]], Counter[str]]:
    """Measures by file, in order, and why other entries were left out. The diary's civil times are kept as UTC."""
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    raw["at"] = pd.to_datetime(raw["date"] + " " + raw["time"], format="%m-%d-%Y %H:%M", errors="coerce", utc=True)
    diaries: dict[str, list[Measure]] = {str(name): [] for name in raw["patient"].unique()}
    left_out: Counter[str] = Counter()
    for number, entry in enumerate(raw.itertuples(index=False)):
        if pd.isna(entry.at):
            left_out["unreadable date"] += 1
        elif measure := _measure(str(number), str(entry.code), str(entry.value), entry.at.to_pydatetime()):
            diaries[str(entry.patient)].append(measure)
        else:
            left_out["not read by this recipe"] += 1
    for measures in diaries.values():
        measures.sort(key=lambda measure: measure.at)
    return diaries, left_out


def _measure(number, code, value, at) -> Measure | None:  # type: ignore[no-untyped-def]
    if code == "65":
        return Measure(number, SYMPTOM, 1.0, "", at)
    if code not in GLUCOSE_CONTEXT and code not in INSULIN:
        return None
    comparator = {"0Lo": "<", "0Hi": ">"}.get(value, "")
    amount = None if comparator else pd.to_numeric(value, errors="coerce")
    if amount is not None and pd.isna(amount):
        return None
    amount = None if amount is None else float(amount)
    if code in INSULIN:
        return Measure(number, INSULIN[code], amount, "U", at)
    return Measure(number, GLUCOSE, amount, "mg/dL", at, comparator, GLUCOSE_CONTEXT[code])


def people(diaries: Mapping[str, list[Measure]]) -> tuple[dict[str, str], dict[str, str]]:
    """(file -> diary, file -> person), each named by the first of the files linked.

    Files with identical entries where their dates overlap are one diary. Numbered next to one another and less than
    two weeks apart, they may be one person: not certain, so their histories stay apart but their fold is one.
    """
    names = sorted(diaries, key=int)
    same = {name: name for name in names}
    person = dict(same)
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if _overlap_is_identical(diaries[first], diaries[second]):
                _link(same, first, second)
                _link(person, first, second)
            elif int(second) - int(first) == 1 and _follows(diaries[first], diaries[second]):
                _link(person, first, second)
    return same, person


def merged(diaries: Mapping[str, list[Measure]], same: Mapping[str, str]) -> dict[str, list[Measure]]:
    """One list of measures a diary; what two of its files repeat is kept once."""
    result: dict[str, list[Measure]] = {}
    for name in sorted(diaries, key=int):
        known = result.setdefault(same[name], [])
        seen = {_entry(measure) for measure in known}
        known.extend(measure for measure in diaries[name] if _entry(measure) not in seen)
        known.sort(key=lambda measure: measure.at)
    return result


def _entry(measure: Measure) -> tuple[object, ...]:
    return (measure.at, measure.code, measure.context, measure.value)


def _link(of: dict[str, str], first: str, second: str) -> None:
    old, new = of[second], of[first]
    for name, value in of.items():
        if value == old:
            of[name] = new


def _overlap_is_identical(first: list[Measure], second: list[Measure]) -> bool:
    start, end = max(_begins(first), _begins(second)), min(_ends(first), _ends(second))
    ours = {_entry(measure) for measure in first if start <= measure.at.date() <= end}
    theirs = {_entry(measure) for measure in second if start <= measure.at.date() <= end}
    smaller = min(len(ours), len(theirs))
    return smaller >= SAME_DIARY_MIN and len(ours & theirs) >= SAME_DIARY_SHARE * smaller


def _follows(first: list[Measure], second: list[Measure]) -> bool:
    gap = _begins(second) - _ends(first)
    return timedelta(0) <= gap <= timedelta(days=NEXT_PIECE_DAYS)


def _begins(measures: list[Measure]) -> date:
    return measures[0].at.date()


def _ends(measures: list[Measure]) -> date:
    return measures[-1].at.date()
