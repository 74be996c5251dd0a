"""What a provider brings to us: receipts and texts, signed, again and again until they are taken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time
from dataclasses import dataclass
from typing import Any, TextIO
from urllib.parse import urlencode

from tests.faults.board import Board

ACCOUNT = "AC" + "1" * 32
TOKEN = "a-token-of-the-fault-matrix"
SENDER = "+12025550199"
BRINGING = 400  # tries, fifty a second: longer than any restart of the database


@dataclass
class Messenger:
    """The half of a provider that calls us; everything it does is appended to the history."""

    board: Board
    history: str
    web: tuple[str, int]

    def open(self, dice: random.Random) -> None:
        """Begin."""
        self.dice = dice
        self.file: TextIO = open(self.history, "a", encoding="utf-8")  # noqa: SIM115  (as long as the process)
        self.tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0

    def note(self, kind: str, **what: Any) -> None:
        """Append one record to the history."""
        what |= {"kind": kind, "mono": time.monotonic(), "now": self.board.now().isoformat()}
        self.file.write(json.dumps(what) + "\n")
        self.file.flush()

    async def bring_text(self, sender: str, words: str, delay: float, says: str = "", twice: bool = False) -> None:
        """Bring a text of a phone to us, perhaps twice at once."""
        await asyncio.sleep(delay)
        sid = f"SM{self.dice.getrandbits(128):032x}"
        fields = {"MessageSid": sid, "From": sender, "To": SENDER, "Body": words, "AccountSid": ACCOUNT}
        kind = says or ("stop" if words == "STOP" else "danger" if len(words) > 15 else "words")

        async def once() -> None:
            status = await self.bring("/webhooks/twilio/sms", fields)
            self.note("text", sid=sid, sender=sender, says=kind, status=status)

        await asyncio.gather(*(once() for _ in range(2 if twice else 1)))

    async def bring(self, path: str, fields: dict[str, str]) -> int:
        """POST a signed form until it is taken; the last status, 0 when nobody ever answered."""
        url = f"http://{self.web[0]}:{self.web[1]}{path}"
        signed = url + "".join(key + fields[key] for key in sorted(fields))
        signature = base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        body = urlencode(fields)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.web[0]}:{self.web[1]}\r\nConnection: close\r\n"
            f"X-Twilio-Signature: {signature}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        status = 0
        for _ in range(BRINGING):
            status = await self.call(head + body)
            if 200 <= status < 300 or status in (401, 403, 422):
                break
            await asyncio.sleep(0.02)
        return status

    async def call(self, request: str) -> int:
        """One request to us; its status, 0 without an answer."""
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(*self.web)
                try:
                    writer.write(request.encode())
                    line = await reader.readline()
                finally:
                    writer.transport.abort()
            return int(line.split()[1])
        except (OSError, TimeoutError, IndexError, ValueError):
            return 0

    def later(self, work: Any) -> None:
        """Do something beside; the board says how much is still owed."""
        self.waiting += 1
        self.board.owed = self.waiting
        self.beside(work).add_done_callback(self.done)

    def beside(self, work: Any) -> asyncio.Task[None]:
        """Do something beside that nobody waits for."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def done(self, _: asyncio.Task[None]) -> None:
        """One less."""
        self.waiting -= 1
        self.board.owed = self.waiting
