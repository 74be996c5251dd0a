"""Silence: one cause a patient, the first that holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from care.domain.silence import LONG, Cause, Known, cause_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
YESTERDAY = NOON - timedelta(days=1)
ANSWERS = Known(0, None, True, False, False, None, False, False)
QUIET = replace(ANSWERS, missed=2, since=YESTERDAY, arrived=True)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, Cause.UNREAD),
        ({"arrived": False}, Cause.UNDELIVERED),
        ({"begun": True}, Cause.PARTIAL),
        ({"begun": True, "arrived": False}, Cause.PARTIAL),
        ({"marked": Cause.REFUSED, "begun": True}, Cause.REFUSED),
        ({"resting": True, "marked": Cause.REFUSED}, Cause.PAUSED),
        ({"marked": Cause.ADMITTED, "resting": True}, Cause.ADMITTED),
        ({"withdrawn": True, "reachable": False, "marked": Cause.ADMITTED}, Cause.OPTED_OUT),
        ({"withdrawn": True}, Cause.UNREAD),  # one of two addresses still works
        ({"reachable": False, "arrived": False}, Cause.UNDELIVERED),  # dead, but nobody said no
        ({"missed": 1}, None),
        ({"missed": 1, "since": NOON - LONG}, Cause.UNREAD),
        ({"missed": 0, "since": None}, None),
    ],
)
def test_the_first_cause_that_holds_is_shown(changes: dict[str, Any], cause: Cause | None) -> None:
    assert cause_of(replace(QUIET, **changes), NOON) is cause


def test_who_answers_is_not_silent_unless_they_rest_or_may_not_be_written_to() -> None:
    assert cause_of(ANSWERS, NOON) is None
    assert cause_of(replace(ANSWERS, resting=True), NOON) is Cause.PAUSED
    assert cause_of(replace(ANSWERS, withdrawn=True, reachable=False), NOON) is Cause.OPTED_OUT
