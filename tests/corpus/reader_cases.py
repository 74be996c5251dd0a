"""Independent cases for reading answers, each as a line that `flask bots parse` takes, and how they come out.

The suites are Recognizers-Text Specs, Duckling's corpora, CLINC150 and the chat vectors, all read from ../shared. A
case is *right* when the reader gives the wanted value, or asks where the text holds no value of the type or
several; *asked* when it asks although there is a value; *wrong* when it gives another value. All cases of a file
count; which of them hold no value of the type is decided here, by rule:

- yes/no: CLINC's maybe, repeat, cancel and change_language hold neither. The keywords of the chat vectors are for
  the screen of texts and no answers.
- number: the results of the file; two results or none are "several" or "no value". Of the chat vectors, those that
  say "ask", and pressures (two numbers). Those written with a unit are read as quantities.
- measure (temperature, length, weight): a case whose unit is none that a patient gives a body measure in (acres,
  bits, miles an hour) holds no value of the type: asking is right, and so is the very value. A range ("between 3
  and 5") and a limit ("at least 40 degrees") hold none either. A degree without its scale is right as a degree
  without its scale.
- date: a date of the Chinese lunar calendar or of an emperor's era (三月初一, 雍正四年) is no date as the item
  wants it; the file reads 三月初一 as the first of March, which it is not.
- age, time, dateTime and Duckling's days are counted and shown, without a figure to reach. A feast by its name
  (Easter) is no date that the reader knows: those stand apart, all asked.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from care.domain.questionnaire.date_words import LUNAR
from care.domain.questionnaire.lines import read_line
from care.domain.questionnaire.units import convert

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
Wanted = tuple[Any, ...] | None
"""The values that are right, any of them; None where the reader has to ask."""


@dataclass(frozen=True, slots=True)
class Case:
    """One text, and what it says."""

    kind: str
    suite: str
    language: str
    line: dict[str, Any]
    wanted: Wanted
    or_ask: bool = False

    def outcome(self) -> tuple[str, dict[str, Any]]:
        """Right, asked or wrong, and what was read."""
        read = read_line(self.line, NOW)
        if read["status"] != "value":
            return ("right" if self.wanted is None or self.or_ask else "asked"), read
        return (
            "right" if self.wanted is not None and any(_same(read, want) for want in self.wanted) else "wrong"
        ), read


def _same(read: dict[str, Any], want: Any) -> bool:
    if isinstance(want, bool) or isinstance(read["value"], bool):
        return read["value"] is want
    if isinstance(want, tuple):
        return _same_amount(read, *want)
    if isinstance(want, int | float):
        return isinstance(read["value"], int | float) and abs(read["value"] - want) <= 1e-9 * max(1.0, abs(want))
    return str(read["value"]).startswith(str(want))


def _same_amount(read: dict[str, Any], value: float, unit: str) -> bool:
    code = read.get("code") or read["unit"]
    found = read["value"] if code == unit else convert(float(read["value"]), code, unit) if code and unit else None
    return found is not None and abs(found - value) <= 1e-4 * max(1.0, abs(value))


def cases(shared: Path) -> Iterator[Case]:
    """Every case of every suite."""
    folder = shared / "recognizers"
    yield from _yes_no(folder)
    yield from _numbers(folder, shared / "vectors" / "chat_inputs.json")
    yield from _measures(folder)
    yield from _dates(folder)


def _spec(folder: Path, language: str, name: str) -> list[dict[str, Any]]:
    path = folder / "dev" / language / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8-sig"))
    return found


def _duckling(folder: Path, name: str) -> list[tuple[str, dict[str, Any]]]:
    found = json.loads((folder / "duckling" / f"{name}_dev.json").read_text(encoding="utf-8"))["cases"]
    names = {"EN": "English", "ZH": "Chinese"}
    return [(names[case["lang"].split("_")[0]], case) for case in found if case["lang"].split("_")[0] in names]


def _line(kind: str, language: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": text, "type": kind, "language": language, "text": text, **more}


def _yes_no(folder: Path) -> Iterator[Case]:
    for language in ("English", "Chinese"):
        for case in _spec(folder, language, "Choice/BooleanModel"):
            found = case["Results"]
            wanted = (found[0]["Resolution"]["value"],) if len(found) == 1 else None
            yield Case("yes/no", "Recognizers Boolean", language, _line("boolean", language, case["Input"]), wanted)
    for case in json.loads((folder / "yesno" / "clinc150_dev.json").read_text(encoding="utf-8"))["cases"]:
        wanted = {"yes": (True,), "no": (False,)}.get(case["label"])
        yield Case("yes/no", "CLINC150", "English", _line("boolean", "English", case["text"]), wanted)


def _numbers(folder: Path, vectors: Path) -> Iterator[Case]:
    for language in ("English", "Chinese"):
        for case in _spec(folder, language, "Number/NumberModel"):
            found = case["Results"]
            wanted = (float(found[0]["Resolution"]["value"]),) if len(found) == 1 else None
            yield Case("number", "Recognizers Number", language, _line("decimal", language, case["Input"]), wanted)
    for language, case in _duckling(folder, "Numeral"):
        told = re.match(r"NumeralValue \(?(-?[0-9.e]+)", case["expected"] or "")
        wanted = (float(told[1]),) if told else None
        yield Case("number", "Duckling Numeral", language, _line("decimal", language, case["text"]), wanted)
    for case in json.loads(vectors.read_text(encoding="utf-8"))["numbers"]:
        yield _vector(case)


def _vector(case: dict[str, Any]) -> Case:
    text, told = case["raw"], case["policy_expect"] if case["policy_expect"] is not None else case["cn2an_smart"]
    language = "Chinese" if re.search(r"[一-鿿〇]", text) else "English"
    kind = "quantity" if re.search("[℃°度]|Temp|F$", text) else "decimal"
    if text == "+1":  # neither column says anything
        return Case("number", "chat vectors", language, _line(kind, language, text), (1.0,), or_ask=True)
    if isinstance(told, list) or told is None or str(told).startswith(("ask", "0 only", "7 of 10")):
        return Case("number", "chat vectors", language, _line(kind, language, text), None)
    if told == "reject":  # a number below nothing: fine where a decimal may be
        return Case("number", "chat vectors", language, _line(kind, language, text), (-1.0,), or_ask=True)
    return Case("number", "chat vectors", language, _line(kind, language, text), (float(str(told).split()[0]),))


UNITS = {
    "C": "Cel",
    "F": "[degF]",
    "Degree": "°",
    "Celsius": "Cel",
    "Fahrenheit": "[degF]",
    "Pound": "[lb_av]",
    "Ounce": "[oz_av]",
    "Kilogram": "kg",
    "Gram": "g",
    "Jin": "jin",
    "Liang": "liang",
    "Foot": "[ft_i]",
    "Inch": "[in_i]",
    "Meter": "m",
    "Metre": "m",
    "Centimeter": "cm",
    "Centimetre": "cm",
    "Millimeter": "mm",
    "Millimetre": "mm",
    "Decimeter": "dm",
    "Yard": "[yd_i]",
    "Microgram": "ug",
}
BODY = frozenset(UNITS.values()) - {"°", "[oz_av]", "ug", "dm", "[yd_i]"}
_OTHERS = {"Mile": "[mi_i]", "Kilometer": "km", "Kilometre": "km", "Ton": "t", "Metric ton": "t", "Gallon": "[gal_us]"}
LENGTHS_AND_WEIGHTS = sorted({*UNITS.values(), *_OTHERS.values()} - {"Cel", "[degF]", "°", "[gal_us]"})
_AGES = {"Year": "a", "Month": "mo", "Week": "wk", "Day": "d"}


def _measures(folder: Path) -> Iterator[Case]:
    for language in ("English", "Chinese"):
        for name, kind in (("TemperatureModel", "measure"), ("DimensionModel", "measure"), ("AgeModel", "age")):
            for case in _spec(folder, language, f"NumberWithUnit/{name}"):
                found = [r["Resolution"] for r in case["Results"]]
                units = {"units": LENGTHS_AND_WEIGHTS} if name == "DimensionModel" else {}
                line = _line("quantity", language, case["Input"], **units)
                yield _measure(kind, f"Recognizers {name.removesuffix('Model')}", language, line, found)
    for name in ("Temperature", "Distance", "Quantity"):
        for language, case in _duckling(folder, name):
            told = re.match(r"simple (\w+) \(?(-?[0-9.]+)", case["expected"] or "")
            found = [{"unit": told[1], "value": told[2]}] if told else []
            yield _measure("measure", f"Duckling {name}", language, _line("quantity", language, case["text"]), found)


def _measure(kind: str, suite: str, language: str, line: dict[str, Any], found: list[dict[str, Any]]) -> Case:
    if len(found) != 1 or found[0]["value"] is None:
        return Case(kind, suite, language, line, None)
    unit, value = found[0]["unit"], float(found[0]["value"])
    if unit == "Unnamed":
        return Case(kind, suite, language, line, (value,))
    code = (UNITS | _OTHERS | _AGES).get(unit, "")
    ours = code in BODY or (code == "°" and "Temperature" in suite) or (kind == "age" and bool(code))
    return Case(kind, suite, language, line, ((value, code),), or_ask=not ours)


def _dates(folder: Path) -> Iterator[Case]:
    for language in ("English", "Chinese"):
        for name, kind in (("DateParser", "date"), ("DateTimeParser", "dateTime"), ("TimeParser", "time")):
            for case in _spec(folder, language, f"DateTime/{name}"):
                yield _dated(kind, name, language, case)
    for language, case in _duckling(folder, "Time"):
        told = re.match(r"datetime(Holiday)? \((-?\d+), (\d+), (\d+), \d+, \d+, \d+\) Day", case["expected"] or "")
        if told is None and case["expected"] is not None:
            continue  # an hour, a week, a month: no day
        wanted = (date(int(told[2]), int(told[3]), int(told[4])).isoformat(),) if told else None
        if case["text"] == "next monday":
            continue  # the file's own answer is a Saturday
        suite = "Duckling feasts" if told and told[1] else "Duckling days"
        line = _line("date", language, case["text"], reference="2013-02-12T04:30:00-02:00")
        yield Case("day", suite, language, line, wanted)


def _dated(kind: str, name: str, language: str, case: dict[str, Any]) -> Case:
    reference = case.get("Context", {}).get("ReferenceDateTime", "2016-11-07T00:00:00")
    line = _line(kind, language, case["Input"], reference=reference)
    wanted: Wanted = None
    if len(case["Results"]) == 1:
        value = case["Results"][0]["Value"]
        told = {value[side][kind].replace(" ", "T") for side in ("FutureResolution", "PastResolution")}
        wanted = None if "0001-01-01" in told or LUNAR.search(case["Input"]) else tuple(sorted(told))
    return Case(kind, f"Recognizers {name}", language, line, wanted)


Row = tuple[str, str, str]
"""A kind, a language and a suite ("all" for their sum)."""


def counts(shared: Path) -> dict[Row, Counter[str]]:
    """Right, asked and wrong by suite, and over all suites of a kind and language."""
    found: dict[Row, Counter[str]] = {}
    for case in cases(shared):
        outcome, _ = case.outcome()
        for suite in (case.suite, "all"):
            found.setdefault((case.kind, case.language, suite), Counter())[outcome] += 1
    return found


def share(tally: Counter[str], outcome: str) -> float:
    """The share of an outcome, from 0 to 1."""
    return tally[outcome] / tally.total()


def table(shared: Path) -> list[dict[str, Any]]:
    """The pass rates by kind, language and suite: {kind, language, suite, cases, right, asked, wrong, pass}."""
    rows = []
    for (kind, language, suite), tally in sorted(counts(shared).items()):
        numbers = {name: tally[name] for name in ("right", "asked", "wrong")}
        rows.append({"kind": kind, "language": language, "suite": suite, "cases": tally.total(), **numbers,
                     "pass": round(share(tally, "right"), 4)})  # fmt: skip
    return rows


def printed(rows: list[dict[str, Any]]) -> str:
    """The table as text."""
    head = f"{'kind':<9} {'language':<8} {'suite':<26} {'cases':>5} {'right':>5} {'asked':>5} {'wrong':>5}  pass"
    lines = [
        f"{row['kind']:<9} {row['language']:<8} {row['suite']:<26} {row['cases']:>5} {row['right']:>5}"
        f" {row['asked']:>5} {row['wrong']:>5}  {row['pass']:.1%}"
        for row in rows
    ]
    return "\n".join([head, *lines])
