"""Words that must not wait: the alarm and the reply, the same whether they came by text or in the app's report."""

from __future__ import annotations

from care.domain.codes import Priority
from care.domain.screen import Verdict
from care.domain.triage import Alarm
from care.library import crisis_line, emergency_number, texts

CAUSES = {"crisis": "crisis", "red_flag": "red-flag"}  # a verdict's kind: the cause of the escalation


def is_alarming(verdict: Verdict) -> bool:
    """Whether a person is called at once."""
    return verdict.kind in CAUSES


def alarm_of(verdict: Verdict) -> Alarm:
    """As the reviewed word list says (stat), by it alone: no model and no consent is asked."""
    priority = verdict.priority or Priority.STAT
    return Alarm(CAUSES[verdict.kind], priority, "red-flag-text", {}, "rule", origin=verdict.matched)


def emergency_words(verdict: Verdict, language: str, country: str) -> str:
    """What is said at once, with the country's emergency number, and in a crisis its help line where there is one."""
    if verdict.kind == "crisis":
        return crisis_words(language, country)
    return texts().say(language, "emergency-reply", number=emergency_number(country))


def crisis_words(language: str, country: str) -> str:
    """What is said to somebody who may harm themselves: the emergency number, and the help line where there is one."""
    number, line = emergency_number(country), crisis_line(country)
    if line is None:
        return texts().say(language, "crisis-reply", number=number)
    return texts().say(language, "crisis-reply-line", number=number, line=line)
