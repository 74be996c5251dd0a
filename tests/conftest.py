"""Shared fixtures: a real PostgreSQL, a clinic in it, a clock that stands still, channels that write things down."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.message import Capabilities, Incoming, Outgoing, Receipt, Sent, WebhookCall
from care.domain.people import Staff
from care.errors import ChannelError, Invalid, NotAllowed
from care.records.base import Base
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.records.seal import Keyring, install
from care.runtime import Runtime, no_model
from launch.postgres import Embedded

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEYS = Keyring({"test": bytes(range(32))}, bytes(range(1, 33)))


def require(present: object, reason: str) -> None:
    """Skip, saying why, when something is absent from this machine; fail instead where everything is required."""
    if present:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"required here: {reason}")
    pytest.skip(reason)


def shared(path: str) -> Path:
    """A file of the material beside the project, or a skip that says it is absent."""
    found = SHARED / path
    require(found.exists(), f"../shared/{path} is not on this machine")
    return found


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        """Move on by a timedelta's arguments."""
        self.now += timedelta(**by)
        return self.now

    def set(self, moment: datetime) -> datetime:
        """Move to a moment."""
        self.now = moment
        return self.now


@dataclass
class FakeChannel:
    """A channel that writes down what it was given; `fail` may hold errors to raise, first in first out.

    `taken` is what its provider says it has when it is asked, unless `unasked` holds an error.
    """

    name: str = "sms"
    enabled: bool = True
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(receipts=True))
    delivered: bool = False
    sent: list[Outgoing] = field(default_factory=list)
    fail: list[ChannelError] = field(default_factory=list)
    on_send: Callable[[Outgoing], None] | None = None
    taken: list[Sent] = field(default_factory=list)
    unasked: list[ChannelError] = field(default_factory=list)
    asked: list[tuple[Outgoing, datetime]] = field(default_factory=list)

    def look_up(self, message: Outgoing, since: datetime) -> list[Sent]:
        self.asked.append((message, since))
        if self.unasked:
            raise self.unasked.pop(0)
        return list(self.taken)

    def verify(self, call: WebhookCall) -> None:
        if call.headers.get("X-Fake") != "signed":
            raise NotAllowed("signature", "not signed")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        raise Invalid("fake", "the fake channel reads nothing")

    def read_receipt(self, call: WebhookCall) -> Receipt:
        raise Invalid("fake", "the fake channel reads nothing")

    def send(self, message: Outgoing) -> Sent:
        if self.on_send:
            self.on_send(message)
        if self.fail:
            raise self.fail.pop(0)
        self.sent.append(message)
        return Sent(f"{self.name}-{message.id}", self.delivered)


@dataclass
class Clinic:
    """One hospital with two teams and its staff."""

    organization: Organization
    team: CareTeam
    other_team: CareTeam
    nurse: Staff
    clinician: Staff
    other_nurse: Staff
    admin: Staff


@pytest.fixture(scope="session")
def cluster() -> Iterator[Embedded]:
    """A throw-away PostgreSQL of this test process."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="care-test-", dir=base) as folder:
        os.chmod(folder, 0o755)
        server = Embedded(Path(folder), durable=False)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def database_url(cluster: Embedded) -> str:
    """The address of a database that the migrations have built, as they would in a hospital."""
    url = cluster.ensure_database("care_test")
    environment = {
        "DATABASE_URL": url,
        "CARE_KEYS": "test:" + base64.b64encode(KEYS.keys["test"]).decode(),
        "CARE_TOKEN_KEY": base64.b64encode(KEYS.token_key).decode(),
        "SECRET_KEY": "a-key-for-tests-only-0123456789abcdef",
        "CARE_ENVIRONMENT": "development",
    }
    os.environ.update(environment)
    from tests.migrated import migrate

    migrate(url)
    return url


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test database."""
    made = create_engine(database_url, pool_pre_ping=False)
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def keys() -> None:
    """Every test runs with the same keys."""
    install(KEYS)


@pytest.fixture
def empty_database(engine: Engine) -> Iterator[Engine]:
    """The test database with nothing in it; triggers that forbid deleting are stood down for the sweep only."""
    yield engine
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL care.allow_truncate = 'on'"))
        connection.execute(text(f"TRUNCATE {tables} CASCADE"))


@pytest.fixture
def session(empty_database: Engine) -> Iterator[Session]:
    """A session on an empty database."""
    with Session(empty_database, expire_on_commit=False) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon UTC on Monday 2 March 2026."""
    return Clock()


@pytest.fixture
def sms() -> FakeChannel:
    """A channel with receipts, like SMS."""
    return FakeChannel("sms")


@pytest.fixture
def console() -> FakeChannel:
    """A channel where taking is delivering, like the console."""
    return FakeChannel("console", capabilities=Capabilities(), delivered=True)


@pytest.fixture
def rt(clock: Clock, sms: FakeChannel, console: FakeChannel) -> Runtime:
    """The outside as a test wants it."""
    return Runtime(clock=clock, channels={"sms": sms, "console": console}, assess=no_model)


@pytest.fixture
def clinic(session: Session, clock: Clock) -> Clinic:
    """A hospital with two teams; the nurse and the clinician are in the first."""
    hospital = Organization(
        name="Test Hospital", country="US", time_zone="America/New_York", inbound_address="+15550000"
    )
    session.add(hospital)
    session.flush()
    team = CareTeam(organization_id=hospital.id, name="Team A", default=True)
    other = CareTeam(organization_id=hospital.id, name="Team B", default=False)
    session.add_all([team, other])
    session.flush()

    def staff(username: str, role: Role, team_id: object) -> Staff:
        person = Practitioner(
            organization_id=hospital.id,
            care_team_id=team_id,
            role=role.value,
            username=username,
            name=f"Test {username.title()}",
            password_hash="",
            active=True,
            page_channel="console",
            page_address=f"desk-{username}",
            created_at=clock.now,
        )
        session.add(person)
        session.flush()
        return person.staff()

    made = Clinic(
        hospital,
        team,
        other,
        staff("nurse", Role.NURSE, team.id),
        staff("clinician", Role.CLINICIAN, team.id),
        staff("other", Role.NURSE, other.id),
        staff("admin", Role.ADMIN, None),
    )
    session.commit()
    return made


@pytest.fixture
def no_patient_data_in_logs(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], str]]:
    """The canary: words given to it must not come out on either stream of this process."""
    canaries: list[str] = []

    def watch(word: str) -> str:
        canaries.append(word)
        return word

    yield watch
    out, err = capfd.readouterr()
    for canary in canaries:
        assert canary not in out + err, "patient data in a log"
