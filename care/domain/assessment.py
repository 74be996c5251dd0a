"""Assessment: what one bundle says about one report, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple


class Contribution(NamedTuple):
    """One feature's share of the logit; the shares and the base add up to it.

    `value` is in the feature's own unit, None without data. `filled` is how it came about where nothing was measured in
    time: carry_forward (then `value` is the older one), typical, impute or model_native. A plain tuple, since a batch
    makes many.
    """

    name: str
    label: Mapping[str, str]
    value: float | None
    logit: float
    filled: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """A feature for which the patient's own older value stands, and the civil day it is from."""

    name: str
    day: date


@dataclass(frozen=True, slots=True)
class Change:
    """What a feature was at the last assessment by the same bundle and what it is now; `logit` is the difference that
    this makes."""

    name: str
    label: Mapping[str, str]
    before: float | None
    now: float | None
    logit: float


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The smallest change of one feature that would leave the band, tried on the model itself: with `value` instead of
    `now` and all else as it is, the band would be `band`."""

    name: str
    label: Mapping[str, str]
    now: float
    value: float
    band: str


@dataclass(frozen=True, slots=True)
class HeadSays:
    """What another head of the same model says: shown beside, and never the reason for a place on the worklist."""

    name: str
    risk: float
    band: str


@dataclass(frozen=True, slots=True)
class Before:
    """The patient's last assessment by the same bundle: its band, and each feature's value and share of the logit."""

    bundle_sha256: str
    band: str
    values: Mapping[str, float | None] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A score in [0, 1] with its band, its contributions and what it was computed from.

    `priority` is what the band means for the worklist (None: nothing to do). `inputs` are the ids of the measures used.
    `vector` is what the graph read (float32; NaN: it was told nothing). `previous_band` is that of the last assessment,
    where it could hold this one in its band.
    """

    bundle_id: str
    bundle_sha256: str
    risk: float
    band: str
    priority: str | None
    contributions: tuple[Contribution, ...]
    missing: tuple[str, ...]
    vector: tuple[float, ...]
    inputs: tuple[str, ...]
    carried: tuple[Carried, ...] = ()
    changes: tuple[Change, ...] = ()
    counterfactual: Counterfactual | None = None
    heads: tuple[HeadSays, ...] = ()
    previous_band: str | None = None

    def before(self) -> Before:
        """This assessment as the last one of the next."""
        return Before(
            self.bundle_sha256,
            self.band,
            {share.name: share.value for share in self.contributions},
            {share.name: share.logit for share in self.contributions},
        )


@dataclass(frozen=True, slots=True)
class Reads:
    """What a bundle reads of a patient: `codes` of the last `days`, and `ever` whatever their age (attributes)."""

    codes: frozenset[str]
    days: int
    ever: frozenset[str] = frozenset()
