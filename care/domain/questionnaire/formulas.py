"""What a form computes: expressions as they were written and compiled, constraints, and patterns. Frozen values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from care.domain.questionnaire.tools import Expression


@dataclass(frozen=True, slots=True)
class Formula:
    """One expression of a form.

    `needs`: the linkIds that its value depends on, also through the variables it uses (None: it may be any).
    `steady`: the same answers always give the same value (today() does not). `known`: it uses nothing that is never
    supplied here, such as %patient.
    """

    text: str
    run: Expression = field(compare=False)
    needs: frozenset[str] | None = None
    steady: bool = True
    known: bool = True


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that a whole text must match; `says` is the sentence that the form gives for it."""

    source: str
    matches: Callable[[str], bool] = field(compare=False)
    says: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule of the form over its answers: the formula must not be false. `severity` is error or warning."""

    key: str
    severity: str
    human: str
    formula: Formula
    requirements: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value that the expressions of its item, and of the items below it, may use."""

    name: str
    formula: Formula


@dataclass(frozen=True, slots=True)
class Toggle:
    """Options (keys as Option.key) that may be chosen only while the formula holds."""

    options: frozenset[tuple[str, str, str]]
    formula: Formula
