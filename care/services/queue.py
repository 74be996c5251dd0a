"""work(): claim a batch, handle it, commit. A bad row delays only itself.

A queue is a column ending in `_at`; NULL means nothing to do. Rows are claimed under a lease by the database's clock
in a short transaction of its own, then locked again and handled in a second one. A crash between the two costs the
lease's time and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from care.logs import logger
from care.records.among import among
from care.records.dead_letters import DeadLetter

LEASE = timedelta(seconds=60)
ATTEMPTS = 5

Handle = Callable[[Session, list[Any]], None]
Bury = Callable[[Session, Any, str, datetime], None]


@dataclass(frozen=True)
class Queue:
    """A table and its queue column. `order` comes before the column (most urgent first); `only` narrows the rows.

    `read(ids)` is a statement whose rows (with `id` and `lease_until`) are handled instead of objects. They are not
    locked: the handler writes only to those whose lease is still the one that it was given, and frees them in the same
    bulk statement (`lease_until` NULL, `attempts` 0).
    """

    name: str
    model: type[Any]
    column: str
    order: tuple[ColumnElement[Any], ...] = ()
    only: ColumnElement[bool] | None = None
    attempts: int = ATTEMPTS
    lease: timedelta = LEASE
    read: Callable[[Collection[UUID]], Select[Any]] | None = None


@dataclass(frozen=True)
class Worked:
    """What one call did, in rows."""

    claimed: int = 0
    done: int = 0
    failed: int = 0
    dead: int = 0

    def __add__(self, other: Worked) -> Worked:
        return Worked(
            self.claimed + other.claimed, self.done + other.done, self.failed + other.failed, self.dead + other.dead
        )


def claim(
    session: Session, queue: Queue, now: datetime, limit: int, ids: Collection[UUID] | None = None
) -> dict[UUID, datetime]:
    """Lease up to `limit` due rows (of `ids`, if given); commits. Returns their ids with the lease that proves it.

    The CTE is materialised: a bare IN (subselect LIMIT) may be executed again by the planner.
    """
    model, column = queue.model, getattr(queue.model, queue.column)
    due = select(model.id).where(
        column <= now, or_(model.lease_until.is_(None), model.lease_until < func.clock_timestamp())
    )
    if queue.only is not None:
        due = due.where(queue.only)
    if ids is not None:
        due = due.where(among(model.id, ids))
    picked = due.order_by(*queue.order, column).limit(limit).with_for_update(skip_locked=True).cte("picked")
    leased = (
        update(model)
        .where(model.id.in_(select(picked.c.id)))
        .values(lease_until=func.clock_timestamp() + queue.lease, attempts=model.attempts + 1)
        .returning(model.id, model.lease_until)
        .execution_options(synchronize_session=False)
    )
    rows = {row.id: row.lease_until for row in session.execute(leased)}
    session.commit()
    return rows


def work(
    session: Session,
    queue: Queue,
    handle: Handle,
    now: datetime,
    *,
    limit: int = 500,
    bury: Bury | None = None,
    ids: Collection[UUID] | None = None,
) -> Worked:
    """Claim up to `limit` due rows (of `ids`, if given) and handle them in one transaction; if it fails, one by one.

    `handle(session, rows)` moves each row's queue column to None or to a later time. A row that fails is tried again
    later, with growing pauses; after its attempts it becomes a DeadLetter and `bury(session, row, error, now)` tells
    a person. Raises only what says that the database is away.
    """
    leases = claim(session, queue, now, limit, ids)
    if not leases:
        return Worked()
    try:
        done = _handle(session, queue, handle, list(leases), leases)
        return Worked(len(leases), done)
    except Exception as error:
        session.rollback()
        if _database_away(error):
            raise
        logger().warning("batch failed, retrying one by one", queue=queue.name, count=len(leases), exc_info=error)
    total = Worked(len(leases))
    for row_id in leases:
        total += _single(session, queue, handle, row_id, leases, now, bury)
    return total


def _handle(session: Session, queue: Queue, handle: Handle, ids: Sequence[UUID], leases: dict[UUID, datetime]) -> int:
    """Lock the rows that are still ours, handle them, free them, commit."""
    if queue.read is not None:
        ours = [row for row in session.execute(queue.read(ids)) if row.lease_until == leases[row.id]]
        handle(session, ours)
        session.commit()
        return len(ours)
    model = queue.model
    found = select(model).where(among(model.id, ids)).order_by(*queue.order, getattr(model, queue.column), model.id)
    # What this session may remember of these rows is from before the claim: they are read anew.
    locked = session.scalars(found.with_for_update().execution_options(populate_existing=True))
    rows = [row for row in locked if row.lease_until == leases[row.id]]
    handle(session, rows)
    for row in rows:
        row.lease_until, row.attempts = None, 0
    session.commit()
    return len(rows)


def _single(
    session: Session,
    queue: Queue,
    handle: Handle,
    row_id: UUID,
    leases: dict[UUID, datetime],
    now: datetime,
    bury: Bury | None,
) -> Worked:
    try:
        return Worked(done=_handle(session, queue, handle, [row_id], leases))
    except Exception as error:
        session.rollback()
        if _database_away(error):
            raise
        return _postpone(session, queue, row_id, type(error).__name__, now, bury)


def _postpone(session: Session, queue: Queue, row_id: UUID, error: str, now: datetime, bury: Bury | None) -> Worked:
    """Give a failed row a later time, or bury it after its last attempt. Nothing is ever dropped silently."""
    row = session.get(queue.model, row_id, with_for_update=True)
    if row is None:
        return Worked()
    row.lease_until = None
    if row.attempts < queue.attempts:
        setattr(row, queue.column, now + timedelta(seconds=15 * 2**row.attempts))
        session.commit()
        logger().warning("row postponed", queue=queue.name, id=str(row_id), attempts=row.attempts, error=error)
        return Worked(failed=1)
    setattr(row, queue.column, None)
    patient_id = getattr(row, "patient_id", None)
    session.add(DeadLetter(queue=queue.name, row_id=row_id, patient_id=patient_id, error=error, at=now))
    if bury is not None:
        bury(session, row, error, now)
    session.commit()
    logger().error("row buried", queue=queue.name, id=str(row_id), error=error)
    return Worked(failed=1, dead=1)


def _database_away(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated
