"""The workers and the web process of a run: what the product composes, with a simulated clock and a fuse."""

from __future__ import annotations

import json
import os
import random
import socket
import time
from dataclasses import replace
from uuid import UUID

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from bots.sms import TwilioSms
from care.domain.message import Outgoing, Sent
from care.lines import Line, Lines
from care.runtime import Runtime
from care.services import deliveries, due
from care.services.queue import Worked
from scheduler.clock import tick
from scheduler.jobs import CARRIED, JOBS, Job
from tests.faults.board import Board
from tests.faults.fuse import Fuse

IDLE = 0.015  # seconds between two rounds of a worker
KEEN = 0.4  # odds that a worker looks at a job that has something to do
ANYWAY = 0.003  # odds that it does though the conductor saw nothing
LOST_OR_DOUBLED = 0.4  # odds of each of the two copies of an id to arrive
WANTED = ("expand", "remind", "page", "turns", "score", "deliver")
EVERYTHING = (1 << len(WANTED)) - 1


class SimulatedLines(Lines):
    """Lines whose breakers wait in simulated time."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def line(self, channel: str) -> Line:
        with self._lock:
            return self._lines.setdefault(channel, Line(channel, self._board.monotonic))


class Tapped(TwilioSms):
    """The real channel; what it is about to send is written down, and a fuse may end the process around it."""

    fuse = Fuse()
    history = ""
    sabotage = ""  # what this channel does wrong on purpose

    def send(self, message: Outgoing) -> Sent:
        """Send, with a boundary before and after."""
        line = {"kind": "intent", "id": str(message.id), "to": message.to, "pid": os.getpid(), "channel": self.name}
        with open(self.history, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.fuse.reach("before-send")
        if self.sabotage == "swallow":
            return Sent(f"SM{message.id.hex}")
        try:
            if self.sabotage == "send-twice":
                super().send(message)
            return super().send(message)
        finally:
            self.fuse.reach("after-accept")


class Second(Tapped):
    """The same adapter as another channel, whose provider gives no receipts."""

    name = "whatsapp"
    capabilities = replace(TwilioSms.capabilities, receipts=False)


def work(engine: Engine, board: Board, rt: Runtime, seat: int, fuse: Fuse, history: str, *, carried: bool) -> None:
    """A worker: all jobs in turn, in any order, until it is killed. Never returns.

    The engine is the parent's for what it has compiled; its connections are this process's own.
    """
    engine.dispose(close=False)
    fuse.watch(engine)
    open_session = sessionmaker(engine, expire_on_commit=False)
    Tapped.fuse, Tapped.history = fuse, history
    rt = replace(rt, lines=SimulatedLines(board))
    dice = random.Random(os.getpid())
    jobs = [_carried(job, dice) if carried else job for job in JOBS if job.name in WANTED]

    def hands_free() -> bool:
        """Whether nothing of ours is out any more, after what came back was written down."""
        fuse.running = "deliver"
        try:
            with open_session() as session:
                return deliveries.settle(session, rt, rt.now()) == 0
        except DBAPIError:
            return False

    while True:
        hands_free()
        dice.shuffle(jobs)
        for job in jobs:
            board.checkpoint(seat, hands_free)
            if dice.random() > (KEEN if board.due >> WANTED.index(job.name) & 1 else ANYWAY):
                continue
            fuse.enter(job.name)
            tick(job, open_session, rt)
        time.sleep(IDLE * (0.5 + dice.random()))


def _carried(job: Job, dice: random.Random) -> Job:
    """The job as a carrier brings it: ids of what is due, some of them lost, some twice, and some long done with."""
    if job.name not in CARRIED:
        return job
    known: list[UUID] = []

    def run(session: Session, rt: Runtime) -> Worked:
        ids = [one.id for one in due.waiting(session, job.name, rt.now(), 50)]
        known.extend(ids)
        brought = [one for one in (*ids, *ids) if dice.random() < LOST_OR_DOUBLED] + dice.sample(known, len(known) // 4)
        if brought:
            CARRIED[job.name](session, rt, brought)
        return Worked()

    return replace(job, run=run)


def serve(app: Flask, listener: socket.socket, fuse: Fuse) -> None:
    """The web process: the real webhooks behind a threading server. Never returns."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            """Say nothing."""

    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose(close=False)
        fuse.watch(app.extensions["sqlalchemy"].engine)
    Tapped.fuse = fuse
    listener.setblocking(True)
    host, port = listener.getsockname()
    server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=listener.fileno())
    server.serve_forever()
