"""MASCC, the risk of complications of febrile neutropenia. For the clinician: because of it no fever is left alone.

Source: Klastersky J, Paesmans M, Rubenstein EB, and colleagues. The Multinational Association for Supportive Care in
Cancer risk index. J Clin Oncol 2000;18:3038-3051, https://doi.org/10.1200/JCO.2000.18.16.3038
Licence: a published method; its points are facts and nobody asks for a licence. The wording here is our own.
"""

from __future__ import annotations

from care.domain.scores.scored import Scored, added, one_of, stepped, whole, yes

BURDEN = {"none": 5, "mild": 5, "moderate": 3, "severe": 0}
BANDS = ((0, "high-risk"), (21, "low-risk"))


def mascc(
    *,
    burden: str | None,
    hypotension: bool | None,
    copd: bool | None,
    blood_cancer_with_fungus: bool | None,
    dehydration: bool | None,
    outpatient: bool | None,
    age: int | None,
) -> Scored:
    """0 to 26, more is better; bands high-risk and low-risk (21 and more).

    `burden` of symptoms: none, mild, moderate, severe. `hypotension`: systolic below 90. `copd`: active.
    `blood_cancer_with_fungus`: a blood cancer and an earlier fungal infection (a solid tumour, or none before: false).
    `dehydration`: needs fluids by vein. `outpatient`: when the fever began. Age in years. Raises Invalid.
    """
    return added(
        {
            "burden": one_of("burden", burden, BURDEN),
            "hypotension": _no("hypotension", hypotension, 5),
            "copd": _no("copd", copd, 4),
            "blood_cancer_with_fungus": _no("blood_cancer_with_fungus", blood_cancer_with_fungus, 4),
            "dehydration": _no("dehydration", dehydration, 3),
            "outpatient": yes("outpatient", outpatient, 3),
            "age": stepped(whole("age", age, 16, 120), (60,), (2, 0)),
        },
        BANDS,
    )


def _no(name: str, value: bool | None, points: int) -> int | None:
    """The points of a no."""
    found = yes(name, value, points)
    return None if found is None else points - found
