"""Throttles: how often somebody may try something in a window of time. What is counted is a token, never an address."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.errors import TooMany
from care.records.ids import new_id
from care.records.seal import token
from care.records.sign_ins import Throttle


def count_try(session: Session, now: datetime, kind: str, who: str, limit: int, window: timedelta) -> None:
    """Count one try and commit, so that it counts whatever comes of it. Raises TooMany above `limit` in the window."""
    tries = tries_of(session, now, kind, who, window)
    session.commit()
    if tries > limit:
        raise TooMany("too-many-tries", "too many tries; wait a while and try again")


def tries_of(session: Session, now: datetime, kind: str, who: str, window: timedelta) -> int:
    """Count one try in the caller's transaction; returns how many there were in the window, with this one.

    Counted before anything is checked, and in one statement: tries at the same moment all count.
    """
    first = insert(Throttle).values(id=new_id(), key=token(f"throttle:{kind}", who), window_start=now, tries=1)
    over = Throttle.window_start <= now - window
    again = first.on_conflict_do_update(
        index_elements=[Throttle.key],
        set_={
            "tries": case((over, 1), else_=Throttle.tries + 1),
            "window_start": case((over, now), else_=Throttle.window_start),
        },
    )
    return int(session.execute(again.returning(Throttle.tries)).scalar_one())


def forget_tries(session: Session, kind: str, who: str) -> None:
    """It worked: the tries no longer count (no commit)."""
    session.execute(delete(Throttle).where(Throttle.key == token(f"throttle:{kind}", who)))
