"""Scores: against vectors that others made, and what they do with what is missing or makes no sense."""

from __future__ import annotations

import csv
import itertools
import json
import random
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from care.domain.questionnaire import read_questionnaire
from care.domain.questionnaire.model import Answer
from care.domain.questionnaire.scores import score
from care.domain.scores import (
    audit_c,
    composite_grade,
    findrisc,
    hospital,
    lace,
    mascc,
    mmrc,
    news2,
)
from care.errors import Invalid
from care.library.files import ROOT, document
from care.library.scores import scores
from tests.conftest import require, shared
from tests.domain.scores import gdl

WELL: dict[str, Any] = {
    "respiratory_rate": 16,
    "spo2": 97,
    "on_oxygen": False,
    "systolic": 120,
    "pulse": 70,
    "consciousness": "alert",
    "temperature": 37.0,
}
LEFT: dict[str, Any] = {
    "haemoglobin": 13.0,
    "oncology": False,
    "sodium": 140,
    "procedure": False,
    "urgent": False,
    "admissions": 0,
    "days": 1,
}
FEVER: dict[str, Any] = {
    "burden": "mild",
    "hypotension": False,
    "copd": False,
    "blood_cancer_with_fungus": False,
    "dehydration": False,
    "outpatient": True,
    "age": 40,
}
HABITS: dict[str, Any] = {
    "sex": "female",
    "age": 30,
    "bmi": 22.0,
    "waist": 70.0,
    "active": True,
    "greens": True,
    "pressure_medicine": False,
    "high_glucose": False,
    "relatives": "none",
}
STAY: dict[str, Any] = {"days": 0, "acute": False, "charlson": 0, "visits": 0}
RISKS = ("low", "slightly-elevated", "moderate", "high", "very-high")
WEIGHTY = {"relatives": "first-degree", "high_glucose": True}
WEIGHTIEST = {**WEIGHTY, "age": 65, "waist": 90, "active": False}
ALL = [(news2, WELL), (hospital, LEFT), (mascc, FEVER), (findrisc, HABITS), (lace, STAY)]


def test_news2_agrees_with_every_shared_vector_and_with_its_parts() -> None:
    rows = list(csv.DictReader(shared("data/news2_vectors/news2_vectors.csv").open(encoding="utf-8")))
    names = {
        "rr_pts": "respiratory_rate",
        "spo2_pts": "spo2",
        "o2_pts": "on_oxygen",
        "sbp_pts": "systolic",
        "hr_pts": "pulse",
        "cons_pts": "consciousness",
        "temp_pts": "temperature",
    }
    mind = {"A": "alert", "C": "confusion", "V": "voice", "P": "pain", "U": "unresponsive"}
    agreed = 0
    for row in rows:
        found = news2(
            respiratory_rate=float(row["rr"]),
            spo2=float(row["spo2"]),
            on_oxygen=row["o2"] == "True",
            systolic=float(row["sbp"]),
            pulse=float(row["hr"]),
            consciousness=mind[row["cons"]],
            temperature=float(row["t"]),
            hypercapnic=row["scale"] == "2",
        )
        assert found.value == int(row["total"]), row
        assert (3 in found.parts.values()) == (row["any_red"] == "1"), row
        assert {name: found.parts[name] for name in names.values()} == {
            ours: int(row[theirs]) for theirs, ours in names.items()
        }, row
        agreed += 1
    assert (agreed, len(rows)) == (2193, 2193)
    print(f"NEWS2: {agreed} of {len(rows)} vectors")


def test_every_published_case_of_a_score_that_ships_scores_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    published = gdl.cases()
    counts = {}
    for name, (call, total) in gdl.SCORES.items():
        for case in published[name]:
            assert call(case).value == gdl.expected(case, total), (name, case["id"])
        counts[name] = len(published[name])
    assert counts == {
        "AUDIT-C.v1": 18,
        "FINDRISC_Finnish_Diabetes_Risk_Score.v1": 10,
        "HOSPITAL_score_readmission_risk.v1": 1,
        "LACE_readmission_index.v1": 4,
        "MASCC_risk_index.v1": 10,
        "NEWS.v1": 7,
        "NEWS2.v1": 19,
        "mMRC_Dyspnea_Scale.v1": 5,
    }
    with capsys.disabled():
        print(f"\nGDL: {sum(counts.values())} usable cases of {sum(map(len, published.values()))}, all as they say")


