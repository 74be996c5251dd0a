"""What reading an answer gives: an Answer, or Unclear with what was understood. Never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal["not-understood", "out-of-range", "ambiguous", "several"]


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why a text is no answer, and what was understood of it (shown to the patient who wrote it, never logged)."""

    reason: Reason
    understood: str = ""


NOT_UNDERSTOOD = Unclear("not-understood")
