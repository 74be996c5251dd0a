"""What the channels need to remember: the token that a provider gave us, sealed, and the events that were heard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base
from care.records.seal import Sealed


class ChannelToken(Base):
    """The access token of one account at a provider. `forced_at`: when a new one was last insisted on."""

    __tablename__ = "channel_token"
    account: Mapped[str] = mapped_column(unique=True)
    token_sealed: Mapped[bytes]
    expires_at: Mapped[datetime]
    forced_at: Mapped[datetime | None]

    token = Sealed()


class ChannelEvent(Base):
    """Something a person did on a channel without a text (followed, unfollowed). The same id twice is one event."""

    __tablename__ = "channel_event"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_channel_event_address", "address_token", "at"),
    )
    channel: Mapped[str]
    external_id: Mapped[str]
    address_token: Mapped[bytes]
    event: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


def token_of(session: Session, account: str) -> ChannelToken | None:
    """The token of an account, read anew."""
    found = select(ChannelToken).where(ChannelToken.account == account)
    return session.scalars(found.execution_options(populate_existing=True)).first()
