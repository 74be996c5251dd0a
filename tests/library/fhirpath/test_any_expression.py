"""Whatever the expression and the response: a value that is JSON, or an error of ours; nothing else, and soon."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from care.domain.questionnaire.tools import ExpressionFailed
from care.library.fhirpath import compile_expression
from care.library.fhirpath.functions import FUNCTIONS
from care.library.fhirpath.macros import MACROS
from tests.library.fhirpath.test_expressions import FORM, NOW, RESPONSE

LEAVES = [
    *("1", "-2", "2.5", "'a'", "'(a'", "'2020-01-01'", "true", "{}", "4 days", "5 'mg'", "1000000000000"),
    *("@2020-01-31", "@2020-01-01T10:00:00Z", "@T10:30", "@2015T", "$this", "$index", "$total"),
    *("item", "linkId", "answer", "item.answer.value", "%resource", "%context", "%questionnaire", "%nobody"),
]
OPERATORS = [
    *("+", "-", "*", "/", "div", "mod", "&", "=", "!=", "~", "!~", "<", ">", "<=", ">=", "|"),
    *("and", "or", "xor", "implies", "in", "contains"),
]
NAMES = ["item", "answer", "value", "linkId", "code", "unit", "extension", "nothing"]
CALLS = sorted({**FUNCTIONS, **MACROS})
TYPES = ("ofType", "is", "as")


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions out of smaller ones."""

    @st.composite
    def call(draw: Any) -> str:
        name = draw(st.sampled_from(CALLS))
        least, most = (MACROS.get(name) or FUNCTIONS[name])[1:3]
        count = draw(st.integers(least, min(most, 3)))
        one = st.sampled_from(["string", "Quantity", "System.Integer", "date"]) if name in TYPES else inner
        return f"({draw(inner)}).{name}({', '.join(draw(one) for _ in range(count))})"

    joined = st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda parts: f"({' '.join(parts)})")
    child = st.tuples(inner, st.sampled_from(NAMES)).map(lambda parts: f"({parts[0]}).{parts[1]}")
    index = st.tuples(inner, inner).map(lambda parts: f"({parts[0]})[{parts[1]}]")
    return call() | call() | joined | child | index


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), grown, max_leaves=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*NAMES, "valueInteger", "valueQuantity", "valueDate", "_value"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


def evaluated(text: str, response: Any) -> None:
    environment = {"resource": response, "questionnaire": FORM, "now": NOW}
    with contextlib.suppress(ExpressionFailed):
        json.dumps(compile_expression(text)(response, environment))


@given(EXPRESSIONS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_expression_on_a_response(text: str) -> None:
    evaluated(text, RESPONSE)


@given(EXPRESSIONS, JSON)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_expression_on_what_is_no_response(text: str, response: Any) -> None:
    evaluated(text, response)
