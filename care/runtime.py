"""Runtime: what the outside gives us. The only reader of the wall clock; a test passes another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from care.domain.assessment import Assessment, Before, Reads
from care.domain.measure import Measure
from care.domain.message import Channel
from care.domain.pacing import Pacer
from care.errors import AssessmentError
from care.lines import Lines

Assess = Callable[[str, Sequence[Measure], datetime, str, Before | None], Assessment]


def wall_clock() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def no_model(
    bundle_id: str, measures: Sequence[Measure], at: datetime, zone: str, before: Before | None = None
) -> Assessment:
    """The assess of a Care without instruments: every bundle abstains, so that a nurse looks."""
    raise AssessmentError("no-instrument", "no model is installed")


def reads_a_month(bundle: str) -> Reads | None:
    """What a bundle reads, where nobody says: the thirty days that the rules read too."""
    return None


@dataclass(frozen=True)
class Runtime:
    """The clock (aware UTC), the channels by name, and a way to ask a model.

    `assess(bundle, measures, at, zone, before)`: `bundle` is its id, or the hash of one version; `before` is what the
    same bundle said of the patient last. `reads(bundle)` says what it wants to be given.

    `lines` are the threads that call providers; they live as long as the process. `pacer` is where senders with a rate
    are counted; None is the database. `data_locations` are the countries (ISO 3166 alpha-2) whose providers may be
    given patients' messages; none named is all.
    """

    clock: Callable[[], datetime] = wall_clock
    channels: Mapping[str, Channel] = field(default_factory=dict)
    assess: Assess = no_model
    reads: Callable[[str], Reads | None] = reads_a_month
    public_url: str = "http://127.0.0.1:8000"
    lines: Lines = field(default_factory=Lines)
    pacer: Pacer | None = None
    data_locations: frozenset[str] = frozenset()

    def now(self) -> datetime:
        """The time now, aware, in UTC."""
        return self.clock()
