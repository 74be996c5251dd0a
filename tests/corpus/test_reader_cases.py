"""The reader of answers, on cases that others wrote: how many are read, and that hardly any is read wrongly."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import shared
from tests.corpus.reader_cases import Row, counts, printed, share, table

WANTED = {
    ("yes/no", "English"): 0.92,
    ("yes/no", "Chinese"): 0.92,
    ("number", "English"): 0.90,
    ("number", "Chinese"): 0.95,
    ("measure", "English"): 0.90,
    ("measure", "Chinese"): 0.90,
    ("date", "English"): 0.85,
    ("date", "Chinese"): 0.85,
}
WRONG_AT_MOST = 0.01


@pytest.fixture(scope="module")
def found() -> dict[Row, Counter[str]]:
    folder = shared("recognizers").parent
    shared("vectors/chat_inputs.json")
    print("\n" + printed(table(folder)))
    return counts(folder)


@pytest.mark.parametrize(("kind", "language"), WANTED, ids=" ".join)
def test_as_many_cases_are_right_as_wanted(found: dict[Row, Counter[str]], kind: str, language: str) -> None:
    assert share(found[kind, language, "all"], "right") >= WANTED[kind, language]


def test_hardly_any_value_is_wrong_in_any_suite(found: dict[Row, Counter[str]]) -> None:
    wrong = {row: share(tally, "wrong") for row, tally in found.items()}
    assert {row: rate for row, rate in wrong.items() if rate > WRONG_AT_MOST} == {}
