"""What the provider writes on a connection, and how it filters its own list."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

REFUSALS: dict[str, tuple[int, int, str]] = {
    "429-hour": (429, 20429, "Retry-After: 3600\r\n"),
    "429-soon": (429, 20429, "Retry-After: 5\r\n"),
    "bad-number": (400, 21211, ""),
    "opted-out": (400, 21610, ""),
}


def mark_of(words: str) -> str:
    """A short name of a text: equal texts have the same."""
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def account_of(target: str) -> str:
    """The account in the path of a request."""
    return target.split("/Accounts/", 1)[-1].split("/", 1)[0]


def matches(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
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
