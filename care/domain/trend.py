"""Trends: a patient's measures as charts, with the thresholds they are read against. Unknown stays unknown: no line is
drawn where nothing was measured, and a meter's Lo or Hi keeps its sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from care.domain.laboratory import KINDS
from care.domain.measure import Measure

GLUCOSE = "2339-0"
WEIGHT = "29463-7"
TEMPERATURE = "8310-5"
MGDL_PER_MMOLL = 18.0182
GAIN = 2.0  # kg in three days: the gain that heart failure guidelines ask patients to report (ESC 2021, self-care)
GAIN_WITHIN = timedelta(
    hours=84
)  # three days of weighing in the morning, which varies by some hours; as the rule has it

ENOUGH = 10
"""Values from which on a patient has a usual range of their own."""

TITLES = {kind.code: kind.title for kind in KINDS} | {
    "breathlessness": "Breathlessness",
    "swelling": "Swelling",
    "hypoglycaemia-symptom": "Low-sugar symptoms",
    "insulin-regular": "Insulin, regular",
    "insulin-nph": "Insulin, NPH",
    "insulin-ultralente": "Insulin, ultralente",
    "special-event": "Special event",
}
CHARTED = (GLUCOSE, WEIGHT, TEMPERATURE, "breathlessness", "swelling")
SCORES: dict[str, tuple[str, float, float]] = {
    "44261-6": ("PHQ-9", 27.0, 10.0),
    "70274-6": ("GAD-7", 21.0, 10.0),
    "55758-7": ("PHQ-2", 6.0, 3.0),
    "70273-8": ("GAD-2", 6.0, 3.0),
    "75626-2": ("AUDIT-C", 12.0, 4.0),
    "mmrc": ("mMRC", 4.0, 2.0),
}
"""Scores by code: name, highest value, and the cut of the instrument's authors (care/library/scores cites them)."""
PARTS = frozenset(
    (
        *("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8", "69722-7"),
        *("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"),
        *("68518-0", "68519-8", "68520-6"),
    )
)
"""Single answers of these scores: the score is drawn, they are not."""
_WITHIN = {"55758-7": "44261-6", "70273-8": "70274-6"}  # a short form is not drawn beside the whole one
EVENTS = ("hypoglycaemia-symptom", "insulin-", "meal-", "exercise-", "special-event")


