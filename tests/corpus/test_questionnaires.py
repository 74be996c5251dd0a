"""Every questionnaire of the corpus is read or refused by name, and what runs is the same by text and as a form."""

from __future__ import annotations

import pytest

from care_api.commands.questionnaires import NOT_RUN
from tests.conftest import shared
from tests.corpus.questionnaires import FOLDER, figures, files, printed, tried

PARTS = 8  # so that the processes of a test run share them
DEFECTS = frozenset(
    (
        *("choice-without-options", "duplicate-link-id", "no-link-id", "unknown-question", "circular-enable-when"),
        *("unreadable-expression", "unreadable-regex", "unknown-operator", "unknown-type", "no-items"),
        *("not-a-questionnaire", "malformed-enable-when", "malformed-option", "malformed-item", "malformed-bound"),
    )
)
"""What a form is sent back for: the reasons that may stand beside those of NOT_RUN."""


def test_every_file_runs_or_is_refused_by_name_and_enough_of_them_run() -> None:
    found = figures([tried(path, ()) for path in files(shared(FOLDER).parent.parent)])
    print("\n" + printed(found))
    assert found["crashed"] == 0
    assert set(found["reasons"]) <= NOT_RUN | DEFECTS
    assert found["share_that_runs"] >= 0.75
    assert found["share_with_value_sets_at_hand"] >= 0.88


@pytest.mark.parametrize("part", range(PARTS))
def test_the_same_chance_gives_the_same_valid_response_by_text_and_as_a_form(part: int) -> None:
    outcomes = [tried(path, (0, 1)) for path in files(shared(FOLDER).parent.parent)[part::PARTS]]
    assert {one.name: one.wrong for one in outcomes if one.wrong} == {}
    assert sum(one.asked for one in outcomes) > 0
