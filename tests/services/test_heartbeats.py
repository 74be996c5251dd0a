"""Heartbeats: a sign of life by the database's clock, one row a name."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from care.services import heartbeats


def test_a_beat_is_young_and_beating_again_keeps_one_row(session: Session):
    assert heartbeats.ages(session) == {}
    for _ in range(3):
        heartbeats.beat(session, "worker")
    heartbeats.beat(session, "clock")
    ages = heartbeats.ages(session)
    assert set(ages) == {"worker", "clock"}
    assert all(0 <= age < 60 for age in ages.values())


def test_who_is_silent_and_who_never_spoke_are_named(session: Session):
    assert heartbeats.silent(session) == []
    assert heartbeats.silent(session, heartbeats.EXPECTED) == ["clock", "worker"]
    heartbeats.beat(session, "clock")
    heartbeats.beat(session, "worker")
    assert heartbeats.silent(session, heartbeats.EXPECTED) == []
    session.execute(text("UPDATE heartbeat SET at = at - interval '61 seconds' WHERE name = 'worker'"))
    assert heartbeats.silent(session) == ["worker"]


def test_a_sign_of_life_from_the_future_is_none(session: Session):
    heartbeats.beat(session, "clock")
    session.execute(text("UPDATE heartbeat SET at = at + interval '10 minutes'"))
    assert heartbeats.silent(session) == ["clock"]
