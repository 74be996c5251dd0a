"""SecondFactors of staff: the secret of a telephone, the codes for when it is lost, and half sign-ins."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base
from care.records.seal import Sealed


class SecondFactor(Base):
    """One a person. `secret` counts since `confirmed_at`; `pending` is one that was shown and not confirmed yet.

    `last_step` is the time step of the last code that was taken: neither it nor one before it is taken again.
    """

    __tablename__ = "second_factor"
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), unique=True)
    secret_sealed: Mapped[bytes | None]
    pending_sealed: Mapped[bytes | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    confirmed_at: Mapped[datetime | None]

    secret = Sealed()
    pending = Sealed()


class RecoveryCode(Base):
    """What stands for a one-time password once, when the telephone is lost. Only a keyed hash is kept."""

    __tablename__ = "recovery_code"
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    code_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInStep(Base):
    """The password was right, and that is all: it opens nothing but the second step. Only the token's hash is kept."""

    __tablename__ = "sign_in_step"
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def second_factor(session: Session, practitioner_id: UUID, lock: bool = False) -> SecondFactor | None:
    """The second factor of a person, confirmed or not."""
    found = select(SecondFactor).where(SecondFactor.practitioner_id == practitioner_id)
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return session.scalars(found).first()


def with_second_factor(session: Session, practitioner_ids: Collection[UUID]) -> set[UUID]:
    """Those of these people who have one that is confirmed."""
    found = select(SecondFactor.practitioner_id).where(
        SecondFactor.practitioner_id.in_(practitioner_ids), SecondFactor.confirmed_at.is_not(None)
    )
    return set(session.scalars(found))


def unused_codes(session: Session, practitioner_id: UUID) -> list[RecoveryCode]:
    """A person's recovery codes that are still good."""
    found = select(RecoveryCode).where(RecoveryCode.practitioner_id == practitioner_id, RecoveryCode.used_at.is_(None))
    return list(session.scalars(found))
