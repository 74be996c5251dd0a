"""Golden rows: made-up diaries (a seeded generator, never a patient's) with the trained model's own float64 answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from care.errors import AssessmentError
from risk.bands import band_of
from risk.features import extract
from risk.golden import measures_of
from risk.manifest import Manifest
from risk.recipes.export import Logistic

# Zones and days that once went wrong: no change of clocks, both changes of clocks, a half-hour zone, far from UTC
_PLACES = (
    ("Asia/Shanghai", (2025, 2, 11, 21, 5)),
    ("Europe/Berlin", (2025, 3, 30, 20, 40)),
    ("America/New_York", (2025, 11, 2, 22, 15)),
    ("Asia/Kolkata", (2025, 7, 6, 13, 30)),
    ("Pacific/Auckland", (2025, 9, 28, 23, 50)),
)
_ODD = ("none", "too-few", "unit", "hard-range", "value", "old")


def golden_rows(manifest: Manifest, model: Logistic, seed: int) -> list[dict[str, Any]]:
    """As many rows as declared: low to high risk, both units, Lo and Hi, gaps, and each kind of refusal."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(manifest.golden.n):
        zone, civil = _PLACES[number % len(_PLACES)]
        at = datetime(*civil, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        odd = _ODD[number % len(_ODD)] if number >= manifest.golden.n - len(_ODD) else ""
        row = {"at": at.isoformat(), "zone": zone, "measures": _diary(chance, at, number, odd)}
        rows.append({**row, "expect": _expected(manifest, model, row)})
    return rows


def _diary(chance: np.random.Generator, at: datetime, number: int, odd: str) -> list[list[Any]]:
    """Measures as golden rows keep them: [code, value, unit, ISO time, comparator]."""
    if odd == "none":
        return []
    level, spread = chance.uniform(60, 220), chance.uniform(15, 110)
    molar = number % 3 == 1
    diary: list[list[Any]] = []
    for ago in range(16 if odd != "old" else 40, 0 if number % 7 == 3 else -1, -1):  # every seventh has nothing today
        if odd == "old" and ago < 15:
            break
        for _ in range(int(chance.integers(0, 4))):
            moment = at - timedelta(days=ago, minutes=int(chance.integers(0, 600)))
            diary.append(_reading(level + spread * float(chance.standard_normal()), molar, moment))
        if chance.random() < 0.05:
            diary.append(["hypoglycaemia-symptom", 1, "", (at - timedelta(days=ago, hours=1)).isoformat(), ""])
    diary.append(["29463-7", 70.5, "kg", at.isoformat(), ""])  # a code that the bundle does not read
    odd_one = {
        "unit": ["2339-0", 6.1, "g/L", at.isoformat(), ""],
        "hard-range": ["2339-0", 0, "mg/dL", at.isoformat(), ""],
        "value": ["2339-0", None, "mg/dL", at.isoformat(), ""],
    }.get(odd)
    if odd == "too-few":
        return diary[:3]
    return [*diary, odd_one] if odd_one else diary


def _reading(value: float, molar: bool, moment: datetime) -> list[Any]:
    if value < 25 or value > 480:
        return ["2339-0", None, "mg/dL", moment.isoformat(), "<" if value < 25 else ">"]
    if molar:
        return ["2339-0", round(value / 18.0156, 1), "mmol/L", moment.isoformat(), ""]
    return ["2339-0", round(value), "mg/dL", moment.isoformat(), ""]


def _expected(manifest: Manifest, model: Logistic, row: dict[str, Any]) -> dict[str, Any]:
    try:
        found = extract(manifest, measures_of(row), datetime.fromisoformat(row["at"]), row["zone"])
    except AssessmentError as refusal:
        return {"reason": refusal.reason}
    x = found.vector.astype(np.float64).reshape(1, -1)
    risk = float(model.risk(x)[0])
    return {
        "vector": [float(f"{value:.9g}") for value in found.vector],
        "risk": round(risk, 9),
        "contributions": [round(float(share), 9) for share in model.contributions(x)[0]],
        "band": band_of(manifest.head.bands, risk).id,
        "missing": list(found.missing),
    }
