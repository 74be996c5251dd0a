"""A lane: one cluster and everything forked processes share, on which runs are played one after another."""

from __future__ import annotations

import secrets
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from pydantic import SecretStr

from care.domain.people import Staff
from care.runtime import Runtime
from care.settings import Settings
from care_api.app import create_app
from launch.postgres import Embedded
from tests.faults import processes, stage
from tests.faults.board import Board
from tests.faults.provider import ACCOUNT, SENDER, TOKEN
from tests.faults.script import TIMEOUT
from tests.faults.worker import Tapped


@dataclass
class Lane:
    """What the runs of a lane share. The web application is made once and bound to each run's database by its name."""

    server: Embedded
    board: Board
    nurse: Staff
    rt: Runtime
    app: Flask
    web: socket.socket
    web_port: int
    provider_port: int


@contextmanager
def lane() -> Iterator[Lane]:
    """A lane, ready for runs."""
    import requests  # noqa: F401  (imported here once, and not by every worker when it sends its first message)
    import twilio.rest.api.v2010.account.message  # noqa: F401

    with stage.cluster() as server:
        board = Board()
        nurse = stage.prepare(server)
        web = processes.listening()
        spare = processes.listening()
        provider_port = spare.getsockname()[1]
        spare.close()
        web_port = web.getsockname()[1]
        channel = Tapped(
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            sender=SENDER,
            public_url=f"http://127.0.0.1:{web_port}",
            base_url=f"http://127.0.0.1:{provider_port}",
            timeout=TIMEOUT,
        )
        rt = Runtime(clock=board.now, channels={"sms": channel}, public_url=f"http://127.0.0.1:{web_port}")
        app = _application(server.url(stage.RUN), rt)
        try:
            yield Lane(server, board, nurse, rt, app, web, web_port, provider_port)
        finally:
            web.close()


def _application(url: str, rt: Runtime) -> Flask:
    """The real web application; nothing is connected before it is forked."""
    settings = Settings(
        database_url=SecretStr(url),
        secret_key=SecretStr(secrets.token_hex(32)),
        care_keys=SecretStr("faults:" + b64encode(stage.KEYS.keys["faults"]).decode()),
        care_token_key=SecretStr(b64encode(stage.KEYS.token_key).decode()),
        public_url=rt.public_url,
    )
    return create_app(settings, rt)
