"""From a rule set document to compiled rules, refusing what cannot be judged as written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from care.domain.codes import Priority
from care.domain.rules.checking import NUMBERS, a_text, an_object, check, is_number, parts_of, units_in
from care.domain.rules.compound import compiled, needed
from care.domain.rules.values import Rule, RuleSet
from care.errors import Invalid

LONGEST_REST = 31 * 24  # hours
_NO_LEVEL = frozenset({"any", "all", "reported", "answer", "missing"})


def read_rules(document: Mapping[str, Any], sha256: str = "") -> RuleSet:
    """A rule set as a value; `sha256` is the content hash that is stored with everything it decides.

    Raises Invalid(code, message, place=...), `place` reads like 'rules[2].when.op'.
    """
    top = an_object(document, "")
    entries = top.get("rules")
    if not isinstance(entries, list) or not entries:
        raise Invalid("no-rules", "a rule set has at least one rule", place="rules")
    rules: list[Rule] = []
    units: dict[str, str] = {}
    ids: set[str] = set()
    for position, entry in enumerate(entries):
        place = f"rules[{position}]"
        rule = _read_rule(an_object(entry, place), place)
        if rule.id in ids:
            raise Invalid("duplicate-rule", "two rules have the same id", place=f"{place}.id")
        ids.add(rule.id)
        for code, unit in units_in(rule.written):
            if units.setdefault(code, unit) != unit:
                raise Invalid("two-units", "one code is judged in two units", place=f"{place}.when.unit")
        rules.append(rule)
    return RuleSet(
        id=a_text(top, "id", ""),
        url=a_text(top, "url", ""),
        version=a_text(top, "version", ""),
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
    citation = an_object(entry.get("citation"), f"{place}.citation")
    priority = _priority(entry, place)
    minutes = _grace(entry, priority, place)
    when = check(entry.get("when"), f"{place}.when")
    return Rule(
        id=a_text(entry, "id", place),
        version=a_text(entry, "version", place),
        cause=a_text(entry, "cause", place),
        priority=priority,
        reason=a_text(entry, "reason", place),
        when=compiled(when),
        citation=a_text(citation, "text", f"{place}.citation"),
        url=a_text(citation, "url", f"{place}.citation") if "url" in citation else None,
        licence=a_text(entry, "licence", place),
        page_after=timedelta(minutes=minutes),
        reply=a_text(entry, "reply", place) if "reply" in entry else None,
        cooldown=_cooldown(entry, priority, when, place),
        note=a_text(entry, "note", place) if "note" in entry else "",
        written=when,
        personal=_personal(entry, when, place),
        needs=needed(when),
    )


def _grace(entry: Mapping[str, Any], priority: Priority, place: str) -> float:
    minutes: float = entry.get("page_after_minutes", 0)
    if not is_number(minutes) or not 0 <= minutes <= 24 * 60:
        raise Invalid("bad-number", "minutes from 0 to 1440 are expected", place=f"{place}.page_after_minutes")
    if minutes and priority is not Priority.URGENT:
        raise Invalid("no-grace", "only an urgent page may wait", place=f"{place}.page_after_minutes")
    return minutes


def _cooldown(entry: Mapping[str, Any], priority: Priority, when: Mapping[str, Any], place: str) -> timedelta | None:
    """What is more than urgent is raised each time, whoever has just closed it.

    What is urgent may rest only where it can be told whether it is worse now: one thing measured, not one of many.
    """
    hours = entry.get("cooldown_hours")
    if hours is None:
        return None
    if not is_number(hours) or not 0 <= hours <= LONGEST_REST:
        raise Invalid("bad-number", f"hours from 0 to {LONGEST_REST} are expected", place=f"{place}.cooldown_hours")
    if hours and priority.rank > Priority.URGENT.rank:
        raise Invalid("no-rest", "only routine and urgent may rest", place=f"{place}.cooldown_hours")
    first = when["of"][0] if when["test"] == "all" else when
    if hours and priority is Priority.URGENT and (first["test"] in _NO_LEVEL or "code_prefix" in first):
        raise Invalid("no-level", "more of this could not be told from less", place=f"{place}.cooldown_hours")
    return timedelta(hours=hours)


def _personal(entry: Mapping[str, Any], when: Mapping[str, Any], place: str) -> dict[str, tuple[float, float]]:
    """The numbers that a clinician may set for one patient. The rule's own value lies within each range."""
    listed = an_object(entry.get("personal", {}), f"{place}.personal")
    own = {f"{at}{name}": part[name] for at, part in parts_of(when) for name in NUMBERS & part.keys()}
    found: dict[str, tuple[float, float]] = {}
    for name, ends in listed.items():
        here = f"{place}.personal.{name}"
        if name not in own:
            raise Invalid("unknown-field", "the condition has no such number", place=here)
        if not isinstance(ends, list) or len(ends) != 2 or not all(map(is_number, ends)):
            raise Invalid("bad-number", "the lowest and the highest value are expected", place=here)
        if not ends[0] <= own[name] <= ends[1]:
            raise Invalid("bad-number", "the rule's own value is outside of the range", place=here)
        found[name] = float(ends[0]), float(ends[1])
    return found


def _priority(entry: Mapping[str, Any], place: str) -> Priority:
    try:
        return Priority(str(entry.get("priority")))
    except ValueError:
        raise Invalid("unknown-priority", "routine, urgent, asap or stat", place=f"{place}.priority") from None
