"""One run: the processes are started, the script is played, time is moved on until nothing is left to do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from care.errors import CareError
from care.records.patients import ContactPoint
from care.services import escalations
from tests.faults import processes, record, stage
from tests.faults.fuse import Fuse
from tests.faults.lane import Lane
from tests.faults.looking import JOB, LOOK, PASS, UNWILLING, to_close
from tests.faults.messenger import ACCOUNT
from tests.faults.provider import OTHER_ACCOUNT, Provider
from tests.faults.script import BEGIN, HORIZON_DAYS, WORKERS, Blow, Script
from tests.faults.worker import EVERYTHING, WANTED, serve, work

BOUND = 150.0  # seconds of real time that a run may take
MOST_DEATHS = 60  # more than any script asks for
LAST = 0.15  # seconds for which the last receipts are waited for
FROZEN = 0.6  # seconds of real time that somebody stays frozen
PATIENCE = 0.25  # seconds without progress after which time passes
BRIEFLY = text("SET LOCAL lock_timeout = '200ms'")  # who is frozen may hold rows, and only the conductor wakes them
HORIZON = BEGIN + timedelta(days=HORIZON_DAYS)
WEB = WORKERS  # the seat of the web process


class Play:
    """The conductor of one run. `history` is the file that everybody appends to."""

    def __init__(self, lane: Lane, script: Script, folder: Path) -> None:
        self.lane, self.script, self.board = lane, script, lane.board
        self.history, self.log = str(folder / "history.jsonl"), str(folder / "log.txt")
        self.dice = random.Random(script.seed ^ 0x5EED)
        self.sessions = sessionmaker(lane.engine, expire_on_commit=False)
        self.pids: dict[int, int] = {}
        self.lives = [0] * (WORKERS + 1)
        self.provider = 0
        self.moves, self.moved = 0, 0.0
        self.blows, self.texts = list(script.blows), list(script.texts)
        self.mouth = os.pipe()
        self.state: Any = None
        self.since = 0.0
        self.opted_out: set[Any] = set()
        self.deaths = 0
        self.orphans = False
        self.frozen: dict[int, float] = {}

    # --- the frame --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Play it to the end; the history then holds everything."""
        self.lane.server.ensure_database(stage.RUN, stage.TEMPLATE)
        try:
            self.board.begin(BEGIN)
            with self.sessions() as session:
                stage.enrol(session, self.lane.rt, self.lane.nurse, self.script, self.history)
            self.start()
            began = self.moved = self.since = time.monotonic()
            while not self.step():
                if time.monotonic() - began > BOUND:
                    self.note("unsettled", why=f"{self.state}, {self.board.owed} owed, at {self.board.now()}")
                    break
                time.sleep(0.025)
        finally:
            self.stop()
        self.finish()

    def start(self) -> None:
        """Fork the provider, the web process and the workers."""
        replies = {one.address: list(one.replies) for one in self.script.people}
        self.board.owed = self.board.begun = 0
        listener = processes.listening(self.lane.provider_port)
        web = ("127.0.0.1", self.lane.web_port)
        self.provider = processes.fork(lambda: self.provide(listener, web, replies), self.log)
        listener.close()
        for seat in range(WORKERS + 1):
            self.employ(seat)

    def provide(self, listener: Any, web: tuple[str, int], replies: dict[str, list[str]]) -> None:
        """The provider's process."""
        manners = {ACCOUNT: self.script.manners, OTHER_ACCOUNT: self.script.second}
        made = Provider(self.board, self.history, web, manners, replies, listener)
        asyncio.run(made.run(self.mouth[0]))

    def employ(self, seat: int) -> None:
        """Put a new worker (or web process) on a seat, with the fuse that its life was given."""
        life, self.lives[seat] = self.lives[seat], self.lives[seat] + 1
        fuse = Fuse()
        for death in self.script.deaths:
            if (death.seat, death.life) == (seat, life):
                fuse = Fuse(death.job, death.boundary, death.count, death.freeze)
        lane = self.lane
        if seat == WEB:
            self.pids[seat] = processes.fork(lambda: serve(lane.app, lane.web, fuse), self.log)
        else:
            begin = (lane.engine, self.board, lane.rt, seat, fuse, self.history)
            self.pids[seat] = processes.fork(lambda: work(*begin, carried=self.script.carried), self.log)

    def stop(self) -> None:
        """End every process of the run."""
        for pid in [*self.pids.values(), self.provider]:
            if pid:
                processes.kill(pid)
        self.pids.clear()
        self.board.resume()

    def finish(self) -> None:
        """Write the final rows and drop the database."""
        if not self.lane.server.running():
            self.lane.server.start()
        with self.sessions() as session:
            record.write(session, self.history)
        self.lane.engine.dispose()
        for end in self.mouth:
            os.close(end)
        self.lane.server.drop_database(stage.RUN)

    def note(self, kind: str, **what: Any) -> None:
        """Append one record to the history."""
        with open(self.history, "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "mono": time.monotonic(), **what}) + "\n")

    # --- a step -----------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Bury and replace the dead, strike, look, and move time on; True when all is settled."""
        self.replace_dead()
        self.strike()
        state = self.look()
        if state is None:
            self.board.due = EVERYTHING
            return False
        now = time.monotonic()
        if state != self.state:
            self.state, self.since = state, now
        said = len(self.script.texts) - len(self.texts)
        due = any(one[1] for one in state) or self.board.owed or self.board.begun < said
        leased = any(one[3] for one in state)
        self.board.due = sum(
            1 << WANTED.index(name) for name in {JOB.get(one[0], "deliver") for one in state if one[2]}
        )
        if not due and not leased and not self.frozen:
            return self.nurse() and self.move(state)
        if leased and self.orphans and now - self.since > PATIENCE / 2:
            self.pass_leases()
        elif now - self.since > (2 * PATIENCE if leased or self.board.owed else PATIENCE):
            self.pass_leases()
            self.board.set(self.board.now() + timedelta(seconds=self.dice.choice((5, 30, 120))))
            self.since = now
        return False

    def replace_dead(self) -> None:
        """Whoever died is replaced at once; who is frozen wakes after a while. Raises when the play itself broke."""
        if processes.state(self.provider) == "gone" or self.deaths > MOST_DEATHS:
            raise RuntimeError(f"a process of the run does not stand: see {self.log}")
        for seat, pid in list(self.pids.items()):
            state = processes.state(pid)
            if state == "frozen":
                self.note("frozen", seat=seat)
                self.frozen[seat] = time.monotonic() + FROZEN
                self.orphans = True
            elif state == "gone":
                self.frozen.pop(seat, None)
                self.deaths += 1
                self.orphans = True
                self.note("death", seat=seat, life=self.lives[seat])
                self.employ(seat)
            elif seat in self.frozen and self.frozen[seat] < time.monotonic():
                del self.frozen[seat]
                processes.kill(pid, signal.SIGCONT, wait=False)

    def strike(self) -> None:
        """The blows whose time has come."""
        elapsed = time.monotonic() - self.moved
        for blow in list(self.blows):
            if blow.move < self.moves or (blow.move == self.moves and blow.delay <= elapsed):
                self.blows.remove(blow)
                self.note("blow", what=blow.what, size=blow.size)
                self.hit(blow)
        for one in list(self.texts):
            if one.move <= self.moves:
                self.texts.remove(one)
                os.write(self.mouth[1], (json.dumps(vars(one)) + "\n").encode())

    def hit(self, blow: Blow) -> None:
        """One blow."""
        match blow.what:
            case "kill":
                processes.kill(self.pids[int(blow.size)], wait=False)
            case "kill-web":
                processes.kill(self.pids[WEB], wait=False)
            case "database-restart" | "database-crash":
                self.orphans = True
                stage.restart(self.lane.server, blow.what == "database-crash")
            case "database-cut":
                self.orphans = True
                with contextlib.suppress(SQLAlchemyError), self.sessions() as session:
                    session.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
                            " AND pid <> pg_backend_pid()"
                        ),
                        {"name": stage.RUN},
                    )
            case "provider-down":
                processes.kill(self.provider, signal.SIGUSR1, wait=False)
            case "step":
                self.board.step(blow.size)

    def look(self) -> list[tuple[Any, ...]] | None:
        """What is due and leased in every queue; None while the database is away."""
        try:
            with self.sessions() as session:
                for contact, at, why in session.execute(UNWILLING):
                    if (contact, why) not in self.opted_out:
                        self.opted_out.add((contact, why))
                        address = session.get_one(ContactPoint, contact).address
                        self.note("opted-out", address=address, at=at, why=why)
                return [tuple(row) for row in session.execute(LOOK, {"now": self.board.now()})]
        except SQLAlchemyError:
            return None

    # --- time -------------------------------------------------------------------------------------------------------

    def pass_leases(self) -> None:
        """Let the leases run out of all whose holders are dead, done or frozen: the others are between two ticks."""
        number = self.board.pause()
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                self.replace_dead()
                if all(seat in self.frozen or self.board.paused(seat) == number for seat in range(WORKERS)):
                    break
                time.sleep(0.002)
            else:
                return
            if self.frozen:  # for everybody else more time has passed than their leases last
                self.board.set(self.board.now() + timedelta(minutes=6))
            with contextlib.suppress(SQLAlchemyError), self.sessions() as session:
                session.execute(BRIEFLY)
                for statement in PASS:
                    session.execute(statement)
                session.connection().commit()
            self.orphans = False
        finally:
            self.board.resume()
            self.since = time.monotonic()

    def move(self, state: list[tuple[Any, ...]]) -> bool:
        """Move the clock to the next due moment, or a little past it; True when there is none."""
        moments: list[datetime] = [one[4] for one in state if one[4] is not None]
        if not moments or min(moments) > HORIZON:
            if self.blows or self.texts:
                self.moves += 1
                return False
            if not self.board.closing:
                self.board.close()
                self.since = time.monotonic()
            return time.monotonic() - self.since > LAST
        leap = timedelta(minutes=self.dice.random() * self.script.leap)
        self.board.set(max(self.board.now(), min(moments)) + leap)
        self.moves += 1
        self.moved = self.since = time.monotonic()
        self.note("moved", now=self.board.now().isoformat())
        return False

    def nurse(self) -> bool:
        """The nurse closes what she was paged for, or finds on her list; False when she had something to do."""
        before = self.board.now() - timedelta(minutes=self.script.patience)
        try:
            with self.sessions() as session:
                ids = list(session.scalars(to_close(before)))
                for one in ids:
                    session.execute(BRIEFLY)
                    escalations.accept(session, self.lane.rt, self.lane.nurse, one)
                    session.execute(BRIEFLY)
                    escalations.complete(session, self.lane.rt, self.lane.nurse, one, "phoned")
                return not ids
        except (SQLAlchemyError, CareError):
            return False
