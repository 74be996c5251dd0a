"""Golden rows: made-up patients (a seeded generator, never a real one) with the trained model's own float64 answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from care.errors import AssessmentError
from risk.bands import band_of
from risk.features import extract
from risk.golden import measures_of
from risk.manifest import Manifest

# Zones and days that once went wrong: no change of clocks, both changes of clocks, a half-hour zone, far from UTC
_PLACES = (
    ("Asia/Shanghai", (2025, 2, 11, 21, 5)),
    ("Europe/Berlin", (2025, 3, 30, 20, 40)),
    ("America/New_York", (2025, 11, 2, 22, 15)),
    ("Asia/Kolkata", (2025, 7, 6, 13, 30)),
    ("Pacific/Auckland", (2025, 9, 28, 23, 50)),
)


class Trained(Protocol):
    """A model that answers for vectors: risks (n), contributions (n, features)."""

    def risk(self, x: Any) -> Any: ...

    def contributions(self, x: Any) -> Any: ...


_ODD = ("none", "too-few", "unit", "hard-range", "value", "old")


def golden_rows(manifest: Manifest, model: Trained, seed: int) -> list[dict[str, Any]]:
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


def made_rows(
    manifest: Manifest, model: Trained, ranges: Mapping[str, tuple[float, float]], seed: int
) -> list[dict[str, Any]]:
    """The same for a bundle of values: each source drawn within its range (widely spread ones by their logarithm)."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(manifest.golden.n):
        zone, civil = _PLACES[number % len(_PLACES)]
        at = datetime(*civil, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        odd = _ODD[number % len(_ODD)] if number >= manifest.golden.n - len(_ODD) else ""
        measures = _values(chance, manifest, ranges, at, number, odd)
        row = {"at": at.isoformat(), "zone": zone, "measures": measures}
        rows.append({**row, "expect": _expected(manifest, model, row)})
    return rows


def _values(
    chance: np.random.Generator,
    manifest: Manifest,
    ranges: Mapping[str, tuple[float, float]],
    at: datetime,
    number: int,
    odd: str,
) -> list[list[Any]]:
    """Up to three measures of each source over two years; now and then one source has none."""
    required = {need.source for need in manifest.requires}
    found: list[list[Any]] = []
    for name, (low, high) in ranges.items():
        source = manifest.sources[name]
        if odd in ("none", "too-few") or (name not in required and chance.random() < 0.08):
            continue
        ages = [chance.uniform(0, 20), chance.uniform(60, 380), chance.uniform(400, 700)]
        for age in ages[: int(chance.integers(1, 4))]:
            value = _drawn(chance, low, high)
            days = age + (1200 if odd == "old" else 0)
            others = sorted(source.accept)
            unit = others[0] if others and number % 3 == 1 else source.unit
            told = float(f"{value / source.accept[unit]:.5g}") if unit in source.accept else value
            found.append([source.codes[0], told, unit, (at - timedelta(days=days)).isoformat(), ""])
    found.append(["29463-7", 70.5, "kg", at.isoformat(), ""])  # a code that the bundle does not read
    first = manifest.sources[manifest.requires[0].source]
    hard = first.hard or (0.0, 0.0)
    odd_one = {
        "unit": [first.codes[0], 1.0, "furlong", at.isoformat(), ""],
        "hard-range": [first.codes[0], hard[1] * 10 + 1, first.unit, at.isoformat(), ""],
        "value": [first.codes[0], None, first.unit, at.isoformat(), ""],
    }.get(odd)
    return [*found, odd_one] if odd_one else found


def _drawn(chance: np.random.Generator, low: float, high: float) -> float:
    """A value of three digits; whole numbers where the range is of small whole numbers."""
    if low == int(low) and high == int(high) and high <= 10:
        return float(chance.integers(int(low), int(high) + 1))
    if low > 0 and high / low > 5:
        return float(f"{np.exp(chance.uniform(np.log(low), np.log(high))):.3g}")
    return float(f"{chance.uniform(low, high):.3g}")


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


def _expected(manifest: Manifest, model: Trained, row: dict[str, Any]) -> dict[str, Any]:
    try:
        found = extract(manifest, measures_of(row), datetime.fromisoformat(row["at"]), row["zone"])
    except AssessmentError as refusal:
        return {"reason": refusal.reason}
    x = found.vector.astype(np.float64).reshape(1, -1)
    risk = float(model.risk(x)[0])
    return {
        "vector": [None if np.isnan(value) else float(f"{value:.9g}") for value in found.vector],
        "risk": round(risk, 9),
        "contributions": [round(float(share), 9) for share in model.contributions(x)[0]],
        "band": band_of(manifest.head.bands, risk).id,
        "missing": list(found.missing),
    }
