"""What a reply is read as, type by type: a table that a clinician can read, and what holds for every text."""

from __future__ import annotations

import csv
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.questionnaire import Answer, Item, Option, Unclear, read_answer
from care.domain.questionnaire.amounts import number_text
from care.domain.questionnaire.lines import TYPES, language_of, read_line

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # of a Friday in Shanghai
ROWS = list(csv.DictReader((Path(__file__).parent.parent / "cases" / "reader.csv").open(encoding="utf-8")))
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
PIECES = """
    1 2 12 38.5 -7 1,200 5'10 20:15 2026-11-20 3/4 120/80 one two hundred and a half point not no yes ok maybe ago days
    last next friday march the of at pm am kg lbs cm °c degrees % between or
    一 二 三 十 百 万 两 半 点 度 斤 公斤 米 天 前 月 日 号 年 上 下 周 五 昨天 晚上 今 有 没有
    是 不 分之 又 多 第 个 冇 係
    ① 1️⃣ ½ ３８
"""
WORDS = re.findall(r"\S+", PIECES)
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.lists(st.sampled_from(WORDS), max_size=14).map(
    "".join
)
texts |= st.text(max_size=60)


def asked(kind: str, question: str = "") -> Item:
    options = (Option("coding", {"": "Red"}, code="r"), Option("coding", {"": "Green"}, code="g"))
    return Item("q", kind, {"": question}, options=options if "choice" in kind else ())


def shown(answer: Answer | Unclear) -> str:
    if isinstance(answer, Unclear):
        return f"ask {answer.reason}"
    if answer.type == "boolean":
        return "yes" if answer.value else "no"
    return number_text(answer.value) if isinstance(answer.value, float) else str(answer.value)


def read(kind: str, text: str, language: str = "en", question: str = "") -> Answer | Unclear:
    return read_answer(asked(kind, question), text, language, NOON, "Asia/Shanghai")


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['question']} {row['text']}" for row in ROWS])
def test_a_reply_is_read_as_the_table_says(row: dict[str, str]) -> None:
    assert shown(read(row["type"], row["text"], row["language"], row["question"])) == row["answer"]


@pytest.mark.parametrize(
    ("units", "text", "language", "wanted"),
    [
        (("cm",), "5'10", "en", (5.833333, "[ft_i]")),
        (("cm",), "5 ft 10 in", "en", (5.833333, "[ft_i]")),
        (("cm",), "一米七五", "zh-Hans", (1.75, "m")),
        (("cm",), "1米75", "zh-Hans", (1.75, "m")),
        (("cm",), "米七", "zh-Hant", (1.7, "m")),
        (("cm",), "175", "en", (175, "cm")),
        (("kg",), "11 stone 4", "en", (11.285714, "[stone_av]")),
        (("kg",), "154 lbs", "en", (154, "[lb_av]")),
        (("kg",), "六十五公斤半", "zh-Hans", (65.5, "kg")),
        (("kg",), "130斤", "zh-Hans", (130, "jin")),
        (("kg",), "130斤", "zh-Hant", "ambiguous"),
        (("kg",), "3斤5两", "zh-Hans", (3.5, "jin")),
        (("kg", "[lb_av]"), "150", "en", "ambiguous"),
        (("kg",), "38.5°C", "en", "not-understood"),
        (("kg",), "lost 3 kg", "en", "not-understood"),
        (("kg",), "70 kg or 72 kg", "en", "several"),
        (("Cel", "[degF]"), "三十八度五", "zh-Hans", "ambiguous"),
        (("Cel",), "三十八度五", "zh-Hans", (38.5, "Cel")),
        (("Cel",), "101F", "en", (101, "[degF]")),
        (("mmol/L", "mg/dL"), "5.6 mmol/l", "en", (5.6, "mmol/L")),
        (("mg/dL",), "104 mg", "en", (104, "mg/dL")),
        (("mL",), "2l", "en", (2, "L")),
        (("L",), "半升", "zh-Hans", (0.5, "L")),
        (("a",), "2 years 3 months", "en", (2.25, "a")),
        (("h",), "an hour and a half", "en", (1.5, "h")),
        (("h",), "1.5 hrs", "en", (1.5, "h")),
        (("%",), "百分之九十五", "zh-Hans", (95, "%")),
        ((), "3k", "en", "ambiguous"),
        ((), "scp-173m", "en", "ambiguous"),
        ((), "2 in april", "en", "not-understood"),
    ],
)
def test_an_amount_is_read_with_its_unit(
    units: tuple[str, ...], text: str, language: str, wanted: tuple[float, str] | str
) -> None:
    answer = read_answer(Item("q", "quantity", {}, units=units), text, language, NOON, "UTC")
    if isinstance(answer, Unclear):
        assert answer.reason == wanted
    else:
        assert (pytest.approx(answer.value), answer.code) == wanted


