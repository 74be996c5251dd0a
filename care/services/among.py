"""One of many: `column = ANY(array)`, whose text does not depend on how many there are.

With IN every number of values is a statement of its own, which the driver parses and the database plans anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute


def among(column: InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """The condition that `column` is one of `values`; of none it never is."""
    return column == any_(literal(list(values), ARRAY(column.type)))
