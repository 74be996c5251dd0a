"""Reading enableWhen and enableBehavior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.model import Answer, Condition
from care.domain.questionnaire.refusal import objects, refuse

_OPERATORS = frozenset(("exists", "=", "!=", ">", "<", ">=", "<="))
_EXPECTED: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "answerBoolean": ("boolean", (bool,)),
    "answerInteger": ("integer", (int,)),
    "answerDecimal": ("decimal", (int, float)),
    "answerString": ("string", (str,)),
    "answerDate": ("date", (str,)),
    "answerDateTime": ("dateTime", (str,)),
    "answerTime": ("time", (str,)),
    "answerUri": ("url", (str,)),
}


def read_conditions(raw: Mapping[str, Any], link_id: str, notes: list[str]) -> tuple[tuple[Condition, ...], bool]:
    """The conditions of an item, and whether any one of them is enough.

    Several without an enableBehavior are read as any, which R4's own text says and which is noted. Raises Invalid:
    unknown-operator, unknown-behavior, malformed-enable-when.
    """
    conditions = tuple(_condition(each, link_id) for each in objects(raw, "enableWhen", link_id))
    behavior = raw.get("enableBehavior")
    if behavior is None and len(conditions) > 1:
        notes.append(f"item {link_id!r}: several conditions and not said whether all must hold; any is enough")
        return conditions, True
    if behavior not in (None, "all", "any"):
        raise refuse("unknown-behavior", link_id, f"enableBehavior is {behavior!r}, not all or any")
    return conditions, behavior == "any"


def _condition(raw: Mapping[str, Any], link_id: str) -> Condition:
    question, operator = raw.get("question"), raw.get("operator")
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise refuse("unknown-operator", link_id, f"enableWhen has the unknown operator {operator!r}")
    if not isinstance(question, str):
        raise refuse("malformed-enable-when", link_id, "enableWhen names no question")
    expected = _expected(raw, link_id)
    if operator == "exists" and expected.type != "boolean":
        raise refuse("malformed-enable-when", link_id, "exists needs answerBoolean")
    return Condition(question, str(operator), expected)


def _expected(raw: Mapping[str, Any], link_id: str) -> Answer:
    for name, (kind, types) in _EXPECTED.items():
        value: Any = raw.get(name)
        fits = isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))
        if fits:
            return Answer(kind, value)
    coding, quantity, reference = (raw.get("answer" + name) for name in ("Coding", "Quantity", "Reference"))
    if isinstance(coding, Mapping):
        display, code, system = (str(coding.get(name) or "") for name in ("display", "code", "system"))
        if code or display:
            return Answer("coding", display, code=code, system=system)
    if isinstance(quantity, Mapping) and isinstance(quantity.get("value"), int | float):
        unit, code = str(quantity.get("unit") or ""), str(quantity.get("code") or quantity.get("unit") or "")
        return Answer("quantity", float(quantity["value"]), unit=unit, code=code)
    if isinstance(reference, Mapping) and isinstance(reference.get("reference"), str):
        return Answer("reference", str(reference["reference"]))
    raise refuse("malformed-enable-when", link_id, "enableWhen has no answer that can be compared")
