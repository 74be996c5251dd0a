"""Whether a condition can be judged as written: its fields, its numbers, its units, its parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from care.domain.rules.compound import COMPUTED, FORM_SCORES, NEWS2_OF, SCORES
from care.domain.rules.conditions import OPERATORS
from care.errors import Invalid

_CHOICE = frozenset({"code", "code_prefix", "unit", "also"})
_ONE_CODE = frozenset({"code", "unit", "also"})
_OWN = frozenset({"code", "side", "baseline_hours", "recent_hours", "at_least"})
# What each test must have, and what it may have besides.
_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "compare": (frozenset({"op", "threshold"}), _CHOICE),
    "count": (frozenset({"op", "threshold", "at_least", "within_hours"}), _CHOICE),
    "delta": (frozenset({"gain", "within_hours", "days"}), _CHOICE),
    "fall": (frozenset({"drop", "within_hours", "days"}), _CHOICE),
    "rise": (frozenset({"by", "to_at_least"}), _CHOICE),
    "reported": (frozenset({"code"}), frozenset()),
    "answer": (frozenset({"link_id"}), frozenset({"equals", "at_least"})),
    "slope": (frozenset({"code", "op", "threshold", "within_hours", "at_least"}), _ONE_CODE),
    "streak": (frozenset({"code", "op", "threshold", "within_hours", "at_least"}), _ONE_CODE),
    "usual": (_OWN | {"by"}, _ONE_CODE),
    "ewma": (_OWN | {"weight", "limit", "least_spread"}, _ONE_CODE),
    "cusum": (_OWN | {"slack", "limit", "least_spread"}, _ONE_CODE),
    "missing": (frozenset({"code", "for_hours", "at_least"}), frozenset({"unit"})),
    "score": (frozenset({"of", "op", "threshold"}), frozenset()),
    "all": (frozenset({"of"}), frozenset()),
    "any": (frozenset({"of"}), frozenset()),
}
_BY_OTHERS = frozenset({"answer", "reported", "score", "all", "any"})
NUMBERS = frozenset(
    {"threshold", "at_least", "within_hours", "gain", "drop", "days", "by", "to_at_least", "for_hours"}
    | {"weight", "limit", "slack", "least_spread", "baseline_hours", "recent_hours"}
)
_ABOVE_ZERO = frozenset({"within_hours", "for_hours", "baseline_hours", "recent_hours", "least_spread", "limit"})
_WHOLE = frozenset({"count", "slope", "streak", "usual", "ewma", "cusum", "missing"})  # their at_least is a count
DEEPEST = 3


def check(when: object, place: str, depth: int = 0) -> Mapping[str, Any]:
    """The condition, if it can be judged as written. Raises Invalid(code, message, place=...)."""
    found = an_object(when, place)
    test = str(found.get("test"))
    if test not in _FIELDS:
        raise Invalid("unknown-test", f"test is one of {', '.join(_FIELDS)}", place=f"{place}.test")
    needed, allowed = _FIELDS[test]
    for name in sorted(needed - found.keys()):
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}")
    for name in sorted(found.keys() - needed - allowed - {"test"}):
        raise Invalid("unknown-field", "this field is not known here", place=f"{place}.{name}")
    if test in ("all", "any"):
        _check_parts(found["of"], f"{place}.of", depth)
        return found
    for name in sorted(NUMBERS & found.keys()):
        _check_number(found, test, name, f"{place}.{name}")
    _check_words(found, test, place)
    return found


def _check_parts(parts: object, place: str, depth: int) -> None:
    if not isinstance(parts, list) or len(parts) < 2 or depth >= DEEPEST:
        raise Invalid("bad-parts", "two conditions or more, not too deep", place=place)
    for position, part in enumerate(parts):
        check(part, f"{place}[{position}]", depth + 1)


def _check_number(when: Mapping[str, Any], test: str, name: str, place: str) -> None:
    value = when[name]
    if not is_number(value) or (name in _ABOVE_ZERO and value <= 0):
        raise Invalid("bad-number", "a number is expected", place=place)
    if name == "at_least" and test in _WHOLE and (value != int(value) or value < 1):
        raise Invalid("bad-number", "a count is expected", place=place)
    if name == "weight" and not 0 < value <= 1:
        raise Invalid("bad-number", "a weight is above 0 and at most 1", place=place)
    if name == "recent_hours" and value >= when["baseline_hours"]:
        raise Invalid("bad-number", "what is recent is shorter than what is known", place=place)


def _check_words(when: Mapping[str, Any], test: str, place: str) -> None:
    if "op" in when and when["op"] not in OPERATORS:
        raise Invalid("unknown-op", f"op is one of {' '.join(OPERATORS)}", place=f"{place}.op")
    if "side" in when and when["side"] not in ("above", "below"):
        raise Invalid("unknown-side", "side is above or below", place=f"{place}.side")
    if test == "score" and when["of"] not in SCORES:
        raise Invalid("unknown-score", f"of is one of {', '.join(SCORES)}", place=f"{place}.of")
    if test == "answer" and ("equals" in when) == ("at_least" in when):
        raise Invalid("missing", "an answer is compared by equals or by at_least", place=place)
    if test not in _BY_OTHERS and ("code" in when) == ("code_prefix" in when):
        raise Invalid("missing", "a rule is about one code or one code_prefix", place=f"{place}.code")
    for name in ("code", "code_prefix", "unit", "link_id"):
        if name in when:
            a_text(when, name, place)
    if "also" in when:
        _check_also(an_object(when["also"], f"{place}.also"), f"{place}.also")


def _check_also(also: Mapping[str, Any], place: str) -> None:
    a_text(also, "name", place)
    if not is_number(also.get("divide_by")) or also["divide_by"] <= 0 or also.get("digits") not in range(5):
        raise Invalid("bad-number", "divide_by and digits are expected", place=place)


def parts_of(when: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The condition and those it is made of, each with its place: "", "of.0.", "of.1." …"""
    yield place, when
    if when["test"] in ("all", "any"):
        for position, part in enumerate(when["of"]):
            yield from parts_of(part, f"{place}of.{position}.")


def units_in(when: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(code, unit) of everything the condition judges in a unit."""
    for _, part in parts_of(when):
        if part.get("code") and part.get("unit"):
            yield part["code"], part["unit"]
        if part["test"] == "score" and part["of"] in COMPUTED:
            yield from ((code, unit) for code, unit in NEWS2_OF.values() if unit)


def codes_in(when: Mapping[str, Any]) -> Iterator[str]:
    """Every code that the condition names."""
    for _, part in parts_of(when):
        if part.get("code"):
            yield part["code"]
        if part["test"] == "score":
            yield from [FORM_SCORES[part["of"]]] if part["of"] in FORM_SCORES else [c for c, _ in NEWS2_OF.values()]


def is_number(value: object) -> bool:
    """A finite number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def an_object(value: object, place: str) -> Mapping[str, Any]:
    """The value if it is an object. Raises Invalid("not-an-object")."""
    if not isinstance(value, Mapping):
        raise Invalid("not-an-object", "an object is missing here", place=place)
    return value


def a_text(holder: Mapping[str, Any], name: str, place: str) -> str:
    """The text of this name. Raises Invalid("missing") when there is none or it is empty."""
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}".lstrip("."))
    return value
