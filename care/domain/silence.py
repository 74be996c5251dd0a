"""Silence: why a patient who is asked says nothing. Each has one cause, and each cause one thing to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

IN_A_ROW = 2
LONG = timedelta(days=3)
"""Ours: one question that nobody answers is a busy day; two in a row, or three days, is a silence. Who is asked once a
week is silent three days after the question ran out, and not a fortnight later."""


class Cause(StrEnum):
    """Why it is quiet, in the order in which they are asked: the first that holds is the one that is shown."""

    OPTED_OUT = "opted-out"
    ADMITTED = "admitted"
    PAUSED = "paused"
    REFUSED = "refused"
    PARTIAL = "partial"
    UNDELIVERED = "undelivered"
    UNREAD = "unread"


MARKED = (Cause.ADMITTED, Cause.REFUSED)
"""What only a person can know, and writes down."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one patient. `missed` questions in a row ran out, the first at `since`, after the last report.

    `reachable`: there is an address that may be written to. `withdrawn`: the last decision was a no, or an address was
    opted out. `resting`: every plan is on hold. `begun`: something came since, but no whole report. `arrived`:
    something that we sent since is not known to have been lost.
    """

    missed: int
    since: datetime | None
    reachable: bool
    withdrawn: bool
    resting: bool
    marked: Cause | None
    begun: bool
    arrived: bool


def cause_of(known: Known, now: datetime) -> Cause | None:
    """Why this patient is silent at `now`; None for one who is not."""
    if known.withdrawn and not known.reachable:
        return Cause.OPTED_OUT
    if known.marked is Cause.ADMITTED:
        return Cause.ADMITTED
    if known.resting:
        return Cause.PAUSED
    if known.marked is Cause.REFUSED:
        return Cause.REFUSED
    if known.since is None or (known.missed < IN_A_ROW and now - known.since < LONG):
        return None
    if known.begun:
        return Cause.PARTIAL
    return Cause.UNREAD if known.arrived else Cause.UNDELIVERED