FORMS = {"PHQ9.v1": ("phq-9", "Total score"), "GAD-7.v1": ("gad-7", "GAD-7 Total score")}


@pytest.mark.parametrize("name", FORMS)
def test_the_published_cases_of_the_forms_score_as_they_say(name: str) -> None:
    form, total = FORMS[name]
    asked = read_questionnaire(document(ROOT / "questionnaires" / f"{form}.json"))
    definition = next(one for one in scores() if one.id == form)
    for case in gdl.cases()[name]:
        points = [held["ordinal"] for held in case["input"].values()]
        questions = [item for item in asked.questions if item.options][: len(points)]
        answers = {}
        for item, point in zip(questions, points, strict=True):
            option = item.options[point]
            answers[item.link_id] = (Answer("coding", "", code=option.code, system=option.system),)
        assert score(definition, asked, answers)[0].value == case["expected"][total], case["id"]


def test_the_known_bad_cases_are_apart_by_one_and_only_for_oncology() -> None:
    call, total = gdl.SCORES["HOSPITAL_score_readmission_risk.v1"]
    bad = gdl.known_bad()
    assert len(bad) == 3
    for case in bad:
        assert case["input"]["Discharge from an Oncology service"]["ordinal"] == 1  # their own archetype says 2
        assert call(case).value == gdl.expected(case, total) + 1


def test_the_composite_grade_is_the_published_table_and_grades_the_simulated_reports() -> None:
    short = {"frq": "frequency", "sev": "severity", "int": "interference"}
    rows = list(csv.DictReader(shared("data/proctcae/composite_grade_table.csv").open(encoding="utf-8")))
    for row in rows:
        values = {name: int(row[key]) for key, name in short.items() if row[key]}
        assert composite_grade(tuple(values), **values).value == int(row["comp"]), row
    assert len(rows) == 179
    reports = csv.DictReader(shared("data/proctcae/tox_acute_simulated.csv").open(encoding="utf-8"))
    graded = 0
    for row in reports:
        if not all(row[name].replace(".", "").isdigit() for name in row if name.startswith("PROCTCAE")):
            continue
        first, second = int(float(row["PROCTCAE_9A_SCL"])), int(float(row["PROCTCAE_9B_SCL"]))
        found = composite_grade(("frequency", "severity"), frequency=first, severity=second)
        assert found.value == int(float(row["PROCTCAE_9_COMP"])), row
        graded += 1
    assert graded > 1000


_ORACLE = """
import json, sys, clincalc
print(json.dumps([clincalc.calculate(name, given)["result"] for name, given in json.load(sys.stdin)]))
"""


def independent(calls: list[tuple[str, dict[str, Any]]]) -> list[int]:
    """What clincalc says. Its licence is the AGPL: it stays in a process of its own."""
    require(find_spec("clincalc"), "clincalc is not installed")
    done = subprocess.run(
        [sys.executable, "-c", _ORACLE], input=json.dumps(calls), capture_output=True, text=True, check=True
    )
    found: list[int] = json.loads(done.stdout)
    return found


def test_findrisc_agrees_with_an_independent_program() -> None:
    chance = random.Random(1)
    ours, calls = [], []
    for _ in range(2000):
        one = {
            "sex": chance.choice(["female", "male"]),
            "age": chance.choice([18, 44, 45, 54, 55, 64, 65, chance.randrange(18, 100)]),
            "bmi": chance.choice([24.9, 25, 25.1, 29.9, 30, 30.1, round(chance.uniform(15, 45), 1)]),
            "waist": chance.choice([79.9, 80, 88, 88.1, 93.9, 94, 102, 102.1, round(chance.uniform(60, 140), 1)]),
            **{name: chance.random() < 0.5 for name in ("active", "greens", "pressure_medicine", "high_glucose")},
            "relatives": chance.choice(["none", "second-degree", "first-degree"]),
        }
        ours.append(findrisc(**one).value)
        calls.append(
            (
                "findrisc",
                {
                    "sex": one["sex"],
                    "age": one["age"],
                    "bmi": one["bmi"],
                    "waist_cm": one["waist"],
                    "physically_active": one["active"],
                    "daily_vegetables_fruit": one["greens"],
                    "antihypertensive_medication": one["pressure_medicine"],
                    "high_blood_glucose_history": one["high_glucose"],
                    "family_history": one["relatives"].replace("-", "_"),
                },
            )
        )
    assert ours == independent(calls)


