"""What a nurse can write down: the usual laboratory values and measurements, each with its units and the ends of what
a person alive can have, so that a decimal point in the wrong place is found when it is typed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One measured thing: its LOINC code, its English name, and its units with (lowest, highest) believable value."""

    code: str
    title: str
    units: tuple[tuple[str, float, float], ...]


KINDS: tuple[Kind, ...] = (
    Kind("2339-0", "Glucose", (("mg/dL", 10, 1500), ("mmol/L", 0.5, 83))),
    Kind("29463-7", "Weight", (("kg", 2, 400), ("[lb_av]", 4, 900))),
    Kind("8310-5", "Temperature", (("Cel", 25, 45), ("[degF]", 77, 113))),
    Kind("8480-6", "Blood pressure, upper", (("mm[Hg]", 40, 320),)),
    Kind("8462-4", "Blood pressure, lower", (("mm[Hg]", 20, 220),)),
    Kind("8867-4", "Heart rate", (("/min", 15, 320),)),
    Kind("9279-1", "Breaths a minute", (("/min", 2, 100),)),
    Kind("59408-5", "Oxygen saturation", (("%", 30, 100),)),
    Kind("2160-0", "Creatinine", (("mg/dL", 0.1, 40), ("umol/L", 9, 3500))),
    Kind("2951-2", "Sodium", (("mmol/L", 90, 200),)),
    Kind("2823-3", "Potassium", (("mmol/L", 1, 12),)),
    Kind("718-7", "Haemoglobin", (("g/dL", 1, 30),)),
    Kind("777-3", "Platelets", (("10*3/uL", 1, 3000),)),
    Kind("1975-2", "Bilirubin, total", (("mg/dL", 0.05, 80), ("umol/L", 0.8, 1400))),
    Kind("1751-7", "Albumin", (("g/dL", 0.5, 8),)),
    Kind("6768-6", "Alkaline phosphatase", (("U/L", 5, 20000),)),
    Kind("1920-8", "AST", (("U/L", 1, 30000),)),
    Kind("2093-3", "Cholesterol", (("mg/dL", 20, 2000),)),
    Kind("5902-2", "Prothrombin time", (("s", 5, 200),)),
    Kind("4548-4", "HbA1c", (("%", 2, 25),)),
    Kind("10230-1", "Ejection fraction", (("%", 5, 90),)),
)
BY_CODE = {kind.code: kind for kind in KINDS}


def believable(code: str, unit: str, value: float) -> bool:
    """Whether this is a unit of the code, and a value that a person can have. Raises KeyError for an unknown code."""
    return any(name == unit and low <= value <= high for name, low, high in BY_CODE[code].units)
