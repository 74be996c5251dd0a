"""Evidence: why a case is a case. The rules with their sources, the model's contributions, and each report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from care.domain.explanation import shown
from care.domain.measure import Measure
from care.records.attachments import Attachment
from care.records.communications import Communication, CommunicationContent
from care.records.definitions import Definition
from care.records.escalations import Escalation, EscalationLink
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment

UP, DOWN = 3, 1
HALF = 100.0  # the longest bar in a drawing that is 200 wide
MUCH, SOME = 0.6, 0.25  # of the longest bar


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed rule as a reader wants it: its name and version, the set it is in, and what it rests on."""

    id: str
    version: str
    rule_set: str
    citation: str
    url: str
    licence: str


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired in a case: its last finding, as `reason` and `params`. `own`: with this patient's numbers."""

    rule: Rule
    reason: str
    params: Mapping[str, Any]
    own: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One feature's share. `x` and `width` draw it in a box 200 wide whose middle is 'no effect'."""

    label: str
    value: str
    logit: float
    x: float
    width: float

    @property
    def raises(self) -> bool:
        """Whether it speaks for more risk."""
        return self.logit > 0

    @property
    def size(self) -> str:
        """How long the bar is, for those who don't see it: much, some or little."""
        return "much" if self.width > HALF * MUCH else "some" if self.width > HALF * SOME else "little"


@dataclass(frozen=True)
class Joined:
    """One report or text that raised or joined the case."""

    link: EscalationLink
    response: QuestionnaireResponse | None
    measures: Sequence[Measure]
    message: Communication | None
    content: CommunicationContent | None
    assessment: RiskAssessment | None
    media: Sequence[Attachment] = ()

    @property
    def at(self) -> datetime:
        """When it was true."""
        return self.link.at


def fired(case: Escalation, joined: Sequence[Joined], rule_sets: Sequence[Definition]) -> list[Fired]:
    """Every rule that fired in the reports of a case, once each: those of the case's own cause first."""
    found: dict[str, tuple[bool, Fired]] = {}
    rules = list(_rules(rule_sets))
    for item in joined:
        for one in item.assessment.findings if item.assessment else ():
            rule = _named(rules, str(one["rule"]), str(one["version"]))
            if rule is not None:
                own_numbers = ";" in str(one["version"])
                said = Fired(rule, str(one["reason"]), one["params"], own_numbers)
                found[rule.id] = (one["cause"] == case.cause, said)
    if case.source == "rule" and not any(own for own, _ in found.values()):
        rule = next((rule for key, rule in reversed(rules) if key == case.reason), None)
        if rule is not None:
            found[rule.id] = (True, Fired(rule, case.reason, case.params, own=False))
    return [said for _, said in sorted(found.values(), key=lambda pair: not pair[0])]


def _rules(rule_sets: Sequence[Definition]) -> Iterator[tuple[str, Rule]]:
    """(the key of its reason, the rule) of every published version, the newest last."""
    for known in sorted(rule_sets, key=lambda one: one.published_at):
        document = known.document
        for rule in document.get("rules", ()):
            cited = rule.get("citation") or {}
            about = cited if isinstance(cited, Mapping) else {"text": cited}
            made = Rule(
                str(rule["id"]),
                str(rule.get("version", "")),
                f"{document.get('title') or document.get('id', '')} {document.get('version', '')}".strip(),
                str(about.get("text", "")),
                str(about.get("url", "")),
                str(rule.get("licence", "")),
            )
            yield str(rule.get("reason") or rule["id"]), made


def _named(rules: Sequence[tuple[str, Rule]], name: str, version: str) -> Rule | None:
    """The rule as it was when it fired, else as it is now."""
    same = [rule for _, rule in rules if rule.id == name]
    as_it_was = [rule for rule in same if rule.version == version.partition(";")[0]]
    return next(reversed(as_it_was or same), None)


def bars(contributions: Sequence[Mapping[str, Any]], language: str = "en") -> list[Bar]:
    """The three strongest shares that raise the risk and the strongest that lowers it, as bars on one scale."""
    rising = sorted((c for c in contributions if c["logit"] > 0), key=lambda c: -c["logit"])[:UP]
    falling = sorted((c for c in contributions if c["logit"] < 0), key=lambda c: c["logit"])[:DOWN]
    drawn = rising + falling
    longest = max((abs(c["logit"]) for c in drawn), default=0.0)
    found = []
    for share in drawn:
        width = round(abs(share["logit"]) / longest * HALF, 1)
        label = share.get("label") or {}
        words = label.get(language) or label.get("en") if isinstance(label, Mapping) else label
        value = "" if share.get("value") is None else shown(share["value"])
        x = HALF if share["logit"] > 0 else HALF - width
        found.append(Bar(str(words or share["name"]), value, share["logit"], x, width))
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """A value of the newest report beside the one before it; `before` is None where there was none."""

    now: Measure
    before: Measure | None
    change: str


def compared(measures: Sequence[Measure], before: Mapping[str, Measure]) -> list[Compared]:
    """Each value with what it was last time; the change is told where both are in one unit."""
    found = []
    for one in measures:
        last = before.get(one.code)
        if one.value is None:
            continue
        told = ""
        if last is not None and last.value is not None and last.unit == one.unit:
            told = f"{round(one.value - last.value, 2):+g}".replace("-", "−") if one.value != last.value else "±0"
        found.append(Compared(one, last, told))
    return found
