"""The workers and the web process of a run: what the product composes, with a simulated clock and a fuse."""

from __future__ import annotations

import json
import os
import random
import socket
import time
from dataclasses import replace

from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from bots.sms import TwilioSms
from care.domain.message import Outgoing, Sent
from care.runtime import Runtime
from scheduler.clock import tick
from scheduler.jobs import JOBS
from tests.faults.board import Board
from tests.faults.fuse import Fuse

IDLE = 0.012  # seconds between two rounds of a worker
WANTED = ("expand", "remind", "page", "turns", "score", "deliver")


class Tapped(TwilioSms):
    """The real channel; what it is about to send is written down, and a fuse may end the process around it."""

    fuse = Fuse()
    history = ""
    now = ""

    def send(self, message: Outgoing) -> Sent:
        """Send, with a boundary before and after."""
        line = {"kind": "intent", "id": str(message.id), "to": message.to, "now": self.now, "pid": os.getpid()}
        line |= {"claimed": self.fuse.claimed, "mono": time.monotonic()}
        with open(self.history, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.fuse.reach("before-send")
        try:
            return super().send(message)
        finally:
            self.fuse.reach("after-accept")


def work(url: str, board: Board, rt: Runtime, seat: int, fuse: Fuse, history: str) -> None:
    """A worker: all jobs in turn, in any order, until it is killed. Never returns."""
    channel = rt.channels["sms"]
    assert isinstance(channel, Tapped)
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    fuse.watch(engine)
    open_session = sessionmaker(engine, expire_on_commit=False)
    channel.fuse, channel.history = fuse, history

    def clock():  # type: ignore[no-untyped-def]
        now = board.now()
        channel.now = now.isoformat()
        return now

    rt = replace(rt, clock=clock)
    jobs = [job for job in JOBS if job.name in WANTED]
    dice = random.Random(os.getpid())
    while True:
        dice.shuffle(jobs)
        for job in jobs:
            board.checkpoint(seat)
            fuse.enter(job.name)
            tick(job, open_session, rt)
        time.sleep(IDLE * (0.5 + dice.random()))


def serve(app: Flask, listener: socket.socket, fuse: Fuse) -> None:
    """The web process: the real webhooks behind a threading server. Never returns."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            """Say nothing."""

    with app.app_context():
        fuse.watch(app.extensions["sqlalchemy"].engine)
    app.before_request(lambda: fuse.enter("web"))
    listener.setblocking(True)
    host, port = listener.getsockname()
    server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=listener.fileno())
    server.serve_forever()


def session_of(url: str) -> sessionmaker[Session]:
    """Sessions of the conductor: a nurse's acts and the questions that tell whether a run has settled."""
    engine = create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=1, hide_parameters=True)
    return sessionmaker(engine, expire_on_commit=False)
