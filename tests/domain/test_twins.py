"""What is made quickly is what the class itself makes."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from care.domain.measure import Measure
from care.domain.twins import maker

VALUES = ("id", "2339-0", 61.0, "mg/dL", datetime(2026, 3, 2, tzinfo=UTC), "<", "")
made, plain = maker(Measure)(*VALUES), Measure(*VALUES)


def test_it_is_the_class_itself() -> None:
    assert type(made) is Measure
    assert (made, hash(made), repr(made)) == (plain, hash(plain), repr(plain))
    assert replace(made, value=62.0) == replace(plain, value=62.0)
    assert copy.deepcopy(made) == plain


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        made.value = 80.0  # type: ignore[misc]


def test_every_field_is_asked_for() -> None:
    with pytest.raises(TypeError):
        maker(Measure)(*VALUES[:-1])
