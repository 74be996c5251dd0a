"""What reading a questionnaire is given from outside: FHIRPath, bounded regular expressions, the value sets at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from care.domain.questionnaire.tools import NO_TOOLS, Tools
from care.library.value_sets import value_set


@cache
def questionnaire_tools() -> Tools:
    """The real tools. FHIRPath and the regex engine are loaded when they are first asked for; most forms need none."""
    return Tools(
        compile=lambda text: _of("care.library.fhirpath", "compile_expression", NO_TOOLS.compile)(text),
        value_set=value_set,
        pattern=lambda text: _of("care.library.patterns", "pattern", NO_TOOLS.pattern)(text),
    )


@cache
def _of(module: str, name: str, without: Callable[[str], Any]) -> Callable[[str], Any]:
    try:
        found: Callable[[str], Any] = getattr(import_module(module), name)
    except ModuleNotFoundError:
        return without
    return found
