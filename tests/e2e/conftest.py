"""Fixtures of the suites that drive our Twilio adapter against mocks that others wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mocks import free_port, listens_on_loopback_only, node, program, published_api, started
from tests.e2e.ours import ACCOUNT, NUMBER, SERVICE, TOKEN, WHATSAPP, Served

PRISM = "@stoplight/prism-cli/dist/index.js"
EMULATE = "emulate/dist/index.js"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twilio's own description of its API."""
    return published_api(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def prism(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An address that answers by Twilio's published OpenAPI, and refuses what does not fit it."""
    port = free_port()
    command = [node(), program(PRISM), "mock", "-h", "127.0.0.1", "-p", str(port), str(published)]
    with started(command, port, tmp_path_factory.mktemp("prism") / "log") as url:
        assert listens_on_loopback_only(port)
        yield url


@pytest.fixture(scope="session")
def our_port() -> int:
    """Where our web will be: the emulator is told before it starts."""
    return free_port()


@pytest.fixture(scope="session")
def emulator(our_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Twilio that remembers messages and calls our webhooks."""
    folder, port = tmp_path_factory.mktemp("emulate"), free_port()
    ours = f"http://127.0.0.1:{our_port}/webhooks/twilio/sms"
    seed = {
        "twilio": {
            "account": {"sid": ACCOUNT, "auth_token": TOKEN},
            "phone_numbers": [{"phone_number": number, "sms_url": ours} for number in (NUMBER, WHATSAPP)],
            "messaging_services": [{"sid": SERVICE, "friendly_name": "ours", "phone_numbers": [NUMBER]}],
        }
    }
    (folder / "seed.yaml").write_text(json.dumps(seed))  # JSON is YAML
    command = [node(), program(EMULATE), "start", "--service", "twilio", "--host", "127.0.0.1"]
    command += ["--seed", str(folder / "seed.yaml"), "--port", str(port)]
    with started(command, port, folder / "log") as url:
        assert listens_on_loopback_only(port)
        yield url


@pytest.fixture
def served(emulator: str, our_port: int, database_url: str, session: object, clinic: object) -> Iterator[Served]:
    """Our web on the loopback, with the channels that its settings make, in front of a database with a clinic."""
    with Served.on(our_port, database_url, emulator) as made:
        yield made
