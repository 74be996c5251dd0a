"""What reading a questionnaire is given from outside, because the domain is standard library only.

FHIRPath, the bounded regex engine and the value sets that are at hand come in as functions; NO_TOOLS refuses by name
whatever needs one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from care.errors import CareError, Invalid

PREFIX, SUFFIX, PART = "\x1e^", "\x1e$", "\x1e*"
"""Before a text, in Expression.link_ids: every linkId that begins with it, ends with it, or has it inside."""


class ExpressionFailed(CareError):
    """An expression gave an error, took too long or gave what its place cannot take. It has no value then."""

    status = 422
    title = "The expression gave no value"


class Expression(Protocol):
    """A compiled FHIRPath expression.

    `link_ids`: the linkIds that it names literally, when it looks at nothing else but what lies below them and below
    its own item (None: it may look at anything); those that it only describes stand as PREFIX, SUFFIX or PART and a
    text. `names`: the %variables that it uses.
    """

    @property
    def link_ids(self) -> frozenset[str] | None:
        """The linkIds that its value can depend on, or None."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the %variables in it, without the sign."""

    def __call__(self, context: Any, environment: Mapping[str, Any]) -> list[Any]:
        """Its value on a JSON node of a QuestionnaireResponse. Raises ExpressionFailed."""


@dataclass(frozen=True, slots=True)
class ValueSet:
    """An expanded value set: concepts with system, code, display and designations, in order."""

    url: str
    version: str = ""
    concepts: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Tools:
    """The three things that reading needs from outside.

    `compile`: a FHIRPath text to an Expression; raises Invalid("unreadable-expression"). `value_set`: by canonical,
    with or without |version; None when it is not at hand. `pattern`: a regular expression to a function that says
    whether it matches a whole text, in bounded time; raises Invalid("unreadable-regex").
    """

    compile: Callable[[str], Expression]
    value_set: Callable[[str], ValueSet | None]
    pattern: Callable[[str], Callable[[str], bool]]


def _no_expressions(text: str) -> Expression:
    raise Invalid("unreadable-expression", "expressions cannot be read here")


def _no_patterns(text: str) -> Callable[[str], bool]:
    raise Invalid("unreadable-regex", "regular expressions cannot be read here")


NO_TOOLS = Tools(_no_expressions, lambda _: None, _no_patterns)
