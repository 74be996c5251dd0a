"""The bucket in Redis: the same promises as the database's, which takes over while Redis is away."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bots.pacing import RedisPacer
from tests.conftest import require


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this module, with nothing on disk."""
    program = shutil.which("redis-server")
    require(program, "redis-server is not installed")
    port = free_port()
    folder = str(tmp_path_factory.mktemp("redis"))
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    process = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def test_it_grants_a_burst_and_then_the_rate(redis_url: str) -> None:
    pacer = RedisPacer(redis_url)
    assert pacer(None, "a", 0.5, 5, False) == 1
    assert pacer(None, "a", 0.5, 5, False) == 0
    assert pacer(None, "b", 10.0, 25, False) == 10


def test_two_processes_share_one_bucket(redis_url: str) -> None:
    first, second = RedisPacer(redis_url), RedisPacer(redis_url)
    assert first(None, "shared", 4.0, 3, False) == 3
    assert second(None, "shared", 4.0, 3, False) <= 2


def test_urgent_ones_overdraw_and_the_rest_pays(redis_url: str) -> None:
    pacer = RedisPacer(redis_url)
    assert pacer(None, "urgent", 1.0, 20, True) == 20
    assert pacer(None, "urgent", 1.0, 1, False) == 0


def test_while_redis_is_away_the_database_counts(session: Session) -> None:
    pacer = RedisPacer(f"redis://127.0.0.1:{free_port()}/0")
    assert pacer(session, "sms", 3.0, 10, False) == 3
    assert session.execute(text("SELECT sender FROM pace")).scalar_one() == "sms"
