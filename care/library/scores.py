"""The scores that ship: one definition an instrument, each under a licence that allows it."""

from __future__ import annotations

from functools import cache

from care.domain.questionnaire.read_scores import read_scores
from care.domain.questionnaire.scores import ScoreDefinition
from care.library.files import documents


@cache
def scores() -> tuple[ScoreDefinition, ...]:
    """All definitions, by name of their file."""
    return tuple(read_scores(found) for _, found in documents("scores"))
