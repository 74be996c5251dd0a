"""Heartbeats: each process of time or work says that it lives; readiness and the watchdog look here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from care.records.base import Base


class Heartbeat(Base):
    """The last sign of life of one kind of process, by the database's clock."""

    __tablename__ = "heartbeat"
    name: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
