"""Departures: whether a queued message may leave now, decided when it leaves and not when it was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from care.domain.codes import Purpose
from care.domain.delivery import never_waits
from care.domain.reminder import QuietHours
from care.services.claiming import Leaving

QUIET = QuietHours()
IN_LINE = "in-line"
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: the patient sleeps (no reason), or `reason` says what it waits for."""

    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Not any more; `reason` is a code."""

    reason: str


Decision = Go | Later | Stop
_GO = Go()


def departure(message: Leaving, now: datetime) -> Decision:
    """Consent and opt-out bind all but the exempt purposes; quiet hours and closed tasks concern reminders only.

    Messages to one address leave in order, but what is urgent waits for nothing.
    """
    purpose = Purpose(message.purpose)
    if purpose.needs_consent and message.patient_id is not None:
        if message.contact not in (None, "active"):
            return Stop("opted-out" if message.contact == "opted-out" else "address-failed")
        if message.consent_id is None:
            return Stop("no-consent")
    if purpose is Purpose.REMINDER and message.patient_id is not None:
        if message.task_id is not None and not message.task_open:
            return Stop("task-closed")
        over = QUIET.over_at(now, message.time_zone)
        if over > now:
            return Later(over)
    if message.behind is not None and not never_waits(purpose, message.priority):
        return Later(max(message.behind, now + _SOON), IN_LINE)
    return _GO