def test_audit_c_agrees_with_an_independent_program_on_every_set_of_answers() -> None:
    every = list(itertools.product(range(5), range(5), range(5)))
    theirs = independent([("auditc", {"responses": list(one), "sex": "male"}) for one in every])
    assert [audit_c(*one, "male").value for one in every] == theirs


def test_audit_c_and_mmrc_agree_with_the_sums_of_their_forms() -> None:
    """The data beside the forms and the functions were written apart from each other.

    Who never drinks is not asked how much: an answer to that counts nothing for a form.
    """
    for form, call in (("audit-c", audit_c), ("mmrc", mmrc)):
        asked = read_questionnaire(document(ROOT / "questionnaires" / f"{form}.json"))
        definition = next(one for one in scores() if one.id == form)
        questions = [item for item in asked.questions if item.options]
        for points in itertools.product(*(range(len(item.options)) for item in questions)):
            answers = {
                item.link_id: (Answer("coding", "", code=item.options[at].code, system=item.options[at].system),)
                for item, at in zip(questions, points, strict=True)
            }
            if form == "audit-c" and points[0] == 0 and any(points):
                continue
            assert score(definition, asked, answers)[0].value == call(*points).value, points


@pytest.mark.parametrize(
    ("days", "points"),
    [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 4), (7, 5), (13, 5), (14, 7), (400, 7)],
)
def test_a_stay_counts_as_its_length_says(days: int, points: int) -> None:
    assert lace(**{**STAY, "days": days}).parts["days"] == points


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"charlson": 3}, 3),
        ({"charlson": 4}, 5),
        ({"charlson": 9}, 5),
        ({"visits": 3}, 3),
        ({"visits": 4}, 4),
        ({"visits": 20}, 4),
        ({"acute": True}, 3),
    ],
)
def test_lace_counts_each_of_its_letters(changes: dict[str, Any], value: int) -> None:
    assert lace(**{**STAY, **changes}).value == value


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"haemoglobin": 11.9}, 1),
        ({"haemoglobin": 12.0}, 0),
        ({"oncology": True}, 2),
        ({"sodium": 134.9}, 1),
        ({"sodium": 135}, 0),
        ({"procedure": True}, 1),
        ({"urgent": True}, 1),
        ({"admissions": 1}, 0),
        ({"admissions": 2}, 2),
        ({"admissions": 5}, 2),
        ({"admissions": 6}, 5),
        ({"days": 4}, 0),
        ({"days": 5}, 2),
    ],
)
def test_hospital_counts_each_of_its_letters(changes: dict[str, Any], value: int) -> None:
    assert hospital(**{**LEFT, **changes}).value == value


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({}, 26),
        ({"burden": "none"}, 26),
        ({"burden": "moderate"}, 24),
        ({"burden": "severe"}, 21),
        ({"hypotension": True}, 21),
        ({"copd": True}, 22),
        ({"blood_cancer_with_fungus": True}, 22),
        ({"dehydration": True}, 23),
        ({"outpatient": False}, 23),
        ({"age": 59}, 26),
        ({"age": 60}, 24),
    ],
)
def test_mascc_counts_each_of_its_dangers(changes: dict[str, Any], value: int) -> None:
    found = mascc(**{**FEVER, **changes})
    assert (found.value, found.band) == (value, "low-risk")


@pytest.mark.parametrize(
    ("call", "low", "high", "bands"),
    [
        (lace, {"days": 3, "acute": True, "charlson": 3}, {"days": 4, "acute": True, "charlson": 3}, ("low", "high")),
        (hospital, {"admissions": 2, "oncology": True}, {"admissions": 6}, ("low", "intermediate")),
        (hospital, {"admissions": 6, "urgent": True}, {"admissions": 6, "oncology": True}, ("intermediate", "high")),
        (mascc, {"hypotension": True, "age": 60}, {"hypotension": True}, ("high-risk", "low-risk")),
        (news2, {"pulse": 130, "on_oxygen": True}, {"pulse": 130, "on_oxygen": True, "spo2": 95}, ("low", "medium")),
        (news2, {"pulse": 130}, {"pulse": 131}, ("low", "low-medium")),
        (findrisc, {"high_glucose": True, "greens": False}, {"high_glucose": True, "active": False}, RISKS[:2]),
        (findrisc, {"bmi": 31, "age": 65, "waist": 90}, {**WEIGHTY, "pressure_medicine": True}, RISKS[1:3]),
        (findrisc, {**WEIGHTY, "age": 65}, {**WEIGHTY, "age": 65, "greens": False}, RISKS[2:4]),
        (findrisc, WEIGHTIEST, {**WEIGHTIEST, "greens": False}, RISKS[3:]),
    ],
)
def test_a_band_begins_where_its_source_says(call: Any, low: Any, high: Any, bands: tuple[str, str]) -> None:
    base = dict(ALL)[call]
    assert (call(**{**base, **low}).band, call(**{**base, **high}).band) == bands


