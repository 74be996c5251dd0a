"""among(): a column is one of many values, as one array parameter.

An IN list is another statement for each length: parsed by the driver and planned by the server every time. An array
is one parameter, so the statement stays the same and both remember it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute


def among(column: InstrumentedAttribute[Any] | ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column` equals one of `values` (none at all: nothing fits)."""
    return column == any_(literal(list(values), ARRAY(column.type)))
