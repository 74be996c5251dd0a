"""The processes of a run: forked from a parent that has imported everything, so that a new one stands in milliseconds.

A child never returns: it ends by a signal or by leaving at once, so that nothing of the parent is closed by it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def fork(work: Callable[[], object], log: str) -> int:
    """Run `work` in a child whose words go to the file `log`; its process id. The child dies with its parent."""
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        work()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


def end_with_parent() -> None:
    """Leave in order (what was started is stopped) when the parent is gone, or when told to."""

    def leave(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, leave)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def state(pid: int) -> str:
    """What has become of a child: running, frozen since it was last asked, or gone (and buried now)."""
    with suppress(ChildProcessError):
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if not found:
            return "running"
        return "frozen" if os.WIFSTOPPED(status) else "gone"
    return "gone"


def kill(pid: int, number: int = signal.SIGKILL, wait: bool = True) -> None:
    """Signal a child; wait for its end."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    if wait:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def listening(port: int = 0) -> socket.socket:
    """A listening socket on the loopback, on this port or on a free one."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(512)
    made.setblocking(False)
    return made
