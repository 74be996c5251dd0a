"""From a rule set document to compiled rules, refusing what cannot be judged as written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from care.domain.codes import Priority
from care.domain.rules.conditions import COMPILERS, OPERATORS
from care.domain.rules.values import Rule, RuleSet
from care.errors import Invalid

_CHOICE = frozenset({"code", "code_prefix", "unit", "also"})
# What each test must have, and what it may have besides.
_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "compare": (frozenset({"op", "threshold"}), _CHOICE),
    "count": (frozenset({"op", "threshold", "at_least", "within_hours"}), _CHOICE),
    "delta": (frozenset({"gain", "within_hours", "days"}), _CHOICE),
    "rise": (frozenset({"by", "to_at_least"}), _CHOICE),
    "reported": (frozenset({"code"}), frozenset()),
    "answer": (frozenset({"link_id"}), frozenset({"equals", "at_least"})),
}
_NUMBERS = frozenset({"threshold", "at_least", "within_hours", "gain", "days", "by", "to_at_least"})


def read_rules(document: Mapping[str, Any], sha256: str = "") -> RuleSet:
    """A rule set as a value; `sha256` is the content hash that is stored with everything it decides.

    Raises Invalid(code, message, place=...), `place` reads like 'rules[2].when.op'.
    """
    top = _object(document, "")
    entries = top.get("rules")
    if not isinstance(entries, list) or not entries:
        raise Invalid("no-rules", "a rule set has at least one rule", place="rules")
    rules: list[Rule] = []
    units: dict[str, str] = {}
    for position, entry in enumerate(entries):
        place = f"rules[{position}]"
        rule = _read_rule(_object(entry, place), place)
        if any(rule.id == other.id for other in rules):
            raise Invalid("duplicate-rule", "two rules have the same id", place=f"{place}.id")
        _note_unit(entry["when"], units, f"{place}.when.unit")
        rules.append(rule)
    return RuleSet(
        id=_text(top, "id", ""),
        url=_text(top, "url", ""),
        version=_text(top, "version", ""),
        rules=tuple(rules),
        units=units,
        sha256=sha256,
        always=_codes(top.get("always", [])),
    )


def _codes(listed: object) -> frozenset[str]:
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        raise Invalid("not-a-list", "a list of codes is expected", place="always")
    return frozenset(listed)


def _read_rule(entry: Mapping[str, Any], place: str) -> Rule:
    citation = _object(entry.get("citation"), f"{place}.citation")
    minutes = entry.get("page_after_minutes", 0)
    if not _is_number(minutes) or not 0 <= minutes <= 24 * 60:
        raise Invalid("bad-number", "minutes from 0 to 1440 are expected", place=f"{place}.page_after_minutes")
    priority = _priority(entry, place)
    if minutes and priority is not Priority.URGENT:
        raise Invalid("no-grace", "only an urgent page may wait", place=f"{place}.page_after_minutes")
    return Rule(
        id=_text(entry, "id", place),
        version=_text(entry, "version", place),
        cause=_text(entry, "cause", place),
        priority=priority,
        reason=_text(entry, "reason", place),
        when=COMPILERS[_read_when(entry, place)](entry["when"]),
        citation=_text(citation, "text", f"{place}.citation"),
        url=_text(citation, "url", f"{place}.citation") if "url" in citation else None,
        licence=_text(entry, "licence", place),
        page_after=timedelta(minutes=minutes),
        reply=_text(entry, "reply", place) if "reply" in entry else None,
    )


def _read_when(entry: Mapping[str, Any], place: str) -> str:
    """Check a condition's fields, and return which test it is."""
    place = f"{place}.when"
    when = _object(entry.get("when"), place)
    test = str(when.get("test"))
    if test not in _FIELDS:
        raise Invalid("unknown-test", f"test is one of {', '.join(_FIELDS)}", place=f"{place}.test")
    needed, allowed = _FIELDS[test]
    for name in sorted(needed - when.keys()):
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}")
    for name in sorted(when.keys() - needed - allowed - {"test"}):
        raise Invalid("unknown-field", "this field is not known here", place=f"{place}.{name}")
    for name in sorted(_NUMBERS & when.keys()):
        if not _is_number(when[name]):
            raise Invalid("bad-number", "a number is expected", place=f"{place}.{name}")
    if "op" in when and when["op"] not in OPERATORS:
        raise Invalid("unknown-op", f"op is one of {' '.join(OPERATORS)}", place=f"{place}.op")
    if test == "answer" and ("equals" in when) == ("at_least" in when):
        raise Invalid("missing", "an answer is compared by equals or by at_least", place=place)
    if test not in ("answer", "reported") and ("code" in when) == ("code_prefix" in when):
        raise Invalid("missing", "a rule is about one code or one code_prefix", place=f"{place}.code")
    for name in ("code", "code_prefix", "unit", "link_id"):
        if name in when:
            _text(when, name, place)
    if "also" in when:
        _check_also(_object(when["also"], f"{place}.also"), f"{place}.also")
    return test


def _check_also(also: Mapping[str, Any], place: str) -> None:
    _text(also, "name", place)
    if not _is_number(also.get("divide_by")) or also["divide_by"] <= 0 or also.get("digits") not in range(5):
        raise Invalid("bad-number", "divide_by and digits are expected", place=place)


def _note_unit(when: Mapping[str, Any], units: dict[str, str], place: str) -> None:
    code, unit = when.get("code"), when.get("unit")
    if code and unit and units.setdefault(code, unit) != unit:
        raise Invalid("two-units", "one code is judged in two units", place=place)


def _priority(entry: Mapping[str, Any], place: str) -> Priority:
    try:
        return Priority(str(entry.get("priority")))
    except ValueError:
        raise Invalid("unknown-priority", "routine, urgent, asap or stat", place=f"{place}.priority") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _object(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid("not-an-object", "an object is missing here", place=place)
    return value


def _text(holder: Mapping[str, Any], name: str, place: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}".lstrip("."))
    return value
