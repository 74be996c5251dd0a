"""What each process of a race for care plans does. A module of its own, so that a new process has little to import."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from care.records.seal import Keyring, install
from care.runtime import Runtime
from care.services import plans


def race(url: str, keys: Keyring, now: datetime, start: Any) -> None:
    """Waits for the others at the barrier, then writes tasks until no plan is due."""
    install(keys)
    rt = Runtime(clock=lambda: now, channels={})
    engine = create_engine(url)
    with Session(engine) as session:
        start.wait(60)
        idle = 0
        while idle < 3:
            idle = 0 if plans.expand_due(session, rt, now, limit=5).claimed else idle + 1
    engine.dispose()
