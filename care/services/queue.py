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

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Interval,
    Row,
    Select,
    Uuid,
    any_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
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

    `read(rows)` is a statement over rows of the table, whose result (with `id` and `lease_until`) is handled instead of
    objects. It is read with the claim and not locked: the handler writes only to those whose lease is still the one
    that it was given, and frees them in the same bulk statement (`lease_until` NULL, `attempts` 0).
    """

    name: str
    model: type[Any]
    column: str
    order: tuple[ColumnElement[Any], ...] = ()
    only: ColumnElement[bool] | None = None
    attempts: int = ATTEMPTS
    lease: timedelta = LEASE
    read: Callable[[FromClause], Select[Any]] | None = None


_LEASES: dict[tuple[str, bool], tuple[Queue, Select[Any]]] = {}


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
    """Lease up to `limit` due rows (of `ids`, if given); commits. Returns their ids with the lease that proves it."""
    return {row.id: row.lease_until for row in _leased(session, queue, now, limit, ids)}


def _leased(
    session: Session, queue: Queue, now: datetime, limit: int, ids: Collection[UUID] | None
) -> Sequence[Row[Any]]:
    """The rows that were leased, as `queue.read` reads them; commits."""
    statement = _lease_statement(queue, ids is not None)
    values: dict[str, Any] = {"now": now, "most": limit, "lease": queue.lease}
    rows = session.execute(statement, values if ids is None else values | {"ids": list(ids)}).all()
    session.commit()
    return rows


def _lease_statement(queue: Queue, narrowed: bool) -> Select[Any]:
    """The claim of a queue. It is made once: making it costs as much as the database needs for a batch.

    The CTE is materialised, since it locks: a bare IN (subselect LIMIT) may be executed again by the planner.
    """
    known = _LEASES.get((queue.name, narrowed))
    if known is not None and known[0] is queue:
        return known[1]
    table = queue.model.__table__
    free = or_(table.c.lease_until.is_(None), table.c.lease_until < func.clock_timestamp())
    due = select(table.c.id).where(table.c[queue.column] <= bindparam("now"), free)
    if queue.only is not None:
        due = due.where(queue.only)
    if narrowed:
        due = due.where(table.c.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
    most = bindparam("most", type_=Integer(), literal_execute=True)  # as a number, so that the planner can see it
    due = due.order_by(*queue.order, table.c[queue.column]).limit(most)
    picked = due.with_for_update(skip_locked=True).cte("picked")
    until = func.clock_timestamp() + bindparam("lease", type_=Interval())
    leased = (
        update(table)
        .where(table.c.id.in_(select(picked.c.id)))
        .values(lease_until=until, attempts=table.c.attempts + 1)
        .returning(*table.c)
        .cte("leased")
    )
    statement = queue.read(leased) if queue.read else select(leased.c.id, leased.c.lease_until)
    _LEASES[queue.name, narrowed] = queue, statement
    return statement


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
    rows = _leased(session, queue, now, limit, ids)
    if not rows:
        return Worked()
    leases = {row.id: row.lease_until for row in rows}
    try:
        done = _handle(session, queue, handle, list(leases), leases, rows if queue.read else None)
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


def _handle(
    session: Session,
    queue: Queue,
    handle: Handle,
    ids: Sequence[UUID],
    leases: dict[UUID, datetime],
    rows: Sequence[Any] | None = None,
) -> int:
    """Handle the rows that are still ours, free them, commit. Objects are locked first; `rows` were just read."""
    if queue.read is not None:
        if rows is None:
            table = queue.model.__table__
            again = queue.read(select(table).where(among(table.c.id, ids)).cte("leased"))
            rows = [row for row in session.execute(again) if row.lease_until == leases[row.id]]
        handle(session, list(rows))
        session.commit()
        return len(rows)
    model = queue.model
    found = select(model).where(among(model.id, ids)).order_by(*queue.order, getattr(model, queue.column), model.id)
    # What this session may remember of these rows is from before the claim: they are read anew.
    locked = session.scalars(found.with_for_update().execution_options(populate_existing=True))
    ours = [row for row in locked if row.lease_until == leases[row.id]]
    handle(session, ours)
    for row in ours:
        row.lease_until, row.attempts = None, 0
    session.commit()
    return len(ours)


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
        return _postpone(session, queue, row_id, leases[row_id], type(error).__name__, now, bury)


def _postpone(
    session: Session, queue: Queue, row_id: UUID, lease: datetime, error: str, now: datetime, bury: Bury | None
) -> Worked:
    """Give a failed row a later time, or bury it after its last attempt. Nothing is ever dropped silently.

    A row whose lease is another's by now is theirs: they may have done it long ago.
    """
    row = session.get(queue.model, row_id, with_for_update=True, populate_existing=True)
    if row is None or row.lease_until != lease:
        session.rollback()
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
