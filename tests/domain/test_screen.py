"""The safety screen: a table that a clinician can read, and bounds on what any text may cost."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import Priority
from care.domain.screen import Verdict, read_lexicon, screen
from care.errors import Invalid
from care.library import lexicon
from tests.conftest import shared

CASES = Path(__file__).parent.parent / "cases" / "screen.csv"
ROWS = list(csv.DictReader(CASES.open(encoding="utf-8")))


@pytest.mark.parametrize("row", ROWS, ids=[row["text"] or "empty" for row in ROWS])
def test_the_screen_says_what_the_table_says(row: dict[str, str]) -> None:
    verdict = screen(row["text"], lexicon())
    assert (verdict.kind, verdict.matched) == (row["verdict"], row["entry"])


def test_the_shared_keyword_vectors_hold() -> None:
    keywords = json.loads(shared("vectors/chat_inputs.json").read_text(encoding="utf-8"))["keywords"]
    for name, wanted in (("stop_en", "stop"), ("stop_zh", "stop"), ("start", "start"), ("help", "help")):
        assert {text: screen(text, lexicon()).kind for text in keywords[name]} == dict.fromkeys(keywords[name], wanted)
    assert all(screen(text, lexicon()).kind not in ("stop", "start", "help") for text in keywords["not_stop"])


def test_crisis_and_red_flags_have_a_priority_and_commands_have_none() -> None:
    assert screen("kill myself", lexicon()).priority is Priority.STAT
    assert screen("fever and chills", lexicon()).priority is Priority.ASAP
    assert screen("STOP", lexicon()).priority is None


def test_the_most_pressing_red_flag_wins() -> None:
    assert screen("fever and chills, and I can't breathe", lexicon()).matched == "red.breathing"


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_around_it_hides_a_crisis(before: str, after: str) -> None:
    assert screen(f"{before} kill myself {after}", lexicon()).kind == "crisis"


@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert isinstance(screen(text, lexicon()), Verdict)


@pytest.mark.parametrize(
    "unit",
    ["x", "!", "chest pain ok ", "pain ", "胸口汉", "\ufdfa", "\x00", "😀", "chest…", "a\u0301"],
    ids=lambda unit: repr(unit),
)
def test_a_megabyte_is_screened_in_bounded_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    screen(text, lexicon())
    assert time.perf_counter() - started < 5


def test_danger_at_either_end_of_a_very_long_text_is_seen() -> None:
    assert screen("kill myself " + "x " * 500_000, lexicon()).kind == "crisis"
    assert screen("x " * 500_000 + "kill myself", lexicon()).kind == "crisis"


def test_every_phrase_of_the_lexicon_is_found_by_its_own_words() -> None:
    for phrase, verdict in lexicon().verdicts.items():
        text = phrase.replace("*", "").replace("…", "")
        found = screen(text, lexicon())
        assert found.kind in ("crisis", "red_flag"), phrase
        assert found.kind == "crisis" or verdict.kind == "red_flag", phrase


def _lexicon(**entry: object) -> dict[str, object]:
    return {"id": "t", "version": "1", "entries": [{"id": "e", "any": ["word"], **entry}]}


def test_a_lexicon_with_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Invalid, match="unknown kind"):
        read_lexicon([_lexicon(kind="maybe")])


def test_a_lexicon_entry_without_words_is_refused() -> None:
    with pytest.raises(Invalid, match="no words"):
        read_lexicon([_lexicon(kind="stop", any=[])])


def test_a_phrase_cannot_mean_two_things() -> None:
    with pytest.raises(Invalid, match="two meanings"):
        read_lexicon([_lexicon(kind="stop"), _lexicon(kind="start")])
