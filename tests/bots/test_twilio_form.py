"""A provider's form is read as Python's own library reads it, only faster."""

from __future__ import annotations

from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.twilio_form import read_form

PIECES = st.text(st.sampled_from("aZ0+&=%;ñ血 \x00\n") | st.characters(codec="utf-8"), max_size=8)
ESCAPED = st.lists(st.tuples(PIECES, PIECES), max_size=6).map(
    lambda pairs: "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
)


def by_the_library(body: str) -> dict[str, list[str]] | None:
    try:
        return parse_qs(body, keep_blank_values=True, errors="strict", max_num_fields=500, separator="&")
    except ValueError:
        return None


def by_us(body: str) -> dict[str, list[str]] | None:
    try:
        return read_form(body)
    except ValueError:
        return None


@given(ESCAPED | st.text(st.sampled_from("ab=&+%0F血"), max_size=30))
def test_every_body_is_read_as_the_library_reads_it(body: str) -> None:
    assert by_us(body) == by_the_library(body)


@pytest.mark.parametrize("fields", [1, 499, 500, 501, 5_000])
def test_too_many_fields_are_refused_where_the_library_refuses_them(fields: int) -> None:
    body = "&".join(["a=1"] * fields)
    assert by_us(body) == by_the_library(body)
