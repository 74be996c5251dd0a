"""Idempotency keys: the same request twice has one effect and one answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from care.records.base import Base, OfPatient
from care.records.seal import SealedJson


class IdempotencyKey(OfPatient, Base):
    """`request_sha256` tells a repeat from a different request under the same key; the answer is sealed."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("patient_id", "key"),)
    key: Mapped[str]
    request_sha256: Mapped[str]
    status: Mapped[int] = mapped_column(Integer)
    answer_sealed: Mapped[bytes]
    created_at: Mapped[datetime]

    answer = SealedJson()