@pytest.mark.parametrize(
    ("question", "text", "wanted"),
    [
        ("Your systolic pressure?", "120/80", 120),
        ("Your diastolic pressure?", "120 over 80", 80),
        ("低压是多少？", "120/80", 80),
        ("收缩压", "血压120-80", 120),
        ("Your blood pressure?", "120/80", None),
        ("Your systolic pressure?", "80/120", None),
        ("Your systolic pressure?", "128", 128),
    ],
)
def test_one_side_of_a_pressure_is_taken_where_it_is_asked(question: str, text: str, wanted: int | None) -> None:
    answer = read_answer(Item("q", "quantity", {"": question}, units=("mm[Hg]",)), text, "en", NOON, "UTC")
    assert (answer.value if isinstance(answer, Answer) else None) == wanted


def test_an_open_choice_takes_an_option_or_keeps_the_words() -> None:
    assert read("open-choice", "2") == Answer("coding", "Green", code="g")
    assert read("open-choice", "grean") == Answer("coding", "Green", code="g")
    assert read("open-choice", " Turquoise, mostly ") == Answer("string", "Turquoise, mostly")
    assert shown(read("open-choice", "7")) == "ask out-of-range"


@pytest.mark.parametrize("text", ["the second one", "2nd", "第二个", "b", "②", "GREEN", "second"])
def test_an_option_is_chosen_by_its_place_too(text: str) -> None:
    assert shown(read("choice", text)) == "Green"


@given(st.sampled_from(TYPES), texts, st.sampled_from(LANGUAGES))
def test_no_text_breaks_the_reader(kind: str, text: str, language: str) -> None:
    answer = read(kind, text, language)
    assert isinstance(answer, Answer | Unclear)
    line = read_line({"id": 1, "type": kind, "text": text, "language": language}, NOON)
    assert line["status"] in ("value", "ask", "human")
    assert (line["value"] is None) == (line["status"] != "value")


@given(st.sampled_from([kind for kind in TYPES if kind not in ("string", "text", "url", "open-choice")]), texts)
def test_full_width_letters_and_digits_are_read_like_plain_ones(kind: str, text: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) if "0" <= char <= "9" or "a" <= char <= "z" else char for char in text)
    assert shown(read(kind, wide)) == shown(read(kind, text))


@given(
    st.sampled_from(["boolean", "integer", "decimal", "date", "dateTime", "time", "choice"]),
    texts,
    st.sampled_from([".", "。", "!", "！", " ", "~", "…"]),
)
def test_a_last_mark_changes_nothing(kind: str, text: str, mark: str) -> None:
    assert shown(read(kind, text + mark)) == shown(read(kind, text))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "piece",
    ["一", "1 ", "1,111", "one ", "one hundred and ", "三分之", "万", "1万", "- ", "1/1/", "jan ", "1月", "5 ft "],
)
def test_any_text_is_done_with_in_bounded_time(kind: str, piece: str) -> None:
    started = time.perf_counter()
    read(kind, piece * (4000 // len(piece)))
    read(kind, piece * (200 // len(piece)))
    assert time.perf_counter() - started < 0.5


def test_lines_that_no_machine_can_read_are_for_a_human() -> None:
    for line in (
        None,
        7,
        [],
        {},
        {"type": "decimal"},
        {"type": "planet", "text": "3"},
        {"type": "decimal", "text": "5" * 9000},
    ):
        assert read_line(line, NOON)["status"] == "human"
    assert read_line({"type": "date", "text": "today", "reference": "soon"}, NOON)["status"] == "human"


def test_a_line_is_read_at_its_own_moment() -> None:
    line = {
        "id": "a",
        "type": "dateTime",
        "language": "zh",
        "text": "昨天晚上8点",
        "reference": "2013-02-12T04:30:00-02:00",
    }
    assert read_line(line, NOON)["value"] == "2013-02-11T20:00:00-02:00"


def test_options_of_a_line_are_texts_or_codings() -> None:
    line = {"id": 1, "type": "choice", "text": "2", "options": ["red", {"code": "g", "display": "Green"}]}
    assert read_line(line, NOON) == {"id": 1, "status": "value", "value": "Green", "unit": "", "code": "g"}
    many = read_line({"type": "choice", "text": "1, 2", "repeats": True, "options": ["red", "green", "blue"]}, NOON)
    assert many["value"] == ["red", "green"]


def test_languages_go_by_many_names() -> None:
    assert [language_of(name) for name in (None, "en-GB", "Chinese", "zh_CN", "zh-HK", "yue", "繁體中文")] == [
        *("en", "en", "zh-Hans", "zh-Hans", "zh-Hant", "zh-Hant", "zh-Hant")
    ]
