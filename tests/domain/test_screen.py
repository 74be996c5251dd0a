"""The safety screen: a table that a clinician can read, and bounds on what any text may cost."""

from __future__ import annotations

import csv
import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import Priority
from care.domain.screen import Verdict, read_lexicon, screen
from care.errors import Invalid
from care.library import lexicon
from care.library.files import ROOT, document
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
        text = phrase.replace("*", "").replace("…", " ")
        found = screen(text, lexicon())
        assert found.kind in ("crisis", "red_flag"), phrase
        assert found.kind == "crisis" or verdict.kind == "red_flag", phrase


FILES = {name: document(ROOT / "lexicons" / f"{name}.json") for name in ("crisis", "red-flags", "commands")}
ENTRIES = {
    entry["id"]: (entry, entry.get("kind", file.get("kind"))) for file in FILES.values() for entry in file["entries"]
}
TABLE = document(ROOT / "lexicons" / "characters.json")
TO_SIMPLIFIED = dict(zip("".join(TABLE["traditional"]), "".join(TABLE["simplified"]), strict=True))
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


def _spelled(text: str) -> str:
    """Every word with a space between its letters."""
    return "  ".join(" ".join(word) for word in text.split(" "))


OTHER_SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "full width": lambda text: text.translate(WIDE),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "zero-width characters inside": lambda text: "\u200b".join(text),
    "soft hyphens and marks of direction": lambda text: "\u202b" + "\u00ad".join(text) + "\u202c",
    "emoji around it": lambda text: f"😭😭{text}💔",
    "emoji for spaces": lambda text: text.replace(" ", "😢"),
    "dots for spaces": lambda text: text.replace(" ", "... "),
    "lines for spaces": lambda text: text.replace(" ", "\n"),
    "curly quotes": lambda text: text.replace("'", "\u2019"),
    "simplified": lambda text: "".join(TO_SIMPLIFIED.get(char, char) for char in text),
}


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
@pytest.mark.parametrize("entry_id", [name for name, (_, kind) in ENTRIES.items() if kind in ("crisis", "red_flag")])
def test_what_patients_would_write_is_heard_however_it_is_spelled(entry_id: str, spelling: str) -> None:
    entry, kind = ENTRIES[entry_id]
    spelled = [OTHER_SPELLINGS[spelling](text) for text in entry["positives"]]
    heard = {text: screen(text, lexicon()) for text in spelled}
    assert {text: (one.kind, one.matched) for text, one in heard.items()} == dict.fromkeys(heard, (kind, entry_id))


@pytest.mark.parametrize("entry_id", [name for name, (_, kind) in ENTRIES.items() if kind in ("crisis", "red_flag")])
def test_harmless_texts_and_idioms_call_nobody(entry_id: str) -> None:
    heard = {text: screen(text, lexicon()).matched for text in ENTRIES[entry_id][0]["negatives"]}
    assert heard == dict.fromkeys(heard, "")


@pytest.mark.parametrize(
    "entry_id", [name for name, (_, kind) in ENTRIES.items() if kind not in ("crisis", "red_flag")]
)
def test_a_command_is_the_whole_text_and_nothing_longer(entry_id: str) -> None:
    entry, kind = ENTRIES[entry_id]
    assert {text: screen(text, lexicon()).kind for text in entry["positives"]} == dict.fromkeys(
        entry["positives"], kind
    )
    assert all(screen(text, lexicon()).kind != kind for text in entry["negatives"])


def test_every_entry_that_calls_a_person_is_tried_in_every_language() -> None:
    for name, (entry, kind) in ENTRIES.items():
        if kind in ("crisis", "red_flag"):
            tried = entry["positives"]
            assert any(text.isascii() for text in tried), name
            assert sum(not text.isascii() for text in tried) >= 4, name
            assert len(entry["negatives"]) >= 2, name


@pytest.mark.parametrize("entry_id", [name for name, (_, kind) in ENTRIES.items() if kind in ("crisis", "red_flag")])
def test_letters_that_are_spelled_out_hide_nothing(entry_id: str) -> None:
    entry, _ = ENTRIES[entry_id]
    plain = {one.replace("'", "").replace(" ", ""): one for one in entry["any"]}
    phrases = [
        one for squeezed, one in plain.items() if squeezed.isascii() and squeezed.isalpha() and len(squeezed) > 7
    ]
    found = {one: screen(_spelled(one.replace("'", "")), lexicon()).kind for one in phrases}
    assert set(found.values()) <= {"crisis", "red_flag"}, [one for one, kind in found.items() if kind == "none"]


@pytest.mark.parametrize("entry_id", [name for name, (_, kind) in ENTRIES.items() if kind in ("crisis", "red_flag")])
def test_a_chinese_phrase_is_heard_in_either_script(entry_id: str) -> None:
    entry, _ = ENTRIES[entry_id]
    for phrase in (one.replace("…", "") for one in entry["any"] if not one.isascii()):
        simplified = "".join(TO_SIMPLIFIED.get(char, char) for char in phrase)
        assert screen(simplified, lexicon()).kind in ("crisis", "red_flag"), simplified


def test_a_denied_crisis_and_somebody_elses_are_still_heard() -> None:
    for text in ("I do not want to die", "my sister wants to die", "我没有想自杀", "我媽媽說她不想活了", "佢話想死"):
        assert screen(text, lexicon()).kind == "crisis", text


def test_a_stem_is_long_enough_to_be_told_from_other_words() -> None:
    with pytest.raises(Invalid, match="letters or more"):
        read_lexicon([_lexicon(kind="crisis", priority="stat", any=["ab*"])])


def test_what_is_denied_right_before_the_words_after_a_gap_is_none_and_only_once() -> None:
    for text in ("the pain is not severe", "胸口不痛", "fever but no chills"):
        assert screen(text, lexicon()).kind == "none", text
    for text in (
        "no, the pain is severe",
        "the pain is not not severe",
        "fever, no appetite, chills",
        "沒有別的，胸口好痛",
    ):
        assert screen(text, lexicon()).kind == "red_flag", text


def test_what_is_bled_is_told_from_what_is_measured() -> None:
    for text in ("blood pressure 120, stool normal", "大便正常，血壓130/80", "有痰，血氧98", "大便正常，明天驗血"):
        assert screen(text, lexicon()).kind == "none", text
    for text in ("blood pressure 90 and blood in my stool", "血壓90，大便有血", "流血壓不住", "blood sugar crashing"):
        assert screen(text, lexicon()).kind == "red_flag", text


def test_a_compound_without_brackets_is_refused() -> None:
    for word in ("blood pressure", "high [blood] pressure"):
        with pytest.raises(Invalid, match="in brackets"):
            read_lexicon([_lexicon(kind="red_flag", priority="stat") | {"compounds": [word]}])


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
