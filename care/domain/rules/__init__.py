"""Rules: reviewed thresholds and trends, kept as data, compiled once, judged with every instrument switched off."""

from care.domain.rules.history import History
from care.domain.rules.judging import judge
from care.domain.rules.reading import read_rules
from care.domain.rules.thresholds import Override, check_override, with_thresholds
from care.domain.rules.values import Finding, Report, Rule, RuleSet
from care.domain.rules.vectors import read_vector

__all__ = [
    "Finding",
    "History",
    "Override",
    "Report",
    "Rule",
    "RuleSet",
    "check_override",
    "judge",
    "read_rules",
    "read_vector",
    "with_thresholds",
]
