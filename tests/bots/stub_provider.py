"""A provider on this machine's loopback that answers the way a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

DRIP = 0.02  # seconds between two bytes of an answer that drips


@dataclass
class Answer:
    """One answer: status, JSON body, headers; `silent_for` seconds pass between taking the request and answering.

    With `drips` it comes a byte at a time, from its first line on ("head") or from its body on ("body").
    """

    status: int = 201
    body: dict[str, Any] = field(default_factory=lambda: {"sid": "SM" + "a" * 32, "status": "queued"})
    headers: dict[str, str] = field(default_factory=dict)
    silent_for: float = 0.0
    raw: bytes | None = None
    drips: str = ""


@dataclass
class Provider:
    """What was asked, and the answers to give, first in first out; the last one is given for ever."""

    url: str
    answers: list[Answer]
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def provider(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    """A running stub; behind TLS where it has a certificate."""
    made = Provider("", list(answers) or [Answer()])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            fields = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
            made.asked.append({"path": self.path, "fields": fields, "headers": dict(self.headers)})
            answer = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            time.sleep(answer.silent_for)
            payload = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Type" not in answer.headers:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            if answer.drips == "head":  # what is gathered is sent like the body
                headers = b"".join(self._headers_buffer) + b"\r\n"
                self._headers_buffer: list[bytes] = []
                self.drip(headers + payload)
                return
            self.end_headers()
            if answer.drips:
                self.drip(payload)
                return
            self.wfile.write(payload)

        def drip(self, content: bytes) -> None:
            with suppress(OSError):  # until nobody listens any more
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    time.sleep(DRIP)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
