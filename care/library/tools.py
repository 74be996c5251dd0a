"""What reading a questionnaire is given from outside: FHIRPath, bounded regular expressions, the value sets at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from care.domain.questionnaire.tools import Expression, Tools
from care.library.value_sets import value_set


@cache
def questionnaire_tools() -> Tools:
    """The real tools, with which a form is read to be run."""
    return Tools(compile=_compiled, value_set=value_set, pattern=_pattern)


def _compiled(text: str) -> Expression:
    from care.library.fhirpath import compile_expression  # its grammar takes a moment to load, and most forms need none

    return compile_expression(text)


def _pattern(text: str) -> Callable[[str], bool]:
    from care.library.patterns import pattern

    return pattern(text)
