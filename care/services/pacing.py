"""Pacing in the database: one row a sender, by the database's clock, so that all processes share one rate."""

from __future__ import annotations

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.domain.pacing import burst_of
from care.records.ids import new_id
from care.records.paces import Pace

_TAKE = text(
    "WITH held AS (SELECT id, clock_timestamp() AS at, least(:burst, tokens +"
    " greatest(0, extract(epoch FROM clock_timestamp() - at)) * :rate) AS tokens"
    " FROM pace WHERE sender = :sender FOR UPDATE),"
    " granted AS (SELECT id, at, tokens,"
    " CASE WHEN :overdraw THEN :wanted ELSE greatest(0, least(:wanted, floor(tokens))) END AS n FROM held)"
    " UPDATE pace SET tokens = granted.tokens - granted.n, at = granted.at FROM granted"
    " WHERE pace.id = granted.id RETURNING CAST(granted.n AS integer)"
)


def take(session: Session, sender: str, rate: float, wanted: int, overdraw: bool) -> int:
    """Take up to `wanted` tokens of a sender (all of them when `overdraw`) in the caller's transaction.

    Returns how many there were. What a transaction that fails has taken comes back with it.
    """
    values = {"sender": sender, "rate": rate, "burst": burst_of(rate), "wanted": wanted, "overdraw": overdraw}
    granted = session.execute(_TAKE, values).scalar()
    if granted is None:
        full = insert(Pace).values(id=new_id(), sender=sender, tokens=burst_of(rate), at=func.clock_timestamp())
        session.execute(full.on_conflict_do_nothing(index_elements=[Pace.sender]))
        granted = session.execute(_TAKE, values).scalar_one()
    return int(granted)
