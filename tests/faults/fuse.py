"""A fuse: a worker's own death (or a long sleep), at a boundary that was chosen before it was born.

Nothing in the product knows of it. It listens to the engine (a statement, a commit) and to the channel (about to send,
sent), all from outside.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

BOUNDARIES = (
    "before-claim",  # the first statement of a tick
    "amid-claim",  # rows are locked and marked, nothing is committed
    "after-claim",  # the first commit of a tick that wrote something is done
    "before-send",  # marked as leaving, not handed over
    "after-accept",  # the provider has answered, nothing is written down
    "before-commit",  # a later commit of the tick, or the only one of a job that has one
    "after-commit",
    "anywhere",
)
ONE_COMMIT = ("remind", "turns", "score", "web")


@dataclass
class Fuse:
    """Dies at the `count`-th time that `boundary` is reached in `job` ('any' is every job); a blank one never does."""

    job: str = ""
    boundary: str = ""
    count: int = 1
    freeze: bool = False  # stopped as a virtual machine may be, and woken after its leases are over
    running: str = ""
    statements: int = 0
    commits: int = 0
    wrote: bool = False

    def enter(self, job: str) -> None:
        """A tick of `job` begins."""
        self.running, self.statements, self.commits, self.wrote = job, 0, 0, False

    def reach(self, boundary: str) -> None:
        """The process is at a boundary: die here, if this is the place."""
        if not self.boundary or (self.job not in ("any", self.running)):
            return
        if self.boundary in (boundary, "anywhere"):
            self.count -= 1
            if self.count == 0 and self.freeze:
                os.kill(os.getpid(), signal.SIGSTOP)
            elif self.count <= 0 and not self.freeze:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: Engine) -> None:
        """Listen to an engine and to every session of this process."""
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        event.listen(engine, "commit", self._committing)
        event.listen(Session, "after_commit", self._committed)

    def _before(self, *_: Any) -> None:
        self.statements += 1
        if self.statements == 1:
            self.reach("before-claim")
        elif self.boundary == "anywhere":
            self.reach("anywhere")

    def _after(self, _c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if cursor.rowcount > 0 and not statement.lstrip()[:6].upper().startswith("SELECT"):
            self.wrote = True

    def _committing(self, _c: Any) -> None:
        if self.wrote:
            self.reach("before-commit" if self.commits or self.running in ONE_COMMIT else "amid-claim")

    def _committed(self, _s: Any) -> None:
        if self.wrote:
            self.wrote = False
            self.commits += 1
            first = self.commits == 1 and self.running not in ONE_COMMIT
            self.reach("after-claim" if first else "after-commit")
