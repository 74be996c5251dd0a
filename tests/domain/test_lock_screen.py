"""What says who a patient is, in words that a phone may show to anybody."""

from __future__ import annotations

import pytest

from care.domain.lock_screen import reveals

WHO = ("Mei-Ling Carter", "H-20481", "1950-03-07")
CHINESE = ("欧阳小明", "0047", None)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("Dear Ms Carter, please call", "name"),
        ("hello Mei, how is the wound?", "name"),
        ("This is for Mei-Ling CARTER.", "name"),
        ("Carter, Mei Ling: your dose", "name"),
        ("Mei\u200b-Ling\u200bCarter", "name"),
        ("your number H 20481", "record_number"),
        ("h-20481", "record_number"),
        ("Ｈ２０４８１", "record_number"),
        ("born 1950-03-07", "birth_date"),
        ("born 7.3.1950", "birth_date"),
        ("born 03/07/50", "birth_date"),
        ("7 March 1950 is right?", "birth_date"),
        ("born Mar 7th, 1950", "birth_date"),
        ("生于1950年3月7日", "birth_date"),
        ("19500307", "birth_date"),
    ],
)
def test_a_name_a_number_and_a_birth_date_are_found(words: str, what: str) -> None:
    assert reveals(words, *WHO) == what


@pytest.mark.parametrize("words", ["欧阳小明您好", "歐陽", "欧女士您好", "您的号码0047", "欧 阳 小 明", "小明阳"])
def test_a_chinese_name_is_found_where_it_is_one(words: str) -> None:
    wanted = {"歐陽": None, "您的号码0047": "record_number", "小明阳": None}
    assert reveals(words, *CHINESE) == wanted.get(words, "name")


@pytest.mark.parametrize(
    "words",
    [
        "Please measure again at 3 pm and write to us.",
        "Take 20 units, not 48",
        "您今天的药吃了吗？",
        "3/7 of the dose",
        "",
    ],
)
def test_what_names_nobody_may_be_sent(words: str) -> None:
    assert reveals(words, *WHO) is None


def test_a_name_that_is_a_word_stops_only_a_greeting() -> None:
    assert reveals("You may eat again, and you will feel better.", "Will May", "12", None) is None
    assert reveals("Dear Will, you may eat", "Will May", "12", None) == "name"
    assert reveals("take 12 units", "Will May", "12", None) is None
