"""Many rows in one statement: each column travels as one array, and unnest() makes rows of them again.

The statement is the same for one row and for five hundred, so driver and server remember it; an executemany would be
sent, planned and answered row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Update, bindparam, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.selectable import TableValuedAlias

from care.records.base import Base


def _columns(model: type[Base], names: Iterable[str]) -> list[KeyedColumnElement[Any]]:
    return [model.__table__.c[name] for name in names]


def _rows(columns: Sequence[KeyedColumnElement[Any]]) -> TableValuedAlias:
    """unnest(:a, :b, …) AS v(a, b, …), with the types of the columns."""
    named = [(one.name, one.type) for one in columns]
    arrays = [bindparam(_all(name), type_=ARRAY(kind)) for name, kind in named]
    return func.unnest(*arrays).table_valued(*(column(*one) for one in named)).render_derived(name="v")


def insert_arrays(model: type[Base], names: Sequence[str], shared: Sequence[str] = ()) -> Insert:
    """INSERT of any number of rows: `names` each have a value of their own, `shared` one value for all.

    Execute it with `as_arrays(rows, names)` and, for the shared ones, `as_shared(row, shared)`.
    """
    rows = _rows(_columns(model, names))
    same = [bindparam(_one(column.name), type_=column.type) for column in _columns(model, shared)]
    return insert(model.__table__).from_select([*names, *shared], select(*rows.c, *same))  # type: ignore[arg-type]


def update_arrays(model: type[Base], names: Sequence[str], **fixed: Any) -> Update:
    """UPDATE by id of any number of rows, each with values of its own for `names`, and `fixed` the same for all.

    Execute it with `as_arrays(rows, ("id", *names))`.
    """
    table = model.__table__
    rows = _rows(_columns(model, ("id", *names)))
    own = {name: rows.c[name] for name in names}
    return update(table).where(table.c.id == rows.c.id).values({**own, **fixed})  # type: ignore[arg-type]


def as_arrays(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    """Rows turned into one list a column; what a row does not name is NULL."""
    return {_all(name): [row.get(name) for row in rows] for name in names}


def as_shared(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values that all rows share."""
    return {_one(name): row.get(name) for name in names}


# A parameter named like a column would be taken for a value of that column.


def _all(name: str) -> str:
    return f"all_{name}"


def _one(name: str) -> str:
    return f"one_{name}"
