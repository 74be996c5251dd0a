"""openEHR's published cases of the scores that ship, read from ../shared, as calls of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from care.domain.scores import Scored, audit_c, findrisc, hospital, lace, mascc, mmrc, news2
from tests.conftest import shared

CASES = "data/gdl_vectors/gdl_score_vectors.json"
KNOWN_BAD = "data/gdl_vectors/known_bad_HOSPITAL.json"
Case = Mapping[str, Any]


def cases() -> dict[str, list[Case]]:
    """All published cases by the name of their guideline."""
    found: dict[str, list[Case]] = json.loads(shared(CASES).read_text("utf-8"))
    return found


def known_bad() -> list[Case]:
    """The published HOSPITAL cases that are wrong by their own archetype."""
    found: list[Case] = json.loads(shared(KNOWN_BAD).read_text("utf-8"))["cases"]
    return found


def given(case: Case, name: str) -> Any:
    """An input's number or points; None when the case does not have it."""
    held = case["input"].get(name)
    return held.get("value", held.get("ordinal")) if isinstance(held, Mapping) else held


def told(case: Case, name: str) -> bool | None:
    """An input of points as a yes or a no."""
    points = given(case, name)
    return None if points is None else points > 0


def sex(case: Case) -> str:
    """The case's sex in our words."""
    return str(case["input"]["Gender"]).split("|")[1].lower()


def _audit_c(case: Case) -> Scored:
    ask = "How often do you have a drink containing alcohol?"
    many = "How many drinks containing alcohol do you have on a typical day when you are drinking?"
    six = "How often do you have six or more drinks on one occasion?"
    return audit_c(given(case, ask), given(case, many), given(case, six), sex(case))


def _findrisc(case: Case) -> Scored:
    relatives = {0: "none", 3: "second-degree", 5: "first-degree"}
    return findrisc(
        sex=sex(case),
        age=given(case, "Age"),
        bmi=given(case, "Body Mass Index"),
        waist=given(case, "Waist circumference"),
        active=not told(case, "Physical activity"),
        greens=not told(case, "Daily consumption of vegetables, fruits, or berries"),
        pressure_medicine=told(case, "Use of blood pressure medication"),
        high_glucose=told(case, "History of high blood glucose"),
        relatives=relatives[given(case, "Family history of diabetes")],
    )


def _hospital(case: Case) -> Scored:
    """The cases give points; each is read as a value on that side of its limit."""
    return hospital(
        haemoglobin=11.9 if told(case, "Hemoglobin level at discharge < 12g/dL") else 12.0,
        oncology=told(case, "Discharge from an Oncology service"),
        sodium=134.0 if told(case, "Sodium level at discharge < 135 mmol/L") else 135.0,
        procedure=told(case, "Procedure during hospital stay (any ICD-9 coded procedure)"),
        urgent=told(case, "Index of admission type"),
        admissions={0: 1, 2: 2, 5: 6}[given(case, "Number of hospital admission(s) during the previous year")],
        days=5 if told(case, " Length of stay ≥ 5 days") else 4,
    )


def _lace(case: Case) -> Scored:
    return lace(
        days={0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 7, 7: 14}[given(case, "Length of Stay")],
        acute=told(case, "Admission type"),
        charlson={0: 0, 1: 1, 2: 2, 3: 3, 5: 4}[given(case, "Charlson Comorbidity Index")],
        visits=given(case, "Number of previous ED visits within 6 months"),
    )


def _mascc(case: Case) -> Scored:
    """The cases give points: of an absent danger, and of a burden."""
    absent = {name: told(case, name) for name in ("Hypotension", "Active COPD", "Dehydration requiring IV fluids")}
    there = {name: None if held is None else not held for name, held in absent.items()}
    solid = told(case, "Type of cancer")
    young = told(case, "Age (years)")
    burden = given(case, "Burden of illness (symptom severity)")
    return mascc(
        burden=None if burden is None else {5: "mild", 3: "moderate", 0: "severe"}[burden],
        hypotension=there["Hypotension"],
        copd=there["Active COPD"],
        blood_cancer_with_fungus=None if solid is None else not solid,
        dehydration=there["Dehydration requiring IV fluids"],
        outpatient=told(case, "Status at onset of fever"),
        age=None if young is None else 59 if young else 60,
    )


def _mmrc(case: Case) -> Scored:
    return mmrc(given(case, "Symptom severity"))


def _news2(case: Case) -> Scored:
    return news2(
        respiratory_rate=given(case, "Respiration rate"),
        spo2=given(case, "spO2"),
        on_oxygen=told(case, "Supplemental oxygen"),
        systolic=given(case, "Systolic BP"),
        pulse=given(case, "Heart rate"),
        consciousness=None if told(case, "Consciousness") is None else ("alert", "voice")[told(case, "Consciousness")],
        temperature=given(case, "Temperature"),
        hypercapnic=bool(told(case, "Hypercapnic respiratory failure")),
    )


def _news(case: Case) -> Scored:
    """The first NEWS counts as NEWS2 does on its first saturation scale."""
    return news2(
        respiratory_rate=given(case, "Respiration rate"),
        spo2=given(case, "SaO2"),
        on_oxygen=told(case, "Oxygen therapy"),
        systolic=given(case, "Systolic"),
        pulse=given(case, "Rate"),
        consciousness=str(case["input"]["AVPU Observation"]).split("|")[1].lower(),
        temperature=given(case, "Temperature"),
    )


SCORES: Mapping[str, tuple[Callable[[Case], Scored], str]] = {
    "AUDIT-C.v1": (_audit_c, "Total score"),
    "FINDRISC_Finnish_Diabetes_Risk_Score.v1": (_findrisc, "FINDRSIC total score"),
    "HOSPITAL_score_readmission_risk.v1": (_hospital, "Total score"),
    "LACE_readmission_index.v1": (_lace, "LACE Index Score"),
    "MASCC_risk_index.v1": (_mascc, "MASCC Risk Index"),
    "NEWS.v1": (_news, "Total score"),
    "NEWS2.v1": (_news2, "Total score"),
    "mMRC_Dyspnea_Scale.v1": (_mmrc, "Grade"),
}
"""By guideline: the case as a call of ours, and what the case calls its total."""


def expected(case: Case, total: str) -> int | None:
    """The total that the case expects; None when it expects none (an input is missing)."""
    held = case["expected"].get(total)
    return None if held is None else int(held.split("|")[1] if isinstance(held, str) else held)