@pytest.mark.parametrize(("call", "base"), ALL, ids=lambda one: getattr(one, "__name__", ""))
def test_without_any_one_input_there_is_no_total_and_it_is_named(call: Any, base: dict[str, Any]) -> None:
    for name in base:
        found = call(**{**base, name: None})
        assert (found.value, found.reason, found.band) == (None, "missing", "")
        assert name in found.missing
        assert name not in found.parts


@pytest.mark.parametrize(("call", "base"), ALL, ids=lambda one: getattr(one, "__name__", ""))
def test_what_makes_no_sense_is_refused_with_its_name(call: Any, base: dict[str, Any]) -> None:
    for name, value in base.items():
        nonsense: list[Any] = ["perhaps"] if isinstance(value, bool | str) else [-1, 1e6, float("nan"), True]
        for one in nonsense:
            with pytest.raises(Invalid) as refused:
                call(**{**base, name: one})
            assert refused.value.detail["place"] == name


@pytest.mark.parametrize("grade", [-1, 5, 2.5, True, float("inf")])
def test_a_grade_that_does_not_exist_is_refused(grade: Any) -> None:
    with pytest.raises(Invalid):
        mmrc(grade)
    with pytest.raises(Invalid):
        audit_c(grade, 0, 0)
    with pytest.raises(Invalid):
        composite_grade(("severity",), severity=grade)


def test_nothing_known_is_no_score() -> None:
    assert mmrc(None).value is None
    assert audit_c(None, None, None, "male").missing == ("frequency", "amount", "binges")
    assert audit_c(2, None, 0, "male").missing == ("amount",)
    assert composite_grade(("frequency", "severity"), frequency=2).missing == ("severity",)


def test_who_never_drinks_is_not_asked_how_much() -> None:
    assert audit_c(0, None, None).value == 0


def test_between_the_two_cuts_a_sex_is_needed_for_a_word() -> None:
    assert (audit_c(1, 1, 1, None).band, audit_c(1, 1, 1, None).reason) == ("", "sex-unknown")
    assert (audit_c(1, 1, 1, "female").band, audit_c(1, 1, 1, "male").band) == ("at-or-above", "below")
    assert (audit_c(1, 1, 2).band, audit_c(1, 1, 0).band) == ("at-or-above", "below")


def test_a_symptom_has_only_its_own_attributes() -> None:
    with pytest.raises(Invalid) as refused:
        composite_grade(("severity",), severity=1, frequency=2)
    assert refused.value.detail["place"] == "frequency"
    with pytest.raises(ValueError):
        composite_grade(("severity", "frequency"), severity=1, frequency=2)


def test_a_symptom_that_never_happened_has_grade_0_and_no_further_question() -> None:
    assert composite_grade(("frequency", "severity", "interference"), frequency=0).value == 0


def test_a_temperature_is_read_to_a_tenth_as_the_chart_is() -> None:
    assert news2(**{**WELL, "temperature": 38.0556}).parts["temperature"] == 1  # 100.5 degrees Fahrenheit
    assert news2(**{**WELL, "temperature": 38.04}).parts["temperature"] == 0
    assert news2(**{**WELL, "temperature": 38.05}).parts["temperature"] == 1


def test_much_oxygen_in_the_blood_of_the_second_scale_needs_to_know_whether_oxygen_is_given() -> None:
    unknown = news2(**{**WELL, "on_oxygen": None}, hypercapnic=True)
    assert set(unknown.missing) == {"on_oxygen", "spo2"}
    assert news2(**WELL, hypercapnic=True).value == 0
    assert news2(**{**WELL, "on_oxygen": True}, hypercapnic=True).value == 5
