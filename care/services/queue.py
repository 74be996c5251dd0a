"""work(): claim a batch, handle it, commit. A bad row delays only itself.

A queue is a column ending in `_at`; NULL means nothing to do. Rows are claimed under a lease by the database's clock
in a short transaction of its own, then locked again and handled in a second one. A crash between the two costs the
lease's time and nothing else.

A queue whose work is in the database alone (`read`) is claimed by row locks and done in one transaction: a crash undoes
both at once, and a row is written once instead of twice. Only what failed there is taken under a lease, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
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
    objects. The rows are locked until the handler's transaction ends; it calls nobody outside, and frees the rows in
    its own bulk statement (`lease_until` NULL, `attempts` 0).
    """

    name: str
    model: type[Any]
    column: str
    order: tuple[ColumnElement[Any], ...] = ()
    only: ColumnElement[bool] | None = None
    attempts: int = ATTEMPTS
    lease: timedelta = LEASE
    read: Callable[[FromClause], Select[Any]] | None = None


_CLAIMS: dict[tuple[str, str, bool], tuple[Queue, Select[Any]]] = {}


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
    values = _values(now, limit, ids) | {"lease": queue.lease}
    leases = {row.id: row.lease_until for row in session.execute(_statement(queue, _leasing, ids), values)}
    session.commit()
    return leases


def held(
    session: Session, queue: Queue, now: datetime, limit: int, ids: Collection[UUID] | None = None
) -> Sequence[Row[Any]]:
    """Lock up to `limit` due rows (of `ids`, if given) until the transaction ends, and read them by `queue.read`."""
    return session.execute(_statement(queue, _holding, ids), _values(now, limit, ids)).all()


def _values(now: datetime, limit: int, ids: Collection[UUID] | None) -> dict[str, Any]:
    values: dict[str, Any] = {"now": now, "most": limit}
    return values if ids is None else values | {"ids": list(ids)}


def _statement(queue: Queue, kind: Callable[[Queue, bool], Select[Any]], ids: Collection[UUID] | None) -> Select[Any]:
    """The claim of a queue. It is made once: making it costs as much as the database needs for a batch."""
    narrowed = ids is not None
    known = _CLAIMS.get((queue.name, kind.__name__, narrowed))
    if known is not None and known[0] is queue:
        return known[1]
    statement = kind(queue, narrowed)
    _CLAIMS[queue.name, kind.__name__, narrowed] = queue, statement
    return statement


def _picked(queue: Queue, columns: Iterable[ColumnElement[Any]], narrowed: bool) -> CTE:
    """The due and free rows, locked. A CTE is executed once; a bare IN (subselect LIMIT) may be executed again."""
    table = queue.model.__table__
    free = or_(table.c.lease_until.is_(None), table.c.lease_until < func.clock_timestamp())
    due = select(*columns).where(table.c[queue.column] <= bindparam("now"), free)
    if queue.only is not None:
        due = due.where(queue.only)
    if narrowed:
        due = due.where(table.c.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
    most = bindparam("most", type_=Integer(), literal_execute=True)  # as a number, so that the planner can see it
    due = due.order_by(*queue.order, table.c[queue.column]).limit(most)
    return due.with_for_update(skip_locked=True).cte("picked")


def _leasing(queue: Queue, narrowed: bool) -> Select[Any]:
    table = queue.model.__table__
    picked = _picked(queue, [table.c.id], narrowed)
    until = func.clock_timestamp() + bindparam("lease", type_=Interval())
    leased = (
        update(table)
        .where(table.c.id.in_(select(picked.c.id)))
        .values(lease_until=until, attempts=table.c.attempts + 1)
        .returning(table.c.id, table.c.lease_until)
        .cte("leased")
    )
    return select(leased.c.id, leased.c.lease_until)


def _holding(queue: Queue, narrowed: bool) -> Select[Any]:
    return _reader(queue)(_picked(queue, queue.model.__table__.c, narrowed))


def _reader(queue: Queue) -> Callable[[FromClause], Select[Any]]:
    if queue.read is None:
        raise TypeError(f"the queue {queue.name} reads objects")
    return queue.read


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
    if queue.read is not None:
        return _work_held(session, queue, handle, now, limit, bury, ids)
    leases = claim(session, queue, now, limit, ids)
    if not leases:
        return Worked()
    try:
        return Worked(len(leases), _handle(session, queue, handle, list(leases), leases))
    except Exception as error:  # noqa: BLE001  (raised again when the database is away, else tried one by one)
        _undo(session, queue, len(leases), error)
    return _one_by_one(session, queue, handle, leases, now, bury)


def _work_held(
    session: Session,
    queue: Queue,
    handle: Handle,
    now: datetime,
    limit: int,
    bury: Bury | None,
    ids: Collection[UUID] | None,
) -> Worked:
    """Claim by lock, handle and commit at once; only when that fails are the same rows leased, one attempt each."""
    rows = list(held(session, queue, now, limit, ids))
    if not rows:
        session.rollback()
        return Worked()
    try:
        handle(session, rows)
        session.commit()
        return Worked(len(rows), len(rows))
    except Exception as error:  # noqa: BLE001  (as above)
        _undo(session, queue, len(rows), error)
    return _one_by_one(session, queue, handle, claim(session, queue, now, limit, [row.id for row in rows]), now, bury)


def _undo(session: Session, queue: Queue, count: int, error: Exception) -> None:
    """Forget the batch that failed. Raises `error` when the database is away: one by one would fail as well."""
    session.rollback()
    if _database_away(error):
        raise error
    logger().warning("batch failed, retrying one by one", queue=queue.name, count=count, exc_info=error)


def _one_by_one(
    session: Session, queue: Queue, handle: Handle, leases: dict[UUID, datetime], now: datetime, bury: Bury | None
) -> Worked:
    total = Worked(len(leases))
    for row_id in leases:
        total += finish(session, queue, handle, row_id, leases, now, bury)
    return total


def _handle(
    session: Session, queue: Queue, handle: Handle, ids: Sequence[UUID], leases: Mapping[UUID, datetime]
) -> int:
    """Lock and handle the rows that are still ours, free them, commit."""
    if queue.read is not None:
        table = queue.model.__table__
        again = select(table).where(among(table.c.id, ids)).with_for_update().cte("leased")
        rows = [row for row in session.execute(queue.read(again)) if row.lease_until == leases[row.id]]
        handle(session, rows)
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


def finish(
    session: Session,
    queue: Queue,
    handle: Handle,
    row_id: UUID,
    leases: Mapping[UUID, datetime],
    now: datetime,
    bury: Bury | None = None,
) -> Worked:
    """Handle one claimed row as work() does, for who had something to do outside between the claim and this.

    What `handle` raises postpones the row, or buries it after its last attempt.
    """
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
