from __future__ import annotations

import pytest

from core.paper import BOLD, LATIN, SIMPLIFIED, TRADITIONAL, fold, ready, runs, width


@pytest.fixture(autouse=True)
def fonts() -> None:
    ready()


def test_each_character_is_in_a_font_that_has_it():
    assert list(runs("Mrs 陈, 72", "zh-Hans")) == [(LATIN, "Mrs "), (SIMPLIFIED, "陈"), (LATIN, ", 72")]
    assert list(runs("陳生", "zh-Hant")) == [(TRADITIONAL, "陳生")]
    assert list(runs("kg", "en", bold=True)) == [(BOLD, "kg")]


def test_a_simplified_character_on_a_traditional_page_is_shown_all_the_same():
    assert list(runs("陳门", "zh-Hant")) == [(TRADITIONAL, "陳"), (SIMPLIFIED, "门")]


def test_what_no_font_has_is_a_question_mark_and_no_box():
    assert list(runs("ok 👍", "en")) == [(LATIN, "ok ?")]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
@pytest.mark.parametrize(
    "words", ["word " * 80, "血糖很低，请马上复查。" * 20, "x" * 500, "混合 mixed " * 30, "👍" * 200]
)
def test_no_line_is_wider_than_its_room_and_there_are_never_more_than_may_be(words: str, language: str):
    lines = fold(words, 200, 3, 9, language)
    assert len(lines) == 3
    assert all(width(line, 9, language) <= 200 for line in lines)
    assert lines[-1].endswith("…")


def test_what_fits_is_said_whole():
    assert fold("Weight up\nby 2 kg", 200, 1, 9, "en") == ["Weight up by 2 kg"]
    assert fold("", 200, 1, 9, "en") == [""]
