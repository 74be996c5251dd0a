"""Identifiers: UUIDv7 (RFC 9562), made by us, because the encryption's associated data needs them before the insert."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A new UUIDv7. Its time part is for index locality only; nothing is ever computed from it."""
    stamp = time.time_ns() // 1_000_000  # noqa: TID251  (locality of an index, not a clock of the system)
    value = (stamp & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
