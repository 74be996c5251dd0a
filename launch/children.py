"""The processes of `make run`: started, their lines named, started again when they die, stopped together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MOST_RESTARTS = 5  # in a row; then something is wrong that a restart does not mend
LONGEST_PAUSE = 300.0  # seconds before one that is not vital is tried again
SETTLED = 60.0  # seconds alive after which a child's earlier deaths are forgotten
GRACE = 15.0  # seconds between asking and killing
PR_SET_PDEATHSIG = 1

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None
_writing = threading.Lock()


def say(name: str, line: str) -> None:
    """One whole line on the screen, with the name of who says it. A closed screen is no reason to stop."""
    with _writing, contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{name:<9} | {line}\n")
        sys.stdout.flush()


@dataclass
class Child:
    """One process that shall run for as long as we do; without one that is not `vital` the others go on."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    vital: bool = True
    deaths: int = 0
    start_again_at: float | None = None
    started_at: float = 0.0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it. Call from the main thread: Linux ends the child when the thread that started it ends."""
        self.started_at = time.monotonic()
        self.start_again_at = None
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(self.environment),
            start_new_session=True,  # Ctrl-C is for us, who stop all of them in order
            preexec_fn=_end_with_parent if _prctl else None,
        )
        threading.Thread(target=self._pass_on_lines, args=(self.process,), daemon=True).start()

    def _pass_on_lines(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                say(self.name, line.decode(errors="replace").rstrip("\r\n"))

    def signal(self, number: int) -> None:
        """Signal it, if it lives; SIGKILL goes to what it started as well."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if number == signal.SIGKILL:
                    os.killpg(self.process.pid, number)
                else:
                    self.process.send_signal(number)

    def ended(self) -> int | None:
        """Its exit code, once it has one."""
        return None if self.process is None else self.process.poll()


def _end_with_parent() -> None:
    """In the child, before it becomes its program: should we be killed outright, nothing of ours stays behind."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Children:
    """All of them. `look_after` is called again and again; `stop` once."""

    def __init__(self, first_pause: float = 1.0) -> None:
        """The pause before a restart, in seconds, doubles with each death in a row."""
        self._first_pause = first_pause
        self._all: list[Child] = []

    def add(self, child: Child) -> None:
        """Start a child and keep it running from now on."""
        child.start()
        self._all.append(child)

    def look_after(self) -> bool:
        """Note deaths and start again what is due; False when a vital one dies again and again."""
        now = time.monotonic()
        for child in self._all:
            code = child.ended()
            if code is None:
                continue
            if child.start_again_at is None:
                child.deaths = 1 if now - child.started_at > SETTLED else child.deaths + 1
                if child.deaths > MOST_RESTARTS and child.vital:
                    say(child.name, f"ended {child.deaths} times in a row, the last with code {code}: giving up")
                    return False
                pause = min(self._first_pause * 2 ** min(child.deaths - 1, 20), LONGEST_PAUSE)
                say(child.name, f"ended with code {code}; starting it again in {pause:.0f} s")
                child.start_again_at = now + pause
            elif now >= child.start_again_at:
                child.start()
        return True

    def stop(self) -> None:
        """Ask all to end, wait, and kill those that don't."""
        for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 5.0)):
            for child in self._all:
                child.signal(number)
            end = time.monotonic() + seconds
            while time.monotonic() < end and any(_lives(child) for child in self._all):
                time.sleep(0.02)


def _lives(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None


def run_once(child: Child, cancelled: Callable[[], bool]) -> int | None:
    """Run a child to its end; its exit code, or None when we were told to stop and stopped it."""
    child.start()
    while (code := child.ended()) is None:
        if cancelled():
            children = Children()
            children._all.append(child)
            children.stop()
            return None
        time.sleep(0.02)
    return code
