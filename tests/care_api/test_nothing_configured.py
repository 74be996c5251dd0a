"""Without a single credential Care starts, says which channels are disabled, and loads no provider's package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from care.domain.message import Outgoing
from care.errors import ChannelError
from care.records.ids import new_id
from tests.care_api.serving import serving
from tests.conftest import ROOT

OURS = ("DATABASE_URL", "CARE_KEYS", "CARE_TOKEN_KEY", "SECRET_KEY", "CARE_ENVIRONMENT")
ALWAYS_ON = {"console"}
HEAVY = ("firebase_admin", "grpc", "google", "twilio", "onnxruntime", "pandas")


def environment(**other: str) -> dict[str, str]:
    """What is needed to start at all, and nothing else."""
    return {"PATH": os.environ["PATH"]} | {name: os.environ[name] for name in OURS} | other


def python(code: str, **other: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(**other), cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def lane(name: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m scheduler clock|worker`, ended by us whatever happens."""
    started = subprocess.Popen(
        [sys.executable, "-m", "scheduler", name],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


def test_everything_but_the_console_says_disabled(database_url: str):
    with serving(database_url, None) as app:
        channels = app.extensions["care.runtime"].channels
    assert {"console", "sms", "push"} <= set(channels)
    assert {name for name, channel in channels.items() if channel.enabled} == ALWAYS_ON


def test_a_disabled_channel_takes_no_message_and_says_why(database_url: str):
    with serving(database_url, None) as app:
        channels = app.extensions["care.runtime"].channels
    for name, channel in channels.items():
        if not channel.enabled:
            with pytest.raises(ChannelError) as caught:
                channel.send(Outgoing(new_id(), name, "somebody", "words", "notice-message", "en"))
            assert (caught.value.kind, caught.value.code) == ("refused", "disabled"), name


def test_in_production_the_console_is_disabled_too(database_url: str):
    with serving(database_url, None, care_environment="production") as app:
        assert not any(channel.enabled for channel in app.extensions["care.runtime"].channels.values())


def test_the_application_starts_without_the_package_of_any_provider(database_url: str):
    code = (
        "import json, sys; from care_api.app import create_app; create_app();"
        " print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    loaded = set(json.loads(python(code)))
    assert "flask" in loaded
    assert loaded & set(HEAVY) == set()


def test_a_push_that_is_configured_loads_googles_packages_only_as_it_sends(database_url: str):
    from tests.bots.fake_fcm import account

    code = (
        "import json, sys; from care_api.app import create_app; app = create_app();"
        " push = app.extensions['care.runtime'].channels['push']; before = 'firebase_admin' in sys.modules;"
        " push.prepare(); print(json.dumps([push.enabled, before, 'firebase_admin' in sys.modules]))"
    )
    told = python(code, PUSH_PROVIDER="fcm", FCM_CREDENTIALS=account("http://127.0.0.1:1"))
    assert json.loads(told) == [True, False, True]


@pytest.mark.parametrize("name", ["clock", "worker"])
def test_the_clock_and_the_worker_start_and_end(name: str, database_url: str, session: object):
    engine = create_engine(database_url)
    with lane(name) as started:
        while True:
            with engine.connect() as connection:
                beats = set(connection.execute(text("SELECT name FROM heartbeat")).scalars())
            if name in beats:
                break
            try:
                started.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"the {name} ended: {started.stderr.read() if started.stderr else ''}")
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0
    engine.dispose()
