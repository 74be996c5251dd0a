"""Assessment: what one bundle says about one report, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contribution:
    """One feature's share of the logit; the shares and the base add up to it."""

    name: str
    label: Mapping[str, str]
    value: float | None
    logit: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """A score in [0, 1] with its band, its contributions and what it was computed from.

    `priority` is what the band means for the worklist (None: nothing to do). `inputs` are the ids of the measures used.
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