@dataclass(frozen=True, slots=True)
class Point:
    """One value on a chart, in the chart's unit. `out` is the side of the thresholds it lies on: low, high or ''."""

    at: datetime
    value: float
    comparator: str
    context: str
    out: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One code's points, oldest first, with the thresholds they are read against (None where there are none).

    `low` and `high` are in `unit`; `note` says in words what they mean. `top` is the end of an ordinal scale.
    """

    code: str
    title: str
    unit: str
    points: tuple[Point, ...]
    low: float | None = None
    high: float | None = None
    top: float | None = None
    note: str = ""


def title(code: str) -> str:
    """What a code is called in English; the code itself, made readable, when it has no name of its own."""
    if code in SCORES:
        return SCORES[code][0]
    return TITLES.get(code) or code.replace("symptom-", "", 1).replace("-", " ").capitalize()


def charts(measures: Sequence[Measure], glucose_unit: str = "mg/dL") -> tuple[Chart, ...]:
    """One chart for each code that was measured, the ones with thresholds first; events are not charted."""
    by_code: dict[str, list[Measure]] = {}
    for measure in sorted(measures, key=lambda m: m.at):
        if measure.value is not None and not measure.code.startswith(EVENTS) and measure.code not in PARTS:
            by_code.setdefault(measure.code, []).append(measure)
    for short, whole in _WITHIN.items():
        if whole in by_code:
            by_code.pop(short, None)
    rank = {code: place for place, code in enumerate((*CHARTED, *SCORES))}
    codes = sorted(
        by_code, key=lambda code: (rank.get(code, len(rank)), -max(m.value or 0 for m in by_code[code]), code)
    )
    return tuple(_chart(code, by_code[code], glucose_unit) for code in codes)


def _chart(code: str, measures: list[Measure], glucose_unit: str) -> Chart:
    if code == GLUCOSE:
        return _glucose(measures, glucose_unit)
    if code == WEIGHT:
        return _weight(measures)
    if code == TEMPERATURE:  # 38.0 degrees: the usual limit for a call during cancer treatment (NICE CG151: above 38)
        return Chart(code, title(code), "°C", _points(measures, 1, None, 38.0), None, 38.0, None, "Fever from 38.0 °C")
    if code in SCORES:
        name, most, cut = SCORES[code]
        note = f"Cut at {cut:g} of {most:g}"
        return Chart(code, name, "", _points(measures, 1, None, cut), None, cut, None, note)
    top = 3.0 if code == "breathlessness" or code.startswith("symptom-") else 1.0 if code == "swelling" else None
    words = {3.0: "0 none, 1 mild, 2 moderate, 3 severe", 1.0: "0 no, 1 yes"}.get(top or 0, "")
    unit = "" if measures[-1].unit in ("1", "{score}") else measures[-1].unit
    return Chart(code, title(code), unit, _points(measures, 1, None, None), None, None, top, words)


def _glucose(measures: list[Measure], unit: str) -> Chart:
    """Target range of the international consensus (Battelino 2019): 70 to 180 mg/dL, 3.9 to 10.0 mmol/L."""
    molar = unit == "mmol/L"
    low, high = (3.9, 10.0) if molar else (70.0, 180.0)
    points = _points(measures, 1 / MGDL_PER_MMOLL if molar else 1, low, high, 1 if molar else 0)
    return Chart(GLUCOSE, title(GLUCOSE), unit, points, low, high, None, f"Target range {low:g} to {high:g} {unit}")


def _weight(measures: list[Measure]) -> Chart:
    """The line is the lowest weight of the three days before the last one, plus 2 kg."""
    last = measures[-1]
    before = [m.value for m in measures[:-1] if m.value is not None and last.at - m.at <= GAIN_WITHIN]
    high = round(min(before) + GAIN, 1) if before else None
    note = f"Line: {GAIN:g} kg above the lowest of the last 3 days" if high else ""
    points = _points(measures[:-1], 1, None, None, 1) + _points(measures[-1:], 1, None, high, 1)
    return Chart(WEIGHT, title(WEIGHT), "kg", points, None, high, None, note)


def _points(
    measures: Sequence[Measure], factor: float, low: float | None, high: float | None, digits: int = 1
) -> tuple[Point, ...]:
    found = []
    for measure in measures:
        value = round((measure.value or 0.0) * factor, digits)
        found.append(Point(measure.at, value, measure.comparator, measure.context, _side(value, low, high)))
    return tuple(found)


def _side(value: float, low: float | None, high: float | None) -> str:
    """Beyond a range is strictly beyond it; a lone limit is reached when it is equalled, as the rules have it."""
    if low is not None and value < low:
        return "low"
    if high is None:
        return ""
    return "high" if value > high or (low is None and value == high) else ""


def usual(points: Sequence[Point], until: datetime) -> tuple[float, float] | None:
    """The patient's own usual range: the middle eight tenths of the values before `until`; None with fewer than ten.

    It says what has been, not what should be. The two ends are values that were measured.
    """
    values = sorted(point.value for point in points if point.at < until and not point.comparator)
    if len(values) < ENOUGH:
        return None
    aside = len(values) // 10
    return values[aside], values[-1 - aside]


def line(values: Sequence[float], width: float = 96, height: float = 24) -> str:
    """The points of a small line ("x,y x,y") in a box of this size; empty when fewer than two values are known."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = high - low
    step = width / (len(values) - 1)
    heights = [height / 2 if not span else height - 2 - (value - low) / span * (height - 4) for value in values]
    return " ".join(f"{place * step:.1f},{y:.1f}" for place, y in enumerate(heights))
