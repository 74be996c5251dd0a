"""Unconfirmed: what a provider took and never said a last word of. It does not stay "sent" for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from care.domain.delivery import LAST_WORD
from care.logs import logger
from care.runtime import Runtime
from care.services.queue import Worked

NO_RECEIPT = "no-receipt"

_EXPIRE = text(
    "UPDATE communication SET delivery = 'unknown', status = 'in-progress', status_reason = :reason WHERE id IN"
    " (SELECT id FROM communication WHERE delivery = 'sent' AND sent_at < :before"
    " AND channel = ANY(CAST(:channels AS text[])) ORDER BY sent_at LIMIT :most FOR UPDATE SKIP LOCKED)"
)


def expire_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 500) -> Worked:
    """Call unknown what was sent a day ago on a channel with receipts and was never confirmed; commits.

    It shows so in the patient's conversation and in the metrics. Nobody is alerted: carriers that never confirm would
    make that an alert a patient. A receipt that still comes has the last word.
    """
    channels = [name for name, channel in rt.channels.items() if channel.capabilities.receipts]
    values = {"reason": NO_RECEIPT, "before": now - LAST_WORD, "channels": channels, "most": limit}
    count: int = session.execute(_EXPIRE, values).rowcount  # type: ignore[attr-defined]
    session.commit()
    if count:
        logger().info("receipts that never came", count=count)
    return Worked(count, count)
