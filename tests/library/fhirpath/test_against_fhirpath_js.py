"""Ours and npm's fhirpath side by side: every expression of the corpus on made-up responses, and a table of our own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from care.errors import CareError
from care.library.fhirpath import compile_expression
from tests.conftest import require, shared
from tests.library.fhirpath.corpus import expressions, forms, response
from tests.library.fhirpath.test_expressions import FORM, RESPONSE

ORACLE = Path(__file__).parent / "oracle"
SEEDS = 3
DIFFERENT = {
    "item.where(linkId = 'mood').item.answer.value.weight()": "a coding without a weight of its own and not in the form"
    " has none here; there it is an error",
    "1.005.round(2)": "decimals are decimal here, binary there",
    "'5 days'.toQuantity()": "a quantity is given as FHIR's Quantity here, as a text there",
    "@2020-01-01T10:00:00Z + 90 minutes": "UTC stays Z here and becomes -00:00 there, which FHIR forbids",
    "item.where(linkId = 'weight').answer.value > 80 'kg'": "a FHIR Quantity without a system counts as UCUM here",
    "(1 | 2) ~ (2 | 1)": "~ does not look at the order (FHIRPath 6.1.2)",
    "%loinc": "FHIR's own variables are given here",
    "item.repeatAll(item).count()": "not there yet",
    "1.58700.precision()": "not there yet",
    "@2014-01.precision()": "not there yet",
}
TABLE = Path(__file__).parent / "side_by_side.txt"


def theirs(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What fhirpath.js gives for each case: {"value"} or {"error"}."""
    require(shutil.which("node"), "node is not on this machine")
    require(
        (ORACLE / "node_modules" / "fhirpath").exists(),
        "npm install --prefix tests/library/fhirpath/oracle has not been run",
    )
    asked = json.dumps(cases).encode()
    run = subprocess.run(["node", "evaluate.js"], cwd=ORACLE, input=asked, capture_output=True, check=True, timeout=300)
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def ours(case: dict[str, Any]) -> dict[str, Any]:
    """What our engine gives for a case, in the same shape."""
    try:
        return {"value": list(compile_expression(case["expression"])(case["context"], case["environment"]))}
    except CareError as error:
        return {"error": error.code}


def alike(one: Any, other: Any) -> bool:
    """Equal as JSON, where numbers may differ in the sixth digit."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == pytest.approx(other, rel=1e-6)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


def asks_for_the_time(text: str) -> bool:
    """Whether the clock is part of the answer: fhirpath.js reads the machine's."""
    try:
        return compile_expression(text).timed
    except CareError:
        return False


def compared(cases: list[dict[str, Any]]) -> tuple[Counter[str], list[tuple[str, Any, Any]]]:
    """How many agree, and the cases that do not: expression, ours, theirs."""
    count: Counter[str] = Counter()
    apart = []
    for case, other in zip(cases, theirs(cases), strict=True):
        mine = ours(case)
        if "error" in mine or "error" in other:
            outcome = "both fail" if "error" in mine and "error" in other else "one fails"
        else:
            outcome = "same value" if alike(mine["value"], other["value"]) else "different value"
        count[outcome] += 1
        if outcome in ("one fails", "different value"):
            apart.append((case["expression"], mine, other))
    return count, apart


def corpus_cases() -> list[dict[str, Any]]:
    """Each expression of each form on responses to it, with the variables above it that have a value."""
    cases = []
    for form in forms(shared("questionnaires/dev")):
        found = list(expressions(form))
        for seed in range(SEEDS if found else 0):
            answered = response(form, seed)
            for each in found:
                environment: dict[str, Any] = {"resource": answered, "questionnaire": form}
                for name, text in each.variables:
                    value = ours({"expression": text, "context": answered, "environment": environment})
                    environment[name] = value.get("value", [])
                if not asks_for_the_time(each.text):
                    cases.append({"expression": each.text, "context": answered, "environment": environment})
    return cases


def test_the_expressions_of_the_corpus_give_what_fhirpath_js_gives() -> None:
    count, apart = compared(corpus_cases())
    print(dict(count))
    assert not apart
    assert count["same value"] > 300


def test_a_table_of_expressions_gives_what_fhirpath_js_gives() -> None:
    texts = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    environment = {"resource": RESPONSE, "questionnaire": FORM}
    cases = [{"expression": text, "context": RESPONSE, "environment": environment} for text in texts]
    count, apart = compared(cases)
    print(dict(count))
    assert {text for text, _, _ in apart} == set(DIFFERENT)
