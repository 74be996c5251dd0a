"""A provider on the loopback that speaks Twilio's Messages API and misbehaves by script, in a process of its own.

It imports nothing of the product. What it accepted it writes to a file before it answers, and it looks messages up in
its own records as a provider would. Receipts and texts are brought to us signed, again and again until they are taken.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import random
import signal
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.faults.board import Board
from tests.faults.script import TIMEOUT, Manners

ACCOUNT, OTHER_ACCOUNT = "AC" + "1" * 32, "AC" + "2" * 32
TOKEN = "a-token-of-the-fault-matrix"
SENDER = "+12025550199"
BRINGING = 400  # tries, fifty a second: longer than any restart of the database


@dataclass
class Provider:
    """Everything one provider process has."""

    board: Board
    manners: Mapping[str, Manners]  # by account
    history: str
    web: tuple[str, int]
    replies: dict[str, list[str]]
    listener: socket.socket
    patience: float = 2 * TIMEOUT  # how long a hanging answer hangs
    kept: list[dict[str, Any]] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.manners[ACCOUNT].seed)
        self.file = open(self.history, "a", encoding="utf-8")  # noqa: SIM115  (as long as the process)

    def note(self, kind: str, **what: Any) -> None:
        """Append one record to the history."""
        what |= {"kind": kind, "mono": time.monotonic(), "now": self.board.now().isoformat()}
        self.file.write(json.dumps(what) + "\n")
        self.file.flush()

    # --- taking messages --------------------------------------------------------------------------------------------

    def accept(self, account: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Take a message: from here on it will reach its phone."""
        sid = f"SM{self.dice.getrandbits(128):032x}"
        callback = fields.get("StatusCallback", "")
        ours = parse_qs(urlsplit(callback).query).get("id", [""])[0]
        now = format_datetime(self.board.elsewhere())
        message = {
            "sid": sid,
            "account_sid": account,
            "to": fields["To"],
            "from": fields.get("From", SENDER),
            "body": fields["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "date_created": now,
            "date_sent": now,
            "date_updated": now,
            "error_code": None,
            "error_message": None,
            "num_segments": "1",
            "num_media": "0",
            "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
        }
        self.kept.append(message)
        self.note("accepted", id=ours, to=fields["To"], sid=sid)
        if account == ACCOUNT:  # the other channel has no receipts
            self.receipts(message, callback, ours, self.manners[account])
        waiting = self.replies.get(fields["To"])
        if waiting:
            self.later(self.bring_text(fields["To"], waiting.pop(0), self.dice.random() * 0.05))
        return message

    def receipts(self, message: dict[str, Any], callback: str, ours: str, manners: Manners) -> None:
        """Decide what will be said of a message, how often and in which order."""
        last = "undelivered" if self.dice.random() < manners.undelivered else "delivered"
        words = ["sent", last]
        message["becomes"] = last
        if self.dice.random() < manners.never:
            return
        words += [word for word in words if self.dice.random() < manners.twice]
        if self.dice.random() < manners.shuffled:
            self.dice.shuffle(words)
        pause = self.dice.random() * (0.3 if self.dice.random() < manners.late else 0.01)
        self.later(self.bring_receipts(message, callback, ours, words, pause))

    async def bring_receipts(
        self, message: dict[str, Any], callback: str, ours: str, words: list[str], pause: float
    ) -> None:
        """Bring the receipts of one message, each until it is taken."""
        for word in words:
            await asyncio.sleep(pause)
            if message["status"] != "delivered":
                message["status"] = word
            fields = {"MessageSid": message["sid"], "MessageStatus": word, "AccountSid": ACCOUNT}
            if word == "undelivered":
                fields["ErrorCode"] = "30005"
            status = await self.bring(urlsplit(callback).path + "?" + urlsplit(callback).query, fields)
            self.note("receipt", id=ours, sid=message["sid"], word=word, status=status)

    # --- bringing texts ---------------------------------------------------------------------------------------------

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
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.done)

    def done(self, task: asyncio.Task[None]) -> None:
        """One less."""
        self.tasks.discard(task)
        self.waiting -= 1
        self.board.owed = self.waiting

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, as long as it is kept alive."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, target, _ = head.split("\r\n", 1)[0].split(" ", 2)
                length = next(
                    (int(one.split(":")[1]) for one in head.split("\r\n") if one.lower().startswith("content-length")),
                    0,
                )
                body = (await reader.readexactly(length)).decode() if length else ""
                if method == "POST":
                    going = await self.take(
                        _account(target), {key: one[0] for key, one in parse_qs(body, True).items()}, writer
                    )
                else:
                    going = await self.look_up(target, writer)
                if not going:
                    return
        except (OSError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def take(self, account: str, fields: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        """Answer one message as the script has it; False when the connection is over."""
        manners = self.manners[account].odds
        how = self.manners[account].special.get(fields["To"])
        how = how or self.dice.choices(list(manners), list(manners.values()))[0]
        if how in REFUSALS:
            status, code, more = REFUSALS[how]
            self.note("refused", to=fields["To"], code=code, how=how)
            return await answer(writer, status, {"code": code, "message": how, "status": status}, more)
        if how.endswith("-before"):
            self.note("refused", to=fields["To"], code=0, how=how)
        else:
            message = self.accept(account, fields)
        match how.split("-")[0]:
            case "500":
                return await answer(writer, 500, {"code": 20500, "message": "internal", "status": 500})
            case "503":
                return await raw(writer, b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
            case "hang":
                await asyncio.sleep(self.patience)
                return False
            case "garbage":
                return await raw(writer, b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n<html>\xff\xfe!")
            case "half":
                await raw(writer, b'HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{"sid": "S')
                return False
            case "no":
                return await answer(writer, 201, {})
            case "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return False
            case "slow" | "early":
                await asyncio.sleep(TIMEOUT * 0.4)
        return await answer(writer, 201, {**message, "becomes": None})

    async def look_up(self, target: str, writer: asyncio.StreamWriter) -> bool:
        """The list of messages to a number, or one message, from our own records."""
        asked = urlsplit(target)
        query = {key: one[0] for key, one in parse_qs(asked.query).items()}
        self.note("asked", to=query.get("To", ""))
        if self.dice.random() < self.manners[_account(target)].lookup_trouble:
            if self.dice.random() < 0.5:
                return await answer(writer, 500, {"code": 20500, "message": "internal", "status": 500})
            await asyncio.sleep(self.patience)
            return False
        if not asked.path.endswith("/Messages.json"):
            sid = asked.path.rsplit("/", 1)[1].removesuffix(".json")
            one = next((message for message in self.kept if message["sid"] == sid), None)
            return await answer(writer, 200 if one else 404, self.shown(one) if one else {"code": 20404, "status": 404})
        found = [
            self.shown(one)
            for one in reversed(self.kept)
            if one["account_sid"] == _account(target) and _matches(one, query)
        ]
        size = int(query.get("PageSize", "50"))
        page = {"messages": found[:size], "page": 0, "page_size": size, "next_page_uri": None, "uri": asked.path}
        return await answer(writer, 200, page | {"first_page_uri": asked.path, "previous_page_uri": None})

    def shown(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message as the API shows it."""
        return {key: value for key, value in message.items() if key != "becomes"}

    def told(self, pipe: int) -> None:
        """The conductor says that somebody writes: one JSON object a line."""
        for line in os.read(pipe, 65536).decode().splitlines():
            one = json.loads(line)
            self.later(self.bring_text(one["sender"], one["words"], one["delay"], one["says"], one["twice"]))
            self.board.begun += 1

    async def run(self, pipe: int) -> None:
        """Serve until the process ends; SIGUSR1 shuts the door for a while."""
        asyncio.get_running_loop().add_reader(pipe, self.told, pipe)
        server = await asyncio.start_server(self.serve, sock=self.listener)
        address = self.listener.getsockname()
        down = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, down.set)
        while True:
            await down.wait()
            server.close()
            await asyncio.sleep(0.3)
            down.clear()
            server = await asyncio.start_server(self.serve, *address, reuse_address=True)


REFUSALS: dict[str, tuple[int, int, str]] = {
    "429-hour": (429, 20429, "Retry-After: 3600\r\n"),
    "429-soon": (429, 20429, "Retry-After: 5\r\n"),
    "bad-number": (400, 21211, ""),
    "opted-out": (400, 21610, ""),
}


def _account(target: str) -> str:
    return target.split("/Accounts/", 1)[-1].split("/", 1)[0]


def _matches(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Whether a message is among those asked for, the way Twilio filters: equal numbers, days of sending."""
    if any(query.get(name, message[key]) != message[key] for name, key in (("To", "to"), ("From", "from"))):
        return False
    sent = datetime.strptime(message["date_sent"], "%a, %d %b %Y %H:%M:%S %z")
    for name, passes in (("DateSent", "eq"), ("DateSent>", "after"), ("DateSent<", "before")):
        if name not in query:
            continue
        asked, at = query[name], sent.isoformat()
        asked, at = (asked[:10], at[:10]) if len(asked) == 10 else (asked[:19].replace(" ", "T"), at[:19])
        if (
            (passes == "eq" and at != asked)
            or (passes == "after" and at < asked)
            or (passes == "before" and at > asked)
        ):
            return False
    return True


async def raw(writer: asyncio.StreamWriter, data: bytes) -> bool:
    """Write bytes as they are."""
    writer.write(data)
    await writer.drain()
    return True


async def answer(writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any], more: str = "") -> bool:
    """Write a JSON answer."""
    payload = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n{more}\r\n"
    return await raw(writer, head.encode() + payload)
