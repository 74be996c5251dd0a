"""NEWS2, the National Early Warning Score of the Royal College of Physicians.

Source: Royal College of Physicians. National Early Warning Score (NEWS) 2. Updated report of a working party. London:
RCP, 2017, https://www.rcp.ac.uk/resources/national-early-warning-score-news-2/
Licence: the RCP lets anybody use the score when it is named as the source and the charts are not altered; no chart is
shown here. It was made for hospitals and is not validated at home (CEBM 2020), where values are often missing: then
there are the points of what is known and never a total.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from care.domain.scores.scored import Scored, added, number, one_of, stepped, whole, yes

CONSCIOUSNESS = {"alert": 0, "confusion": 3, "voice": 3, "pain": 3, "unresponsive": 3}
"""ACVPU; "confusion" is new confusion."""
BANDS = ((0, "low"), (5, "medium"), (7, "high"))
LOW_MEDIUM = "low-medium"


def news2(
    *,
    respiratory_rate: float | None,
    spo2: float | None,
    on_oxygen: bool | None,
    systolic: float | None,
    pulse: float | None,
    consciousness: str | None,
    temperature: float | None,
    hypercapnic: bool = False,
) -> Scored:
    """0 to 20; bands low, low-medium (a single value scores 3), medium (5, 6), high (7 and more).

    Breaths and beats a minute, oxygen saturation in %, systolic pressure in mm[Hg], temperature in Cel (read to a
    tenth, as the chart is). `hypercapnic`: the second saturation scale, which only a clinician may choose (confirmed
    hypercapnic respiratory failure). Raises Invalid for what is no such value.
    """
    breaths = whole("respiratory_rate", respiratory_rate, 0, 100)
    saturation = whole("spo2", spo2, 0, 100)
    oxygen = yes("on_oxygen", on_oxygen, 2)
    points = {
        "respiratory_rate": stepped(breaths, (9, 12, 21, 25), (3, 1, 0, 2, 3)),
        "spo2": _saturation(saturation, on_oxygen, hypercapnic),
        "on_oxygen": oxygen,
        "systolic": stepped(whole("systolic", systolic, 0, 350), (91, 101, 111, 220), (3, 2, 1, 0, 3)),
        "pulse": stepped(whole("pulse", pulse, 0, 350), (41, 51, 91, 111, 131), (3, 1, 0, 1, 2, 3)),
        "consciousness": one_of("consciousness", consciousness, CONSCIOUSNESS),
        "temperature": stepped(_tenths(temperature), (351, 361, 381, 391), (3, 1, 0, 1, 2)),
    }
    found = added(points, BANDS)
    single = found.value is not None and found.band == "low" and 3 in found.parts.values()
    return replace(found, band=LOW_MEDIUM) if single else found


def _saturation(saturation: int | None, on_oxygen: bool | None, hypercapnic: bool) -> int | None:
    """The first scale, or the second, on which much saturation scores only while oxygen is given."""
    if not hypercapnic:
        return stepped(saturation, (92, 94, 96), (3, 2, 1, 0))
    if saturation is not None and saturation >= 93:
        return None if on_oxygen is None else stepped(saturation, (95, 97), (1, 2, 3)) if on_oxygen else 0
    return stepped(saturation, (84, 86, 88), (3, 2, 1, 0))


def _tenths(temperature: float | None) -> int | None:
    """Tenths of a degree, half up: 100.5 degrees Fahrenheit are 38.1."""
    found = number("temperature", temperature, 20, 46)
    if found is None:
        return None
    return int((Decimal(str(round(found, 6))) * 10).quantize(Decimal(1), ROUND_HALF_UP))
