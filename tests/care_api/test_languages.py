"""A page speaks the reader's language: what they chose, else what their browser asks for, else English."""

from __future__ import annotations

import pytest
from flask import Flask

from care_api.languages import COOKIE, reader_language


@pytest.mark.parametrize(
    "asked, kept, spoken",
    [
        ("", "", "en"),
        ("de", "", "en"),
        ("de, zh-TW;q=0.5", "", "zh-Hant"),
        ("zh-CN, en;q=0.5", "", "zh-Hans"),
        ("zh-Hant-HK", "", "zh-Hant"),
        ("en-GB, zh;q=0.9", "", "en"),
        ("en", "zh-Hans", "zh-Hans"),
        ("zh", "nonsense", "zh-Hans"),
    ],
)
def test_the_choice_comes_before_the_browser_and_english_comes_last(asked: str, kept: str, spoken: str) -> None:
    headers = {"Accept-Language": asked} | ({"Cookie": f"{COOKIE}={kept}"} if kept else {})
    with Flask("words").test_request_context("/", headers=headers):
        assert reader_language() == spoken


def test_where_nobody_reads_it_is_english() -> None:
    assert reader_language() == "en"
