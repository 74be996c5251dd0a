"""Triage: from what rules and a model say of one report to alarms, or to nothing.

Rules speak first and alone can be urgent enough to wake somebody; a model may only add. What could not be judged is
an alarm too: doubt goes to a nurse, never to silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from care.domain.assessment import Assessment
from care.domain.codes import Priority
from care.domain.rules import Finding

Source = Literal["rule", "model", "doubt"]

# A forecast and a doubt are for today's worklist; somebody is paged when nobody has looked by then.
MODEL_GRACE = timedelta(hours=4)
DOUBT_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One reason for a person to look. `origin` is the rule or the bundle that gave it, `refs` what it rests on.

    `cooldown`: how long after somebody closed it the same, no worse, is not raised again (None: the usual time for what
    is routine, no time at all for the rest). `level` says how bad it is by its own rule; more is worse.
    """

    cause: str
    priority: Priority
    reason: str
    params: Mapping[str, str | float]
    source: Source
    page_after: timedelta = timedelta()
    reply: str | None = None
    origin: str = ""
    refs: tuple[str, ...] = field(default=())
    cooldown: timedelta | None = None
    level: float | None = None


def triage(findings: Sequence[Finding], assessment: Assessment | None, failure: str | None) -> tuple[Alarm, ...]:
    """The alarms of a report, the most pressing first; () is: nothing to do.

    `assessment` is None when the protocol has no model; `failure` is why the model that it has could not speak, which
    makes an urgent alarm of its own whatever the rules say.
    """
    alarms = [_by_rule(finding) for finding in findings]
    if assessment is not None and failure is None:
        failure, by_model = _by_model(assessment)
        alarms += by_model
    if failure is not None and not any(alarm.cause == "unscorable" for alarm in alarms):
        alarms.append(_by_doubt(failure))
    return tuple(sorted(alarms, key=lambda alarm: (-alarm.priority.rank, alarm.page_after)))


def _by_rule(finding: Finding) -> Alarm:
    doubt = finding.cause == "unscorable"
    return Alarm(
        cause=finding.cause,
        priority=finding.priority,
        reason=finding.reason,
        params=finding.params,
        source="doubt" if doubt else "rule",
        page_after=DOUBT_GRACE if doubt else finding.page_after,
        reply=finding.reply,
        origin=f"{finding.rule_id}|{finding.rule_version}",
        refs=finding.refs,
        cooldown=finding.cooldown,
        level=finding.level,
    )


def _by_model(assessment: Assessment) -> tuple[str | None, list[Alarm]]:
    """(why it cannot be used, its alarm if its band asks for one)."""
    if not (math.isfinite(assessment.risk) and 0 <= assessment.risk <= 1):
        return "risk-out-of-range", []
    if assessment.priority is None:
        return None, []
    try:
        priority = Priority(assessment.priority)
    except ValueError:
        return "unknown-priority", []
    alarm = Alarm(
        cause=assessment.bundle_id,
        priority=priority,
        reason=f"model.{assessment.bundle_id}",
        params={"percent": f"{100 * assessment.risk:.0f}", "band": assessment.band},
        source="model",
        page_after=MODEL_GRACE if priority is Priority.URGENT else timedelta(),
        origin=f"{assessment.bundle_id}|{assessment.bundle_sha256}",
        refs=assessment.inputs,
    )
    return None, [alarm]


def _by_doubt(failure: str) -> Alarm:
    return Alarm(
        cause="unscorable",
        priority=Priority.URGENT,
        reason="unscorable",
        params={"failure": failure},
        source="doubt",
        page_after=DOUBT_GRACE,
    )
