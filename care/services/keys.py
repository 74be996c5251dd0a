"""Keys: sealed again under the current one. Interrupted, it goes on where it stopped: done values name the new key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from care.logs import logger
from care.records.base import Base
from care.records.seal import SealBroken, Sealed, SealedBytes, ring, seal_bytes, unseal_bytes

BATCH = 500
FEW = 4  # of what is as large as a picture
UNREADABLE = "unreadable"


def rotate(session: Session, batch: int = BATCH) -> dict[str, int]:
    """Seal every sealed value again with the current key; commits each batch. Returns values changed by table.

    A value that no key opens is left as it is and counted under "unreadable". A value that somebody changes meanwhile
    is sealed with the current key by them. Tokens are not touched: their key is another one.
    """
    counts: dict[str, int] = {}
    for model, column in sealed_columns():
        name = model.__tablename__
        counts.setdefault(name, 0)
        last: UUID | None = None
        large = isinstance(vars(model).get(column.removesuffix("_sealed")), SealedBytes)
        while rows := _old(session, model, column, last, min(batch, FEW) if large else batch):
            last = rows[-1].id
            for row in rows:
                try:
                    counts[name] += _again(session, model, column, row)
                except SealBroken:
                    counts[UNREADABLE] = counts.get(UNREADABLE, 0) + 1
                    logger().error("a sealed value does not open", kind=f"{name}.{column}", id=str(row.id))
            session.commit()
    session.rollback()
    return counts


def sealed_columns() -> Iterator[tuple[Any, str]]:
    """(table, column) of everything that is sealed."""
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.class_.__name__):
        for holder in mapper.class_.__mro__:
            for attribute in vars(holder).values():
                if isinstance(attribute, Sealed):
                    yield mapper.class_, attribute.column


def _old(session: Session, model: Any, column: str, last: UUID | None, batch: int) -> list[Row[Any]]:
    """The next values, in order of their ids, that carry another key's id."""
    name = ring().current.encode()
    mark = bytes([len(name)]) + name
    stored = getattr(model, column)
    found = select(model.id, stored.label("value")).where(
        stored.is_not(None), func.substring(stored, 1, len(mark)) != mark
    )
    if last is not None:
        found = found.where(model.id > last)
    return list(session.execute(found.order_by(model.id).limit(batch)))


def _again(session: Session, model: Any, column: str, row: Row[Any]) -> int:
    """Seal one value again, unless it has changed since it was read."""
    old = bytes(row.value)
    table = model.__tablename__
    fresh = seal_bytes(table, column, row.id, unseal_bytes(table, column, row.id, old))
    stored = getattr(model, column)
    changed = update(model).where(model.id == row.id, stored == old).values({column: fresh}).returning(model.id)
    return len(session.execute(changed.execution_options(synchronize_session=False)).all())
