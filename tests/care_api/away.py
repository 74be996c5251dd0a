"""A database that can be taken away: a PostgreSQL of its own, with a hospital in it, stopped and started by tests."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from care.records.organizations import CareTeam, Organization
from launch.cluster import PidFile
from launch.postgres import Embedded
from tests.migrated import migrate


@dataclass
class Away:
    """The server and the address of its database."""

    server: Embedded
    url: str

    def stop(self) -> None:
        """An orderly stop: open transactions are rolled back, connections end."""
        self.server.stop()

    def crash(self) -> None:
        """kill -9: connections end without a word."""
        os.kill(int(PidFile(self.server.data).lines()[0]), signal.SIGKILL)

    def start(self) -> None:
        """Back at the same address."""
        self.server.start()


@contextmanager
def database_of_its_own() -> Iterator[Away]:
    """Migrated, with one hospital and its team."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="care-away-", dir=base) as folder:
        os.chmod(folder, 0o755)
        # Durable as a hospital's: one for throwaway data may forget in a crash what it had said was committed.
        server = Embedded(Path(folder), durable=True, say=lambda _: None)
        server.start()
        try:
            url = server.ensure_database("care_away")
            migrate(url)
            _hospital(url)
            yield Away(server, url)
        finally:
            server.start()  # whatever a test that failed left behind, it is now running and ours to stop
            server.stop()


def _hospital(url: str) -> None:
    engine = create_engine(url)
    with Session(engine) as session:
        hospital = Organization(name="Test Hospital", country="US", time_zone="UTC", inbound_address="+15550000")
        session.add(hospital)
        session.flush()
        session.add(CareTeam(organization_id=hospital.id, name="Team A", default=True))
        session.commit()
    engine.dispose()
