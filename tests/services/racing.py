"""What each process of a race does. A module of its own, so that a new process has little to import."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bots.console import ConsoleChannel
from care.records.seal import Keyring, install
from care.runtime import Runtime
from care.services import reminders


def race(url: str, keys: Keyring, now: datetime, start: Any) -> None:
    """One scheduler process: waits for the others at the barrier, then works until nothing is due."""
    install(keys)
    rt = Runtime(clock=lambda: now, channels={"console": ConsoleChannel(lambda _: None)})
    engine = create_engine(url)
    with Session(engine) as session:
        start.wait(60)
        idle = 0
        while idle < 3:
            idle = 0 if reminders.send_due(session, rt, now, limit=100).claimed else idle + 1
    engine.dispose()
