"""Reading what a form computes: calculated and initial values, what is enabled, texts, options, constraints.

FHIRPath is run. CQL and queries of a server are refused where they compute, hide or forbid, and left out where they
only propose: in initial values and texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.extensions import (
    CALCULATED,
    COMPUTED_VALUE,
    CONSTRAINTS,
    ENABLE_EXPRESSION,
    INITIAL_EXPRESSION,
    MAX_VALUE,
    MIN_VALUE,
    TEXT_EXPRESSION,
    TOGGLE,
    VARIABLE,
    extension_value,
    extension_values,
    extensions_of,
    shadow_of,
)
from care.domain.questionnaire.formulas import Constraint, Formula, Toggle
from care.domain.questionnaire.model import QUESTION_TYPES, Option
from care.domain.questionnaire.refusal import refuse
from care.domain.questionnaire.scopes import Scope, Written, written
from care.errors import Invalid


def variables_of(raw: Mapping[str, Any]) -> dict[str, Written]:
    """The variables that a form or an item defines, by name."""
    found = (written(value) for value in extension_values(raw, *VARIABLE))
    return {each.name: each for each in found if each is not None and each.name}


def read_formulas(
    raw: Mapping[str, Any], link_id: str, kind: str, scope: Scope, notes: list[str], to_run: bool = True
) -> dict[str, Any]:
    """The formulas of an item, by the names of the Item's fields. Raises Invalid."""
    constraints = read_constraints(raw, link_id, scope, None if to_run else notes)
    found: dict[str, Any] = {"constraints": constraints, "variables": scope.read()}
    enable = _only(raw, ENABLE_EXPRESSION)
    if enable is not None:
        found["enable_formula"] = scope.logic(enable, link_id, "its enableWhenExpression")
    calculated = _only(raw, CALCULATED)
    if calculated is not None and kind in QUESTION_TYPES:
        found["calculated"] = scope.logic(calculated, link_id, "its calculatedExpression")
    for name, url in (("min_formula", MIN_VALUE), ("max_formula", MAX_VALUE)):
        bound = _computed_bound(raw, url, link_id)
        if bound is not None:
            found[name] = scope.logic(bound, link_id, "its computed minimum or maximum")
    proposed = {
        "initial_formula": _only(raw, INITIAL_EXPRESSION) if kind in QUESTION_TYPES else None,
        "text_formula": written(extension_value(shadow_of(raw, "text"), TEXT_EXPRESSION)),
    }
    for name, expression in proposed.items():
        own = name == "text_formula"
        formula = _proposal(expression, link_id, scope, notes, own) if expression is not None else None
        if formula is not None:
            found[name] = formula
    return found


def _computed_bound(raw: Mapping[str, Any], url: str, link_id: str) -> Written | None:
    """The expression that gives a minimum or maximum: an extension on the value that is not there."""
    for each in extensions_of(raw, url):
        for name, value in each.items():
            if not name.startswith("_value") or name[1:] in each:
                continue
            bound = written(extension_value(value, *COMPUTED_VALUE)) if isinstance(value, Mapping) else None
            if bound is None:
                raise refuse("malformed-bound", link_id, "a minimum or maximum has no value")
            return bound
    return None


def _only(raw: Mapping[str, Any], urls: tuple[str, ...]) -> Written | None:
    return written(extension_value(raw, *urls))


def _proposal(expression: Written, link_id: str, scope: Scope, notes: list[str], own: bool) -> Formula | None:
    """An expression that only proposes something: left out, with a note, where it cannot be run."""
    if expression.kind != "fhirpath":
        notes.append(f"item {link_id!r}: an initial value or a text in {expression.language} is left out")
        return None
    try:
        return scope.formula(expression.text, link_id, own)
    except Invalid as bad:
        notes.append(f"item {link_id!r}: an initial value or a text is left out: {bad.message}")
        return None


def read_constraints(
    raw: Mapping[str, Any], link_id: str, scope: Scope, notes: list[str] | None = None
) -> tuple[Constraint, ...]:
    """The constraints of an item, or with an empty linkId those of the form.

    Raises Invalid; with `notes` one that cannot be read is left out and noted.
    """
    found: list[Constraint] = []
    for each in extensions_of(raw, *CONSTRAINTS):
        key = str(extension_value(each, "key") or "constraint")
        expression = written(extension_value(each, "expression"))
        if expression is None:
            raise refuse("malformed-constraint", link_id, f"constraint {key!r} has no expression")
        try:
            formula = scope.logic(expression, link_id, f"constraint {key!r}", own=True)
        except Invalid as bad:
            if notes is None:
                raise
            notes.append(bad.message)
            continue
        severity = "warning" if extension_value(each, "severity") == "warning" else "error"
        human, requirements = (str(extension_value(each, name) or "") for name in ("human", "requirements"))
        found.append(Constraint(key, severity, human, formula, requirements))
    return tuple(found)


def read_toggles(raw: Mapping[str, Any], link_id: str, options: tuple[Option, ...], scope: Scope) -> tuple[Toggle, ...]:
    """Which options may be chosen only while something holds. Raises Invalid."""
    found: list[Toggle] = []
    for each in extensions_of(raw, *TOGGLE):
        expression = written(extension_value(each, "expression"))
        if expression is None:
            raise refuse("unreadable-expression", link_id, "it switches options by an expression that is not there")
        formula = scope.logic(expression, link_id, "its answerOptionsToggleExpression")
        keys = frozenset(
            option.key for value in extension_values(each, "option") for option in options if _is(option, value)
        )
        found.append(Toggle(keys, formula))
    return tuple(found)


def _is(option: Option, value: Any) -> bool:
    if isinstance(value, Mapping):
        system = str(value.get("system") or "")
        return option.code == value.get("code") and (not system or system == option.system)
    return option.text[""] == str(value)
