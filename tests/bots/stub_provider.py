"""A provider on this machine's loopback that answers the way a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Answer:
    """One answer: status, JSON body, headers; `silent_for` seconds pass between taking the request and answering."""

    status: int = 201
    body: dict[str, Any] = field(default_factory=lambda: {"sid": "SM" + "a" * 32, "status": "queued"})
    headers: dict[str, str] = field(default_factory=dict)
    silent_for: float = 0.0
    raw: bytes | None = None


@dataclass
class Provider:
    """What was asked, and the answers to give, first in first out; the last one is given for ever."""

    url: str
    answers: list[Answer]
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def provider(*answers: Answer) -> Iterator[Provider]:
    """A running stub."""
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
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST

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
