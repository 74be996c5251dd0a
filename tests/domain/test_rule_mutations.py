"""Rules: moving any number of any rule by one step, either way, breaks at least one of its vectors."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from care.domain.rules import History, read_rules, read_vector
from care.domain.rules.checking import NUMBERS

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LIBRARY = Path(__file__).parent.parent.parent / "care" / "library" / "rules"
RULES = {
    f"{path.stem}: {rule['id']}": rule
    for path in sorted(LIBRARY.glob("*.json"))
    for rule in json.loads(path.read_text("utf-8"))["rules"]
}
STEP = {"mg/dL": 1, "mmol/L": 0.1, "kg": 0.1, "Cel": 0.1, "mm[Hg]": 1, "%": 1, "/min": 1, "": 1}
"""What the devices and scales of each unit can tell apart."""
HALF_AN_HOUR, TENTH, COUNT = 0.5, 0.1, 1
SIZES = {
    "within_hours": HALF_AN_HOUR,
    "for_hours": HALF_AN_HOUR,
    "baseline_hours": HALF_AN_HOUR,
    "recent_hours": HALF_AN_HOUR,
    "at_least": COUNT,
    "to_at_least": COUNT,
    "weight": 0.05,
    "limit": TENTH,
    "slack": TENTH,
    "least_spread": TENTH,
}
SHOWN_ONLY = {"days"}
"""Named in the sentence and judged by nothing; another test holds it against the hours."""
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "above": "below", "below": "above", "all": "any", "any": "all"}


def step(part: dict[str, Any], field: str) -> float:
    """By how much this number is moved."""
    if part["test"] == "slope" and field == "threshold":
        return 0.01  # of its unit, a day
    return SIZES[field] if field in SIZES else STEP[part.get("unit", "")]


def parts(when: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield when
    for part in when["of"] if when["test"] in ("all", "any") else ():
        yield from parts(part)


def mutants(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what was changed, the rule with it): every number up and down, every direction and strictness turned."""
    for position, part in enumerate(parts(rule["when"])):
        for field, value in part.items():
            changes: list[Any] = []
            if field in NUMBERS - SHOWN_ONLY:
                size = step(part, field)
                changes = [round(value + size, 9), round(value - size, 9)]
            elif field in ("op", "side") or (field == "test" and value in ("all", "any")):
                changes = [OTHER[value]]
            for change in changes:
                mutant = copy.deepcopy(rule)
                list(parts(mutant["when"]))[position][field] = change
                for other in ("personal", "cooldown_hours"):  # checked against the condition, which is another now
                    mutant.pop(other, None)
                yield f"{part['test']} {position}: {field} {value} becomes {change}", mutant


def broken(rule: dict[str, Any]) -> list[str]:
    """The vectors that the rule does not agree with."""
    document = {"id": "s", "url": "https://care.invalid/fhir/RuleSet/s", "version": "1", "rules": [rule]}
    (read,) = read_rules(document).rules
    found = []
    for vector in rule["vectors"]:
        report, before = read_vector(vector, NOW)
        if (read.when(report, History(before)) is not None) != vector["fires"]:
            found.append(vector["says"])
    return found


def survivors(rule: dict[str, Any]) -> list[str]:
    """The changes that no vector notices."""
    return [says for says, mutant in mutants(rule) if not broken(mutant)]


@pytest.mark.parametrize("name", RULES)
def test_every_moved_number_breaks_a_vector(name: str) -> None:
    assert broken(RULES[name]) == []
    assert survivors(RULES[name]) == []


def test_every_number_of_every_rule_is_moved() -> None:
    moved = sum(1 for rule in RULES.values() for _ in mutants(rule))
    numbers = sum(len((NUMBERS - SHOWN_ONLY) & part.keys()) for rule in RULES.values() for part in parts(rule["when"]))
    assert moved > 2 * numbers > 100


@pytest.mark.parametrize("name", [name for name in RULES if any(NUMBERS & set(p) for p in parts(RULES[name]["when"]))])
def test_without_the_vectors_around_its_numbers_a_moved_one_goes_unnoticed(name: str) -> None:
    """The check above can fail: with the first and the last of its examples alone, no rule with a number passes it."""
    rule = copy.deepcopy(RULES[name])
    rule["vectors"] = [rule["vectors"][-1]]
    assert survivors(rule) != []
