"""judge(): what the reviewed rules say of one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from care.domain.codes import Priority
from care.domain.measure import Measure
from care.domain.rules.history import History
from care.domain.rules.picking import Plan
from care.domain.rules.values import Finding, Hit, Report, Rule, RuleSet, readable


def judge(
    rule_sets: Sequence[RuleSet], report: Report, history: Sequence[Measure] | History = ()
) -> tuple[Finding, ...]:
    """The findings of a report, the most pressing first; of each cause only the most severe.

    `history` are the patient's earlier measures without the report's own, in any order. A measure in a unit that the
    rules do not read, or without a readable number, is itself a finding: a doubt reaches a nurse. Rules whose inputs
    the report does not have are not tried.
    """
    past = history if isinstance(history, History) else History(history)
    worst: dict[str, Finding] = {}
    for rule_set in rule_sets:
        plan = rule_set.plan(report)
        for finding in () if plan.idle else _findings(rule_set, plan, report, past):
            known = worst.get(finding.cause)
            if known is None or _pressing(finding) > _pressing(known):
                worst[finding.cause] = finding
    return tuple(sorted(worst.values(), key=_pressing, reverse=True)) if worst else ()


def _findings(rule_set: RuleSet, plan: Plan, report: Report, past: History) -> list[Finding]:
    found = []
    units = plan.units
    for measure in report.measures if units else ():
        unit = units.get(measure.code)
        if unit is not None and (measure.unit != unit or not readable(measure)):
            found.append(_doubt(measure, "unknown-unit" if measure.unit != unit else "unreadable-value", rule_set))
    for rule in plan.tried(report, past):
        hit = rule.when(report, past)
        if hit is not None:
            found.append(_finding(rule, hit))
    return found


def _finding(rule: Rule, hit: Hit) -> Finding:
    return Finding(
        rule.id,
        rule.version,
        rule.cause,
        rule.priority,
        rule.reason,
        hit.params,
        hit.refs,
        rule.page_after,
        rule.reply,
        rule.cooldown,
        hit.level,
    )


def _doubt(measure: Measure, failure: str, rule_set: RuleSet) -> Finding:
    params: Mapping[str, str | float] = {"failure": failure}
    return Finding(
        "unscorable", rule_set.version, "unscorable", Priority.URGENT, "unscorable", params, (measure.id,)
    )  # fmt: skip


def _pressing(finding: Finding) -> tuple[int, float]:
    """Sorts by priority, then by how soon somebody is paged."""
    return finding.priority.rank, -finding.page_after.total_seconds()
