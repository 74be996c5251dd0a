"""Paces: how many messages each sender with a rate may hand over, shared by all processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from care.records.base import Base


class Pace(Base):
    """The bucket of one sender: `tokens` at the moment `at` of the database's clock; negative when it was overdrawn."""

    __tablename__ = "pace"
    sender: Mapped[str] = mapped_column(unique=True)
    tokens: Mapped[float]
    at: Mapped[datetime]
