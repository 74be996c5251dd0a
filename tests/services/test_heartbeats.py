"""Heartbeats: a sign of life by the database's clock, one row a name."""

from __future__ import annotations

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
