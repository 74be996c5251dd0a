"""Our web as it is served, with channels made from settings, and the emulator's own ways to make things happen."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from care.records.communications import Communication
from care.runtime import Runtime
from care.services import inbox, outbox
from tests.care_api.serving import serving

ACCOUNT, TOKEN = "AC" + "0" * 31 + "1", "a-token-of-the-emulator"
NUMBER, SERVICE = "+15550001111", "MG" + "b" * 32
WHATSAPP = "whatsapp:+15550002222"
TEMPLATES = {"notice-message": {"en": "HX" + "c" * 32}, "notice-message-no-link": {"en": "HX" + "d" * 32}}


class Quiet(WSGIRequestHandler):
    """A server that does not tell of each request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@dataclass
class Called:
    """One call of a webhook of ours: what it said, what we answered, and what was known of its message around it.

    `before` and `after` are the provider's id of the message and its delivery; the caller still waits at `after`.
    """

    path: str
    said: dict[str, str]
    before: tuple[str | None, str | None] = (None, None)
    after: tuple[str | None, str | None] = (None, None)
    status: int = 0


@dataclass
class Served:
    """Our web and its own runtime; `calls` are those that came to its webhooks."""

    app: Flask
    url: str
    emulator: str
    calls: list[Called] = field(default_factory=list)

    @staticmethod
    @contextmanager
    def on(port: int, database_url: str, emulator: str, **settings: Any) -> Iterator[Served]:
        """Served on this port of the loopback, and known to the world by it."""
        url = f"http://127.0.0.1:{port}"
        configured = {
            "public_url": url,
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": TOKEN,
            "twilio_sender": NUMBER,
            "twilio_base_url": emulator,
            "twilio_whatsapp_sender": WHATSAPP,
            "twilio_whatsapp_templates": json.dumps(TEMPLATES),
        }
        with serving(database_url, None, **{**configured, **settings}) as app:
            made = Served(app, url, emulator)
            served = made._noting(app.wsgi_app)
            server = make_server("127.0.0.1", port, served, threaded=True, request_handler=Quiet)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield made
            finally:
                server.shutdown()
                server.server_close()
                thread.join()

    @property
    def rt(self) -> Runtime:
        """What the served application itself uses."""
        found: Runtime = self.app.extensions["care.runtime"]
        return found

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of our own on the same database."""
        from care_api.database import db

        with self.app.app_context(), Session(db.engine, expire_on_commit=False) as opened:
            yield opened

    def message(self, message_id: UUID) -> Communication:
        """The row as it is now."""
        with self.session() as session:
            return session.get_one(Communication, message_id)

    def deliver(self, *messages: UUID) -> list[Communication]:
        """Let the outbox work until the provider has answered for these messages, or for all that is due."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with self.session() as session:
                worked = outbox.deliver_due(session, self.rt, self.rt.now())
            rows = [self.message(one) for one in messages]
            if rows and all(row.delivery not in ("queued", "sending") for row in rows):
                return rows
            if not rows and worked.claimed == 0:
                return []
        raise AssertionError(f"the outbox is not done: {[row.delivery for row in rows]}")

    def take_turns(self) -> None:
        """Answer the texts that came in."""
        with self.session() as session:
            inbox.take_turns_due(session, self.rt, self.rt.now())

    def simulate(self, what: str, **fields: str) -> dict[str, Any]:
        """Make something happen at the emulator: inbound-message, message-status. It calls us before it answers."""
        return self.ask(f"/_twilio/simulate/{what}", fields)

    def ask(self, path: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
        """Ask the emulator with our credentials. Raises HTTPError."""
        data = urlencode(fields).encode() if fields is not None else None
        mark = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        request = urllib.request.Request(self.emulator + path, data, {"Authorization": f"Basic {mark}"})
        with urllib.request.urlopen(request, timeout=15) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def taken(self, number: str) -> list[dict[str, Any]]:
        """What the emulator was given for this number, newest first."""
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?{urlencode({'To': number})}"
        return [one for one in self.ask(path)["messages"] if one["direction"].startswith("outbound")]

    def _noting(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """The application, and a note of each call of a webhook with what was known before it."""

        def noting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith("/webhooks/"):
                return app(environ, start_response)
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            said = {name: one[0] for name, one in parse_qs(body.decode(), keep_blank_values=True).items()}
            call = Called(environ["PATH_INFO"], said)
            named = parse_qs(environ.get("QUERY_STRING", "")).get("id")
            if named:
                call.before = self._known(UUID(named[0]))
            self.calls.append(call)

            def start(status: str, *rest: Any) -> Any:
                call.status = int(status.split()[0])
                return start_response(status, *rest)

            answer = list(app(environ, start))
            if named:
                call.after = self._known(UUID(named[0]))
            return answer

        return noting

    def _known(self, message_id: UUID) -> tuple[str | None, str | None]:
        row = self.message(message_id)
        return row.external_id, row.delivery
