"""Base of all tables: naming, identifiers, times, and the columns that queues and patients' rows share."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import ForeignKey, Integer, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from care.records.ids import new_id

# A queue's batch travels as arrays. As text each element is searched for what must be quoted: 4 microseconds for a
# UUID, hundreds for sealed bytes. In binary it is under one.
psycopg.adapters.register_dumper(list, ListBinaryDumper)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table has a UUIDv7 `id`, made before the insert."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {
        datetime: TIMESTAMP(timezone=True),
        UUID: Uuid(),
        str: Text(),
        bytes: BYTEA(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }

    # What the database would fill in is given by us or read when it is asked for: an insert returns nothing.
    __mapper_args__ = {"eager_defaults": False}

    id: Mapped[UUID] = mapped_column(primary_key=True)

    def __init__(self, **values: Any) -> None:
        self.id = values.pop("id", None) or new_id()  # first: sealed attributes need it
        kind = type(self)
        for name, value in values.items():
            if name not in _names(kind):
                raise TypeError(f"{kind.__name__} has no {name}")
            setattr(self, name, value)


@cache
def _names(kind: type) -> frozenset[str]:
    """What a row of this table may be made with."""
    return frozenset(dir(kind))


class OfOrganization:
    """Every patient row, and most others, belong to one organization."""

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))


class OfPatient:
    """A row about one patient.

    The patient's own row says truly which organization it is. A key of its own here would be checked for every row,
    and every writer would lock that one row of the hospital; an index on it would tell almost nothing apart.
    """

    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))


class Queued:
    """A row with a queue column ending in `_at`: NULL means nothing to do.

    `lease_until` is set by the database's clock when a worker claims the row; `attempts` counts claims since the last
    success.
    """

    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
