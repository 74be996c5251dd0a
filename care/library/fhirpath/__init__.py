"""FHIRPath for forms: `compile_expression` gives the function that the domain is given.

The grammar, the parser and FHIR's types are fhirpathpy's. Its evaluator is not used: it evaluates the argument of
where() twice, so that time doubles with each nesting, reads the clock, cannot be stopped, and takes milliseconds. The
tree is compiled once into functions instead, and every evaluation has a number of steps after which it fails
(docs/fhirpath.md has the differences from other engines).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from care.domain.questionnaire.tools import ExpressionFailed
from care.errors import Invalid
from care.library.fhirpath import reach
from care.library.fhirpath.compiling import compiled
from care.library.fhirpath.nodes import MAX_STEPS, Scope, Step, Values, failed, nodes_of
from care.library.fhirpath.parsing import Tree, parse, unreadable

__all__ = ["CompiledExpression", "compile_expression"]


class CompiledExpression:
    """One FHIRPath expression, ready to be evaluated by any number of threads at once.

    `link_ids` and `names` as the domain's Expression says; `timed`: it asks for the time, and so the same answers may
    give another value tomorrow.
    """

    __slots__ = ("_step", "link_ids", "names", "text", "timed")

    def __init__(self, text: str, tree: Tree, step: Step) -> None:
        self.text = text
        self.link_ids = reach.link_ids(tree)
        self.names = reach.names(tree)
        self.timed = reach.timed(tree)
        self._step = step

    def __call__(self, context: Any, environment: Mapping[str, Any]) -> list[Any]:
        """Its value on a JSON node (dicts, as FHIR writes them), as JSON values; dates are texts.

        `environment`: %variables by name, each a JSON value, a list, or a result of another expression; `now`, an aware
        datetime, is the clock of now() and today(). Raises ExpressionFailed.
        """
        root = nodes_of(context)
        try:
            return Values(self._step(Scope(root, environment, [MAX_STEPS]), root))
        except ExpressionFailed:
            raise
        except Invalid as error:  # a regular expression that was put together while evaluating
            raise failed(error.code, error.message) from None
        except (ArithmeticError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise failed("not-computable", "it meets something that it cannot compute with") from error


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> CompiledExpression:
    """A FHIRPath text, ready to be evaluated. Raises Invalid("unreadable-expression") saying what cannot be read."""
    tree = parse(text)
    try:
        return CompiledExpression(text, tree, compiled(tree))
    except RecursionError:
        raise unreadable("it is nested too deeply") from None
