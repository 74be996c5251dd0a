"""A replay accounts for every line: nothing lost, nothing twice, every low with an escalation."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from risk.registry import load_bundles, make_assess
from scheduler.diary import Line, read_lines
from scheduler.replay import Replay, holds
from tests.conftest import shared
from tests.scheduler.test_diary import diary

ASSESS = make_assess(load_bundles())


@pytest.fixture
def few_days() -> list[Line]:
    """Ten days of two real patients, one of them with entries that can't be read."""
    lines = read_lines(shared("data/diabetes_diary_aim94/diary_raw.csv.gz"))
    chosen = []
    for patient in ("2", "27"):
        mine = [line for line in lines if line.patient == patient]
        chosen += mine[:70]
    return sorted(chosen, key=lambda line: (line.at, line.number))


def test_every_line_of_a_real_diary_is_accounted_for(empty_database: Engine, few_days: list[Line]):
    figures = Replay(empty_database, ASSESS, few_days).run()
    assert figures["entries"] == 140
    assert figures["accepted"] + figures["refused"] == 140
    assert figures["below_70"] == sum(1 for line in few_days if line.below is not None and line.below < 70) > 0
    assert holds(figures)


def test_equal_lines_are_separate_entries(empty_database: Engine, tmp_path: Path):
    lines = read_lines(diary(tmp_path, *["1,04-21-1991,9:09,58,60"] * 3))
    figures = Replay(empty_database, ASSESS, lines).run()
    assert (figures["accepted"], figures["below_70"], figures["escalated_low"]) == (3, 3, 3)
    assert figures["escalations"] == 1


def test_each_unreadable_line_is_refused_by_its_reason_with_a_reply(empty_database: Engine, tmp_path: Path):
    path = diary(
        tmp_path, "1,04-21-1991,9:09,58,100", "1,,138,33,3A", "1,04-21-1991,9:10,56,116", "1,04-21-1991,9:11,57,0''"
    )
    figures = Replay(empty_database, ASSESS, read_lines(path)).run()
    assert figures["refused_by_reason"] == {"bad-date": 1, "unknown-kind": 1, "unreadable-value": 1}
    assert figures["replies"] >= 4


def test_the_figures_notice_a_low_whose_escalation_is_gone(empty_database: Engine, tmp_path: Path):
    """The check can fail: it reads the tables, not the code that wrote them."""
    replay = Replay(empty_database, ASSESS, read_lines(diary(tmp_path, "1,04-21-1991,9:09,58,60")))
    replay.run()
    with Session(empty_database) as session:
        session.execute(text("ALTER TABLE escalation_link DISABLE TRIGGER USER"))
        session.execute(text("DELETE FROM escalation_link"))
        session.execute(text("ALTER TABLE escalation_link ENABLE TRIGGER USER"))
        figures = replay._figures(session)
        session.rollback()
    assert figures["unescalated_low"] == 1
    assert not holds(figures)
