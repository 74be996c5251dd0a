"""Rules: reviewed thresholds and trends, kept as data, compiled once, judged with every instrument switched off."""

from care.domain.rules.judging import judge
from care.domain.rules.reading import read_rules
from care.domain.rules.values import Finding, History, Report, Rule, RuleSet

__all__ = ["Finding", "History", "Report", "Rule", "RuleSet", "judge", "read_rules"]
