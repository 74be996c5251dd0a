"""A lane: one cluster and everything forked processes share, on which runs are played one after another."""

from __future__ import annotations

import gc
import secrets
import socket
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Flask
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from care.domain.message import Incoming
from care.domain.people import Staff
from care.lines import Lines
from care.runtime import Runtime
from care.services import inbox
from care.settings import Settings
from care_api.app import create_app
from launch.postgres import Embedded
from scheduler.jobs import job
from tests.faults import processes, stage
from tests.faults.board import Board
from tests.faults.messenger import ACCOUNT, SENDER, TOKEN
from tests.faults.provider import OTHER_ACCOUNT
from tests.faults.script import BEGIN, TIMEOUT, draw
from tests.faults.worker import WANTED, Second, Tapped


@dataclass
class Lane:
    """What the runs of a lane share. The web application is made once and bound to each run's database by its name."""

    server: Embedded
    engine: Engine
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
        rt = _runtime(board, f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{provider_port}")
        url = server.url(stage.RUN)
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
        made = Lane(server, engine, board, nurse, rt, _application(url, rt), web, web_port, provider_port)
        _warm(made)
        try:
            yield made
        finally:
            web.close()


def _runtime(board: Board, here: str, there: str) -> Runtime:
    """The outside: a simulated clock and two accounts at one provider, each a channel."""
    known = {"auth_token": TOKEN, "sender": SENDER, "public_url": here, "base_url": there, "timeout": TIMEOUT}
    channels = [Tapped(account_sid=ACCOUNT, **known), Second(account_sid=OTHER_ACCOUNT, **known)]  # type: ignore[arg-type]
    return Runtime(clock=board.now, channels={one.name: one for one in channels}, public_url=here)


def _application(url: str, rt: Runtime) -> Flask:
    """The real web application; nothing is connected before it is forked."""
    settings = Settings(
        database_url=SecretStr(url),
        secret_key=SecretStr(secrets.token_hex(32)),
        care_keys=SecretStr("faults:" + b64encode(stage.KEYS.keys["faults"]).decode()),
        care_token_key=SecretStr(b64encode(stage.KEYS.token_key).decode()),
        public_url=rt.public_url,
    )
    app = create_app(settings, rt)
    app.before_request(lambda: Tapped.fuse.enter("web"))
    return app


def _warm(lane: Lane) -> None:
    """Do once in the parent what every process would have to do for the first time: read, compile, import."""
    lane.server.ensure_database(stage.RUN, stage.TEMPLATE)
    lane.board.begin(BEGIN)
    with Session(lane.engine, expire_on_commit=False) as session, tempfile.NamedTemporaryFile() as history:
        Tapped.history = history.name
        script, rt = draw(1), replace(lane.rt, lines=Lines())
        stage.enrol(session, lane.rt, lane.nurse, script, history.name)
        for number, words in enumerate(("my chest pain", "3", "STOP", "hello")):
            sender = script.people[number].address if number < 3 else "+12025550188"
            inbox.receive(session, lane.rt, Incoming("sms", sender, words, f"SM{number}", BEGIN))
        for hours in (0, 1, 5, 40):
            lane.board.set(BEGIN + timedelta(hours=hours))
            for name in WANTED:
                job(name).run(session, rt)
    with lane.app.app_context():
        lane.app.test_client().post("/webhooks/twilio/status")
        lane.app.extensions["sqlalchemy"].engine.dispose()
    lane.engine.dispose()
    lane.server.drop_database(stage.RUN)
    gc.collect()
    gc.freeze()  # what a child does not look at stays shared with it
