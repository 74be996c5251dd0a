"""Diary lines: each becomes the text its patient would have sent, at the time at which it was true."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from care.errors import Invalid
from scheduler.diary import read_lines
from scheduler.replay import split
from tests.conftest import shared

HEADER = "patient,date,time,code,value\n"


def diary(folder: Path, *lines: str) -> Path:
    path = folder / "diary.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(HEADER + "".join(line + "\n" for line in lines))
    return path


def test_a_line_is_a_text_with_the_raw_date_time_and_value(tmp_path: Path):
    (line,) = read_lines(diary(tmp_path, "1,04-21-1991,9:09,58,100"))
    assert line.text == "04-21-1991 9:09 glucose before breakfast 100"
    assert line.at == datetime(1991, 4, 21, 13, 10, tzinfo=UTC)


def test_an_unknown_code_is_sent_as_it_stands(tmp_path: Path):
    (line,) = read_lines(diary(tmp_path, "1,04-21-1991,9:09,56,116"))
    assert line.text == "04-21-1991 9:09 code 56 116"
    assert not line.is_glucose


def test_a_line_without_a_date_is_sent_right_after_the_one_before(tmp_path: Path):
    lines = read_lines(diary(tmp_path, "1,04-21-1991,9:09,58,100", "1,,138,33,3A", "1,04-22-1991,9:00,58,90"))
    assert [line.number for line in lines] == [1, 2, 3]
    assert not lines[1].dated
    assert lines[1].below is None


def test_lo_is_a_low_and_hi_is_not(tmp_path: Path):
    lines = read_lines(
        diary(tmp_path, "1,04-21-1991,9:09,58,0Lo", "1,04-21-1991,9:10,58,0Hi", "1,04-21-1991,9:11,33,5")
    )
    assert [line.below for line in lines] == [20.0, None, None]


def test_a_file_of_another_format_is_refused(tmp_path: Path):
    path = tmp_path / "other.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("a,b\n1,2\n")
    with pytest.raises(Invalid):
        read_lines(path)


def test_the_real_diary_has_the_lines_and_the_lows_that_its_description_names():
    lines = read_lines(shared("data/diabetes_diary_aim94/diary_raw.csv.gz"))
    assert len(lines) == 29_330
    assert len({line.patient for line in lines}) == 70
    lows = Counter("lo" in line.value.lower() for line in lines if line.below is not None and line.below < 70)
    assert lows == {False: 1_574, True: 1}


def test_wards_share_no_patient_and_lose_no_line():
    lines = read_lines(shared("data/diabetes_diary_aim94/diary_raw.csv.gz"))
    parts = split(lines, 2)
    assert sorted(line.number for part in parts for line in part) == list(range(1, 29_331))
    assert {line.patient for line in parts[0]}.isdisjoint({line.patient for line in parts[1]})
    assert max(len(part) for part in parts) < 0.6 * len(lines)
