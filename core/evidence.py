"""Evidence: why a case is a case. The rule with its source, or the model's contributions in words, and each report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from care.domain.measure import Measure
from care.records.attachments import Attachment
from care.records.communications import Communication, CommunicationContent
from care.records.definitions import Definition
from care.records.escalations import EscalationLink
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment

UP, DOWN = 3, 1
HALF = 100.0  # the longest bar in a drawing that is 200 wide


@dataclass(frozen=True)
class Rule:
    """One reviewed rule as a reader wants it: its name and version, the set it is in, and what it rests on."""

    id: str
    version: str
    rule_set: str
    citation: str
    url: str


@dataclass(frozen=True)
class Bar:
    """One feature's share. `x` and `width` draw it in a box 200 wide whose middle is 'no effect'."""

    label: str
    value: float | None
    logit: float
    x: float
    width: float

    @property
    def raises(self) -> bool:
        """Whether it speaks for more risk."""
        return self.logit > 0

    @property
    def words(self) -> str:
        """What the bar says, for those who don't see it."""
        size = "much" if self.width > HALF * 0.6 else "somewhat" if self.width > HALF * 0.25 else "a little"
        return f"{'raises' if self.raises else 'lowers'} the risk {size}"


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


def rules_by_reason(rule_sets: Sequence[Definition]) -> dict[str, Rule]:
    """The published rules by the key of their reason; of several versions the newest."""
    found = {}
    for known in rule_sets:
        document = known.document
        for rule in document.get("rules", ()):
            cited = rule.get("citation") or {}
            found[str(rule.get("reason") or rule["id"])] = Rule(
                str(rule["id"]),
                f"{document.get('version', '')} ({rule.get('version', '')})",
                str(document.get("title") or document.get("id", "")),
                str(cited.get("text", "")) if isinstance(cited, Mapping) else str(cited),
                str(cited.get("url", "")) if isinstance(cited, Mapping) else "",
            )
    return found


def bars(contributions: Sequence[Mapping[str, Any]], language: str = "en") -> list[Bar]:
    """The three strongest shares that raise the risk and the strongest that lowers it, as bars on one scale."""
    rising = sorted((c for c in contributions if c["logit"] > 0), key=lambda c: -c["logit"])[:UP]
    falling = sorted((c for c in contributions if c["logit"] < 0), key=lambda c: c["logit"])[:DOWN]
    shown = rising + falling
    longest = max((abs(c["logit"]) for c in shown), default=0.0)
    found = []
    for share in shown:
        width = round(abs(share["logit"]) / longest * HALF, 1)
        label = share.get("label") or {}
        words = label.get(language) or label.get("en") if isinstance(label, Mapping) else label
        x = HALF if share["logit"] > 0 else HALF - width
        found.append(Bar(str(words or share["name"]), share.get("value"), share["logit"], x, width))
    return found
