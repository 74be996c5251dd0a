"""Segments: what a text costs as an SMS, and how it is made to fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.segments import Room, clipped, divided, folded, size
from tests.conftest import shared

ROOMS = st.builds(Room, st.integers(1, 400), st.integers(0, 3))
TEXTS = st.text(st.sampled_from("ab .\n,好。🤒€’é"), max_size=400)


def test_every_reference_text_is_counted_as_three_calculators_do() -> None:
    vectors = json.loads(shared("vectors/sms_segments.json").read_text(encoding="utf-8"))["vectors"]
    assert len(vectors) == 32
    for one in vectors:
        found = size(one["text"])
        assert (found.encoding, found.segments) == (one["encoding"], one["segments"]), one["id"]
        if found.encoding == "GSM-7":
            assert found.units == one["number_of_characters"], one["id"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Don’t wait – call", "Don't wait - call"),
        ("38.5 °C", "38.5 C"),
        ("•\u00a0one…", "- one..."),
        ("“ok” ≥ 3", '"ok" >= 3'),
        ("体温 38.5 °C – 好", "体温 38.5 °C – 好"),
        ("Ça va, François", "Ça va, François"),
    ],
)
def test_typography_is_folded_only_where_that_makes_a_text_plain(text: str, plain: str) -> None:
    assert folded(text) == plain


def test_a_surrogate_pair_is_never_cut_in_two() -> None:
    assert size("好" * 66 + "🤒" + "好" * 66).segments == 3
    assert size("好" * 65 + "🤒" + "好" * 67).segments == 2


@given(TEXTS, ROOMS)
def test_a_divided_text_fits_and_loses_only_space(text: str, room: Room) -> None:
    parts = divided(text, room)
    assert all(room.holds(part) for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(TEXTS, st.builds(Room, st.integers(4, 400), st.integers(0, 3)))
def test_a_clipped_text_fits_and_begins_as_before(text: str, room: Room) -> None:
    short = clipped(text, room)
    assert room.holds(short)
    assert short == text or text.startswith(short.removesuffix("...").removesuffix("…"))


@given(st.text(max_size=300))
def test_folding_never_costs_a_part_more(text: str) -> None:
    assert size(folded(text)).segments <= size(text).segments


def test_a_text_is_divided_between_sentences() -> None:
    text = "First sentence here. " * 12 + "\n\nAnd the end."
    first, *_ = divided(text, Room(160))
    assert first.endswith("here.")


BYTES = st.builds(Room, st.integers(4, 400), st.just(0), st.integers(8, 300))


@given(TEXTS, BYTES)
def test_where_bytes_are_counted_each_part_fits_in_them(text: str, room: Room) -> None:
    parts = divided(text, room)
    assert all(len(part.encode("utf-8", "surrogatepass")) <= room.bytes for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert len(clipped(text, room).encode("utf-8", "surrogatepass")) <= room.bytes


def test_a_chinese_text_is_three_bytes_a_character() -> None:
    assert Room(1600, 0, 2048).holds("汉" * 682)
    assert not Room(1600, 0, 2048).holds("汉" * 683)
