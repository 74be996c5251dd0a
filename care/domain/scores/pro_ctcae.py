"""The composite grade of a PRO-CTCAE symptom: how often, how severe and how much in the way, as one number.

Source: Basch E, Becker C, Rogak LJ, and colleagues. Composite grading algorithm for the National Cancer Institute's
Patient-Reported Outcomes version of the CTCAE. Clin Trials 2021;18:104-114, https://doi.org/10.1177/1740774520975120
Licence: the algorithm is published by the National Cancer Institute (USA). Its items may be used under the NCI's terms,
with their wording and the recall of seven days unaltered; no item is part of this function, and none ships.
"""

from __future__ import annotations

from care.domain.scores.scored import Scored, whole
from care.errors import Invalid

# Each row is the grades of the last attribute from 0 to 4; rows are the levels of the attributes before it, from 1 on.
_ALONE = {"frequency": "01123", "severity": "01233", "interference": "01122"}
_PAIRS = {
    ("frequency", "severity"): ("11122", "11222", "11233", "11233"),
    ("frequency", "interference"): ("11122", "11122", "11233", "11233"),
    ("severity", "interference"): ("11122", "11223", "12233", "22233"),
}
_THREE = (  # frequency from 1 on: severity from 0 on: interference from 0 on
    ("01122", "11122", "12223", "22233", "22333"),
    ("01122", "11122", "22233", "22233", "22333"),
    ("11122", "11122", "22233", "22333", "22333"),
    ("11122", "11223", "22233", "22333", "22333"),
)
ATTRIBUTES = ("frequency", "severity", "interference")


def composite_grade(attributes: tuple[str, ...], **given: int | None) -> Scored:
    """0 to 3, from the attributes that the symptom has ("frequency", "severity", "interference", in this order).

    Each is 0 to 4. When the first one is 0 the others are not asked and the grade is 0; else all must be known. Raises
    Invalid for an attribute that the symptom has not, and for another value.
    """
    if not attributes or tuple(name for name in ATTRIBUTES if name in attributes) != attributes:
        raise ValueError("attributes are some of frequency, severity, interference, in this order")
    for name in sorted(set(given) - set(attributes)):
        raise Invalid("unknown-attribute", "the symptom has no such attribute", place=name)
    values = {name: whole(name, given.get(name), 0, 4) for name in attributes}
    known = {name: value for name, value in values.items() if value is not None}
    if values[attributes[0]] == 0:
        return Scored(0, known)
    missing = tuple(name for name in attributes if name not in known)
    if missing:
        return Scored(None, known, "", missing, "missing")
    return Scored(int(_grade(attributes, known)), known)


def _grade(attributes: tuple[str, ...], known: dict[str, int]) -> str:
    if len(attributes) == 1:
        return _ALONE[attributes[0]][known[attributes[0]]]
    if len(attributes) == 2:
        return _PAIRS[attributes[0], attributes[1]][known[attributes[0]] - 1][known[attributes[1]]]
    return _THREE[known["frequency"] - 1][known["severity"]][known["interference"]]
