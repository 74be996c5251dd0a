"""Bands: what a risk means for the worklist, and what holds it there when it wavers at an edge."""

from __future__ import annotations

from collections.abc import Sequence

from risk.manifest import Band


def band_of(bands: Sequence[Band], risk: float, before: str | None = None, clear_factor: float = 1.0) -> Band:
    """The highest band that the risk reaches; bands rise from 0.

    A band that the patient was in `before` is left only when the risk falls below `clear_factor` times its edge, and
    so is every band below it: each edge that was crossed has to be cleared.
    """
    held = next((place for place, band in enumerate(bands) if band.id == before), 0)
    for place in range(len(bands) - 1, 0, -1):
        edge = bands[place].ge
        if risk >= (edge * clear_factor if place <= held else edge):
            return bands[place]
    return bands[0]
