"""The web's worker: gunicorn's threads, which wait a moment for the next request before they give a connection back.

Giving it back and being called again is two changes of thread, which cost more than a small request does. A caller that
has more to say (a proxy, a provider in a hurry) says it within that moment.

And the busier of two workers reaches later for a new connection: whoever happened to wake first would otherwise take
three of four, and their requests would wait for one interpreter while the other one idles.
"""

from __future__ import annotations

import select
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

MOMENT = 3  # milliseconds
MANNERS, MOST = 0.001, 4  # seconds that a worker holds back for each connection it serves, and for how many at most


class Gathered:
    """A socket that sends the head of an answer with the beginning of its body.

    gunicorn sends them one after the other, and the caller is woken twice for an answer of one line.
    """

    def __init__(self, sock: Any) -> None:
        self._sock, self._head, self._begun = sock, b"", False

    def sendall(self, data: bytes) -> None:
        """Keep the first piece back until the next one comes."""
        if not self._begun:
            self._begun, self._head = True, data
            return
        head, self._head = self._head, b""
        self._sock.sendall(head + data if head else data)

    def flush(self) -> None:
        """Send what was kept back."""
        head, self._head = self._head, b""
        if head:
            self._sock.sendall(head)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the socket's own, and comes after what was kept back."""
        self.flush()
        return getattr(self._sock, name)


class LingeringWorker(ThreadWorker):  # type: ignore[misc]
    """A ThreadWorker whose threads stay with a connection while it speaks and nobody else waits for a thread."""

    pause = staticmethod(time.sleep)

    def accept(self, listener: Any) -> None:
        """Take a new connection, unless a worker with less to do takes it first."""
        serving = self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns)
        if serving > 0:
            self.pause(MANNERS * min(serving, MOST))
        super().accept(listener)

    def handle(self, conn: Any) -> Any:
        """Handle a connection's request, and those that follow at once."""
        while True:
            result = super().handle(conn)
            if result is not True or not self.alive or not self._goes_on(conn):
                return result

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request in as few pieces as it has."""
        plain, conn.sock = conn.sock, Gathered(conn.sock)
        try:
            result = super().handle_request(req, conn)
            conn.sock.flush()
            return result
        finally:
            conn.sock = plain

    def _goes_on(self, conn: Any) -> bool:
        if self.tpool._work_queue.qsize():  # another connection waits for a thread
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(MOMENT))
