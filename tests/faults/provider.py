"""A provider on the loopback that speaks Twilio's Messages API and misbehaves by script, in a process of its own.

It imports nothing of the product. What it accepted it writes to a file before it answers, and it looks messages up in
its own records as a provider would. Receipts and texts are brought to us signed, again and again until they are taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.answers import REFUSALS, account_of, answer, mark_of, matches, raw
from tests.faults.messenger import ACCOUNT, SENDER, Messenger
from tests.faults.script import TIMEOUT, Manners

OTHER_ACCOUNT = "AC" + "2" * 32


@dataclass
class Provider(Messenger):
    """Everything one provider process has."""

    manners: Mapping[str, Manners]  # by account
    replies: dict[str, list[str]]
    listener: socket.socket
    patience: float = 2 * TIMEOUT  # how long a hanging answer hangs
    kept: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open(random.Random(self.manners[ACCOUNT].seed))

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
        self.note("accepted", id=ours, to=fields["To"], sid=sid, words=mark_of(fields["Body"]))
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
        if self.dice.random() < manners.late:
            wait = timedelta(minutes=self.dice.choice((0.1, 1, 3, 20, 300)) * self.dice.random())
            self.beside(self.hold_receipts(message, callback, ours, words, self.board.elsewhere() + wait))
        else:
            self.later(self.bring_receipts(message, callback, ours, words))

    async def hold_receipts(
        self, message: dict[str, Any], callback: str, ours: str, words: list[str], until: datetime
    ) -> None:
        """Bring the receipts when so much simulated time has passed, each at a moment of its own."""
        while self.board.elsewhere() < until and not self.board.closing:
            await asyncio.sleep(0.01)
        self.later(self.bring_receipts(message, callback, ours, words))

    async def bring_receipts(self, message: dict[str, Any], callback: str, ours: str, words: list[str]) -> None:
        """Bring the receipts of one message, each until it is taken."""
        for word in words:
            await asyncio.sleep(self.dice.random() * 0.01)
            if message["status"] != "delivered":
                message["status"] = word
            fields = {"MessageSid": message["sid"], "MessageStatus": word, "AccountSid": ACCOUNT}
            if word == "undelivered":
                fields["ErrorCode"] = "30005"
            status = await self.bring(urlsplit(callback).path + "?" + urlsplit(callback).query, fields)
            self.note("receipt", id=ours, sid=message["sid"], word=word, status=status)

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
                        account_of(target), {key: one[0] for key, one in parse_qs(body, True).items()}, writer
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
        if self.dice.random() < self.manners[account_of(target)].lookup_trouble:
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
            if one["account_sid"] == account_of(target) and matches(one, query)
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
