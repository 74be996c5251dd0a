"""The web's worker: gunicorn's threads, which wait a moment for the next request before they give a connection back.

Giving it back and being called again is two changes of thread, which cost more than a small request does. A caller that
has more to say (a proxy, a provider in a hurry) says it within that moment.
"""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

MOMENT = 3  # milliseconds


class LingeringWorker(ThreadWorker):  # type: ignore[misc]
    """A ThreadWorker whose threads stay with a connection while it speaks and nobody else waits for a thread."""

    def handle(self, conn: Any) -> Any:
        """Handle a connection's request, and those that follow at once."""
        while True:
            result = super().handle(conn)
            if result is not True or not self.alive or not self._goes_on(conn):
                return result

    def _goes_on(self, conn: Any) -> bool:
        if self.tpool._work_queue.qsize():  # another connection waits for a thread
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(MOMENT))
