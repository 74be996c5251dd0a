"""Identifiers: UUIDv7 (RFC 9562), made by us, because the encryption's associated data needs them before the insert."""

from __future__ import annotations

import os
import time
from threading import Lock
from uuid import UUID

_lock = Lock()
_last = 0


def new_id() -> UUID:
    """A new UUIDv7, greater than every one this process made before: rows written together keep their order.

    Its time part is for locality of the index and for order; nothing is ever computed from it. The twelve bits behind
    the milliseconds count on within one (RFC 9562, 6.2, method 1) and run over into the next.
    """
    global _last
    stamp = (time.time_ns() // 1_000_000) << 12  # noqa: TID251  (an order of rows, not a clock of the system)
    with _lock:
        _last = stamp = max(stamp, _last + 1)
    milliseconds, counter = stamp >> 12, stamp & 0xFFF
    tail = int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail)
