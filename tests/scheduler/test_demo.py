"""A simulated month: nothing lost, nothing twice, few pages; and the figures can tell."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from risk.registry import load_bundles, make_assess
from scheduler.demo import START, Month
from scheduler.people import invent

ASSESS = make_assess(load_bundles())


def month(engine: Engine, patients: int, days: int, seed: int = 1) -> Month:
    return Month(engine, ASSESS, invent(patients, days, seed), days, seed)


def test_a_simulated_week_loses_nothing_and_doubles_nothing(empty_database: Engine):
    figures = month(empty_database, 8, 7).run()
    assert (figures["lost"], figures["duplicates"]) == (0, 0)
    assert figures["tasks_due"] > 40
    assert figures["reminders_sent"] >= figures["tasks_due"]
    assert figures["reports"] > 10


def test_the_same_seed_gives_the_same_people():
    first, again = invent(20, 28, 7), invent(20, 28, 7)
    assert [(p.language, p.protocol, p.weight) for p in first] == [(p.language, p.protocol, p.weight) for p in again]
    assert {person.language for person in first} == {"en", "zh-Hans", "zh-Hant"}
    assert len({person.protocol for person in first}) == 3


def test_the_figures_notice_a_reminder_that_never_rang(empty_database: Engine):
    lived = month(empty_database, 3, 2)
    lived.run()
    lived.phones.handed.clear()
    with Session(empty_database) as session:
        figures = lived._figures(session, lived.clock.now)
    assert figures["lost"] > 0


def test_the_figures_notice_a_message_that_rang_twice(empty_database: Engine):
    lived = month(empty_database, 3, 2)
    lived.run()
    lived.phones.handed[next(iter(lived.phones.handed))] += 1
    with Session(empty_database) as session:
        assert lived._figures(session, lived.clock.now)["duplicates"] == 1


@pytest.mark.parametrize("days", [1])
def test_tasks_are_due_in_the_patients_own_morning(empty_database: Engine, days: int):
    month(empty_database, 6, days).run()
    with empty_database.connect() as connection:
        hours = connection.execute(
            text(
                "SELECT DISTINCT extract(hour FROM t.due_at AT TIME ZONE p.time_zone) FROM task t "
                "JOIN patient p ON p.id = t.patient_id WHERE t.due_at >= :start"
            ),
            {"start": START},
        ).scalars()
        assert {int(hour) for hour in hours} <= {8, 10, 18}
