"""FINDRISC, the chance of type 2 diabetes within ten years.

Source: Lindstrom J, Tuomilehto J. The diabetes risk score: a practical tool to predict type 2 diabetes risk. Diabetes
Care 2003;26:725-731, https://doi.org/10.2337/diacare.26.3.725; with the points for an age over 64 and for relatives as
on the form of the Finnish Diabetes Association.
Licence: a published method that the Finnish Diabetes Association offers to everybody; its points are facts, and the
form's wording is not part of this function.
"""

from __future__ import annotations

from care.domain.scores.scored import Scored, added, number, one_of, stepped, whole, yes

BANDS = ((0, "low"), (7, "slightly-elevated"), (12, "moderate"), (15, "high"), (21, "very-high"))
WAIST = {"female": (80.0, 88.0), "male": (94.0, 102.0)}
RELATIVES = {"none": 0, "second-degree": 3, "first-degree": 5}


def findrisc(
    *,
    sex: str | None,
    age: int | None,
    bmi: float | None,
    waist: float | None,
    active: bool | None,
    greens: bool | None,
    pressure_medicine: bool | None,
    high_glucose: bool | None,
    relatives: str | None,
) -> Scored:
    """0 to 26; bands low (below 7), slightly-elevated, moderate (12), high (15), very-high (21).

    Age in years, body mass index in kg/m2 (25 to 30 count 1), waist in cm (its limits differ by sex). `active`: half an
    hour a day, `greens`: vegetables or fruit daily, `high_glucose`: ever found, `relatives` with diabetes: none,
    second-degree or first-degree. Raises Invalid.
    """
    one_of("sex", sex, {"female": 0, "male": 0})
    around = number("waist", waist, 30, 250)
    mass = number("bmi", bmi, 8, 150)
    return added(
        {
            "age": stepped(whole("age", age, 18, 120), (45, 55, 65), (0, 2, 3, 4)),
            "bmi": None if mass is None else 0 if mass < 25 else 1 if mass <= 30 else 3,
            **({"sex": None} if sex is None else {"waist": _waist(around, *WAIST[sex])}),
            "active": _no("active", active, 2),
            "greens": _no("greens", greens, 1),
            "pressure_medicine": yes("pressure_medicine", pressure_medicine, 2),
            "high_glucose": yes("high_glucose", high_glucose, 5),
            "relatives": one_of("relatives", relatives, RELATIVES),
        },
        BANDS,
    )


def _waist(waist: float | None, some: float, much: float) -> int | None:
    """94 to 102 cm count 3 for men and 80 to 88 cm for women, both ends in it; more counts 4."""
    return None if waist is None else 0 if waist < some else 3 if waist <= much else 4


def _no(name: str, value: bool | None, points: int) -> int | None:
    """The points of a no."""
    found = yes(name, value, points)
    return None if found is None else points - found
