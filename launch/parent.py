"""Whether the `make` that started us still wants us."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path


def parent_leaves() -> Callable[[], bool]:
    """A question to ask now and then: has our parent gone, or been interrupted without anyone telling us?

    Ctrl-C reaches make and us alike. But a SIGINT sent to make alone is not passed on: make gives its own handler up
    and waits for us for ever. Linux shows that it gave it up; elsewhere only its end is noticed.
    """
    parent = os.getppid()
    handled_at_first = _handles_interrupt(parent)

    def leaves() -> bool:
        return os.getppid() != parent or (handled_at_first and not _handles_interrupt(parent))

    return leaves


def _handles_interrupt(pid: int) -> bool:
    try:
        caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return False
    return bool(caught and int(caught.group(1), 16) >> (signal.SIGINT - 1) & 1)
