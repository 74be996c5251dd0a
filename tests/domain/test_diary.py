"""The diary: a table of texts, the whole of a real diary, and what must never be guessed."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.diary import Entry, Refusal, answers_for, read_entry
from care.domain.diary_words import CONTEXTS, KIND_DISPLAY, KINDS
from care.domain.questionnaire import check, measures
from care.errors import Invalid
from tests.conftest import shared
from tests.domain.forms import shipped

NEW_YORK = "America/New_York"
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # 12:00 in New York
CASES = Path(__file__).parent.parent / "cases" / "diary.csv"
ROWS = list(csv.DictReader(CASES.open(encoding="utf-8")))
WORDS = {
    33: "insulin regular",
    34: "insulin nph",
    35: "insulin ultralente",
    48: "glucose",
    57: "glucose",
    58: "glucose before breakfast",
    59: "glucose after breakfast",
    60: "glucose before lunch",
    61: "glucose after lunch",
    62: "glucose before supper",
    63: "glucose after supper",
    64: "glucose before snack",
    65: "low sugar symptoms",
    66: "meal typical",
    67: "meal more than usual",
    68: "meal less than usual",
    69: "exercise typical",
    70: "exercise more than usual",
    71: "exercise less than usual",
    72: "special event",
}


def read(text: str, now: datetime = NOON, zone: str = NEW_YORK) -> Entry | Refusal | None:
    return read_entry(text, now, zone, "en", "mg/dL")


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['text']}|{row['default unit']}" for row in ROWS])
def test_the_diary_reads_what_the_table_says(row: dict[str, str]) -> None:
    found = read_entry(row["text"], NOON, NEW_YORK, row["language"], row["default unit"])
    if row["refused"] == "not an entry":
        assert found is None
    elif row["refused"]:
        assert isinstance(found, Refusal)
        assert found.reason == row["refused"]
    else:
        assert isinstance(found, Entry)
        value = float(row["value"]) if row["value"] else None
        assert (found.kind, found.value, found.unit) == (row["kind"], value, row["unit"])
        assert (found.comparator, found.context) == (row["comparator"], row["context"])


def test_a_whole_real_diary_is_read_as_texts() -> None:
    path = shared("data/diabetes_diary_aim94/diary_raw.csv.gz")
    zone = ZoneInfo(NEW_YORK)
    outcome: Counter[str] = Counter()
    lows, meters = 0, Counter[str]()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            words = WORDS.get(int(row["code"]), f"code {row['code']}")
            try:
                written = datetime.strptime(f"{row['date']} {row['time']}", "%m-%d-%Y %H:%M").replace(tzinfo=zone)
            except ValueError:
                written = datetime(1991, 6, 1, tzinfo=UTC)
            text = f"{row['date']} {row['time']} {words} {row['value']}"
            found = read(text, written.astimezone(UTC) + timedelta(minutes=1))
            outcome[found.reason if isinstance(found, Refusal) else type(found).__name__] += 1
            if isinstance(found, Entry) and found.kind == "glucose":
                assert found.unit == "mg/dL"
                lows += found.value is not None and found.value < 70
                meters[f"{found.comparator}{row['value']}" if found.comparator else ""] += 1
    assert outcome == {"Entry": 29_142, "bad-date": 33, "unknown-kind": 154, "unreadable-value": 1}
    assert lows == 1_574 + 1  # 1,574 numbers below 70 (one of them 0) and one Lo
    assert (meters["<0Lo"], meters[">0Hi"], meters["<000"] + meters["<0"]) == (1, 6, 1)


def test_a_text_without_a_date_is_about_now() -> None:
    found = read("glucose 100")
    assert isinstance(found, Entry)
    assert found.at == NOON


def test_a_time_is_the_patients_own_civil_time() -> None:
    found = read("03-01-2026 9:09 glucose 100")
    assert isinstance(found, Entry)
    assert found.at == datetime(2026, 3, 1, 14, 9, tzinfo=UTC)


def test_a_time_that_does_not_exist_is_the_first_moment_after_the_gap() -> None:
    found = read("03-08-2026 2:30 glucose 100", datetime(2026, 3, 8, 20, tzinfo=UTC))
    assert isinstance(found, Entry)
    assert found.at == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("glucose 100 at 7:30 am", 12),
        ("血糖 5.6 早上7点半", 12),
        ("昨天 20:15 血糖 5.6", 1),
        ("3月1日 9:30 血糖 5.6", 14),
    ],
)
def test_times_are_read_wherever_they_stand(text: str, hour: int) -> None:
    found = read(text)
    assert isinstance(found, Entry)
    assert found.at.hour == hour


def test_a_reading_from_a_year_ago_is_asked_again() -> None:
    assert read("03-01-2025 9:00 glucose 50") == Refusal("bad-date", "2025-03-01")


def test_a_long_text_or_a_nul_is_no_diary_entry() -> None:
    assert read("glucose 58 " * 1000) is None
    assert read("glucose 58\x00") is None


def test_an_unknown_zone_is_refused_and_never_replaced() -> None:
    with pytest.raises(Invalid):
        read("03-01-2026 9:09 glucose 100", zone="Mars/Olympus")


@given(st.text(max_size=220))
def test_any_text_is_an_entry_a_refusal_or_neither(text: str) -> None:
    assert isinstance(read(text), Entry | Refusal | None)


@given(st.integers(0, 1000), st.sampled_from(["", " mg/dL", " before lunch"]))
def test_a_low_is_never_lost(value: int, tail: str) -> None:
    found = read(f"glucose {value}{tail}")
    assert isinstance(found, Entry)
    assert found.value is not None
    assert (found.value < 70) is (value < 70)


def test_the_words_of_the_diary_are_those_of_its_questionnaire() -> None:
    form = shipped()["glucose-diary-entry"]
    shown = {option.code: option.text[""] for option in form.by_id["kind"].options}
    assert shown == KIND_DISPLAY
    assert set(KINDS.values()) == set(shown)
    assert set(CONTEXTS.values()) == {option.code for option in form.by_id["context"].options}


@pytest.mark.parametrize(
    ("text", "code", "value", "unit"),
    [
        ("glucose 5.6 mmol/L before lunch", "2339-0", 100.9019, "mg/dL"),
        ("glucose LO", "2339-0", 20.0, "mg/dL"),
        ("insulin nph 9", "insulin-nph", 9.0, "U"),
        ("insulin 9", "insulin", 9.0, "U"),
        ("low sugar symptoms", "hypoglycaemia-symptom", 1.0, ""),
        ("exercise more than usual", "exercise-more", 1.0, ""),
    ],
)
def test_an_entry_is_a_report_like_any_other(text: str, code: str, value: float, unit: str) -> None:
    form, entry = shipped()["glucose-diary-entry"], read(text)
    assert isinstance(entry, Entry)
    answers = answers_for(entry)
    assert check(form, answers) == []
    (measure,) = measures(form, answers, entry.at, lambda number: f"m{number}")
    assert (measure.code, measure.value, measure.unit, measure.at) == (code, value, unit, entry.at)
    assert (measure.context, measure.comparator) == (entry.context, entry.comparator)
