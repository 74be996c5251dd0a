"""The clock of a demonstration: how far it is ahead of the wall. In a hospital there is no row, and nobody looks."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, Interval
from sqlalchemy.orm import Mapped, mapped_column

from care.records.base import Base

ONLY = UUID(int=1)


class SimulatedClock(Base):
    """One row: `ahead` is added to the wall clock by every process of a demonstration."""

    __tablename__ = "simulated_clock"
    __table_args__ = (CheckConstraint("id = '00000000-0000-0000-0000-000000000001'", name="only"),)
    ahead: Mapped[timedelta] = mapped_column(Interval)
