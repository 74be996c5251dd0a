"""Thresholds of one patient, set by a clinician: the same rules with other numbers, nothing else changed."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from care.domain.rules.checking import is_number
from care.domain.rules.compound import compiled
from care.domain.rules.values import Rule, RuleSet
from care.errors import Invalid


@dataclass(frozen=True, slots=True)
class Override:
    """One number of one rule for one patient. `rule_set` is the set's url, `field` the number's place in the rule."""

    rule_set: str
    rule: str
    field: str
    value: float


def check_override(rule_sets: Sequence[RuleSet], override: Override) -> Rule:
    """The rule that the override is for. Raises Invalid when no rule of these sets lets this number be set so."""
    rule = next((r for s in rule_sets if s.url == override.rule_set for r in s.rules if r.id == override.rule), None)
    if rule is None:
        raise Invalid("unknown-rule", "there is no such rule", place="rule")
    ends = rule.personal.get(override.field)
    if ends is None:
        raise Invalid("not-personal", "this number is the same for every patient", place="field")
    if not is_number(override.value) or not ends[0] <= override.value <= ends[1]:
        raise Invalid("out-of-range", f"from {ends[0]:g} to {ends[1]:g}", place="value", low=ends[0], high=ends[1])
    return rule


def with_thresholds(
    rule_sets: Sequence[RuleSet], overrides: Sequence[Override]
) -> tuple[tuple[RuleSet, ...], tuple[Override, ...]]:
    """(the sets with the patient's numbers, the overrides that no longer fit and were left out).

    What does not fit a newer version of a rule leaves the rule as it was reviewed. A set that was changed has a content
    hash of its own, made of the published one and the numbers, so that a judgement names the numbers it was made with.
    """
    unfit = []
    fitting: dict[str, list[Override]] = {}
    for override in overrides:
        try:
            check_override(rule_sets, override)
        except Invalid:
            unfit.append(override)
            continue
        fitting.setdefault(override.rule_set, []).append(override)
    changed = tuple(_changed(one, fitting[one.url]) if one.url in fitting else one for one in rule_sets)
    return changed, tuple(unfit)


def _changed(rule_set: RuleSet, overrides: Sequence[Override]) -> RuleSet:
    values: dict[str, dict[str, float]] = {}
    for override in overrides:
        values.setdefault(override.rule, {})[override.field] = override.value
    rules = tuple(_with(rule, values[rule.id]) if rule.id in values else rule for rule in rule_set.rules)
    told = json.dumps([rule_set.sha256, values], sort_keys=True, separators=(",", ":"))
    return replace(rule_set, rules=rules, sha256=hashlib.sha256(told.encode()).hexdigest())


def _with(rule: Rule, values: Mapping[str, float]) -> Rule:
    """The rule with these numbers; its version says which they are."""
    written: dict[str, Any] = copy.deepcopy(dict(rule.written))
    for place, value in values.items():
        *path, name = place.split(".")
        part: Any = written
        for step in path:
            part = part[int(step)] if step.isdigit() else part[step]
        part[name] = value
    told = ",".join(f"{place}={value:g}" for place, value in sorted(values.items()))
    return replace(rule, version=f"{rule.version};{told}", written=written, when=compiled(written))
