"""A Google of this machine: it gives out tokens, takes notices the way a test tells it to, and remembers what it was
asked.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bots.push_fcm import FcmProvider, read_account

TAKEN = {"name": "projects/care-test/messages/0:1"}


@dataclass
class FcmAnswer:
    """One answer to a notice; `silent_for` seconds pass before it."""

    status: int = 200
    body: Any = field(default_factory=lambda: TAKEN)
    headers: dict[str, str] = field(default_factory=dict)
    silent_for: float = 0.0


@dataclass
class Google:
    """What was asked of it: notices as they were posted, and how often a token was asked for."""

    url: str
    answers: list[FcmAnswer]
    token_status: int = 200
    posted: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    tokens: int = 0

    def provider(self, timeout: float = 8.0) -> FcmProvider:
        """FCM as the product makes it, with a service account of this Google."""
        return FcmProvider(read_account(account(self.url)), self.url, timeout)


def account(url: str, **other: str) -> str:
    """The key of a made-up service account, as JSON."""
    key = {
        "type": "service_account",
        "project_id": "care-test",
        "client_email": "care@care-test.invalid",
        "private_key": private_key(),
        "token_uri": f"{url}/token",
    }
    return json.dumps(key | other)


@cache
def private_key() -> str:
    """A key of nobody's."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(encoding, form, serialization.NoEncryption()).decode()


@contextmanager
def google(*answers: FcmAnswer) -> Iterator[Google]:
    """A running one; the last answer is given for ever."""
    made = Google("", list(answers) or [FcmAnswer()])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.path == "/token":
                made.tokens += 1
                token = {"access_token": f"token-{made.tokens}", "expires_in": 3600, "token_type": "Bearer"}
                return self.say(made.token_status, token if made.token_status == 200 else {"error": "unavailable"})
            made.posted.append(json.loads(body))
            made.headers.append(dict(self.headers))
            made.paths.append(self.path)
            answer = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            time.sleep(answer.silent_for)
            return self.say(answer.status, answer.body, answer.headers)

        def say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
