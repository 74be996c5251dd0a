"""Departures: whether a queued message may leave now, decided when it leaves and not when it was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from care.domain.codes import Purpose
from care.domain.delivery import never_waits
from care.domain.reminder import QuietHours
from care.services.claiming import Leaving

QUIET = QuietHours()
IN_LINE, ADDRESS_FAILED = "in-line", "address-failed"
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


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Not by its own address; `reason` is a code. It goes another way, or a nurse hears of it."""

    reason: str


Decision = Go | Later | Stop | Elsewhere
_GO = Go()


def departure(message: Leaving, now: datetime) -> Decision:
    """Consent and opt-out bind all but the exempt purposes; quiet hours and closed tasks concern reminders only.

    Messages to one address leave in order, but what is urgent waits for nothing. An address that has failed since the
    message was queued is nobody's decision, so that what it was for is not silently dropped with it.
    """
    purpose = Purpose(message.purpose)
    needs_consent = purpose.needs_consent and message.patient_id is not None
    if needs_consent and message.contact == "opted-out":
        return Stop("opted-out")
    if needs_consent and message.consent_id is None:
        return Stop("no-consent")
    if purpose is Purpose.REMINDER and message.patient_id is not None:
        if message.task_id is not None and not message.task_open:
            return Stop("task-closed")
        over = QUIET.over_at(now, message.time_zone)
        if over > now:
            return Later(over)
    if message.behind is not None and not never_waits(purpose, message.priority):
        return Later(max(message.behind, now + _SOON), IN_LINE)
    if needs_consent and message.contact not in (None, "active"):
        return Elsewhere(ADDRESS_FAILED)
    return _GO
