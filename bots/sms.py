"""SMS through Twilio: verify, read, send, read a receipt. What the heart sees is care.domain.message.Channel."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from bots.twilio_client import make_client
from bots.twilio_signature import genuine
from care.domain.message import Capabilities, Incoming, Medium, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, ChannelErrorKind, Invalid, NotAllowed

TIMEOUT = 10.0  # seconds; after it nobody knows whether the message was taken
STATUS_PATH = "/webhooks/twilio/status"
SEGMENTS = 3  # parts of one message: each is paid, and a longer one is less sure to arrive whole
_FIELDS = 500
_PAGE, _PAGES = 100, 10  # how much of the provider's list is read for one message
_ACCOUNT = frozenset({401, 403, 404, 407})  # said of all our messages, until somebody puts it right
_IDENTIFIER = re.compile(r"[!-~]{1,64}")  # printable ASCII: what an index may hold, whatever a caller makes up
_CODES: Mapping[str, Mapping[str, str]] = json.loads(
    (Path(__file__).parent / "twilio_errors.json").read_text(encoding="utf-8")
)["codes"]


class TwilioSms:
    """One Twilio account and its sender (a number, or a messaging service's id). Disabled until it is configured.

    `previous_token` is accepted beside `auth_token` while tokens are exchanged. `base_url` sends the requests to
    another host, for tests. `rate` is how many messages a second the sender may hand over; 0 is no limit.
    """

    name = "sms"
    capabilities = Capabilities(
        two_way=True,
        receipts=True,
        links=True,
        segments=SEGMENTS,
        by_country={"CN": {"two_way": False, "links": False, "segments": 8}},
        can_look_up=True,
    )

    def __init__(
        self,
        account_sid: str = "",
        auth_token: str = "",
        sender: str = "",
        public_url: str = "",
        previous_token: str = "",
        base_url: str = "",
        timeout: float = TIMEOUT,
        rate: float = 0.0,
    ) -> None:
        self.account_sid = account_sid
        self.sender = sender
        self.public_url = public_url.rstrip("/")
        self.enabled = bool(account_sid and auth_token and sender)
        self._tokens = tuple(token for token in (auth_token, previous_token) if token)
        self._base_url = base_url
        self._timeout = timeout
        self._clients = threading.local()
        if rate:
            self.capabilities = replace(self.capabilities, rate=rate)

    def verify(self, call: WebhookCall) -> None:
        """Raise NotAllowed unless Twilio made this call for our account.

        The address is the configured public one with the path and query as they came: what a proxy or a Host header
        says is not believed. Raises Invalid for a body that is no form.
        """
        if not self.enabled:
            raise NotAllowed("disabled", "this channel is not configured")
        fields = _fields(call)
        signature = _header(call, "x-twilio-signature")
        url = self.public_url + call.path + (f"?{call.query}" if call.query else "")
        if not signature or not genuine(signature, self._tokens, url, fields, call.body):
            raise NotAllowed("signature", "the signature is missing or wrong")
        if _one(fields, "AccountSid") != self.account_sid:
            raise NotAllowed("account", "this call is for another account")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """The text in a verified call; the words exactly as they came. Raises Invalid when sender or id are missing."""
        fields = _fields(call)
        media = [_medium(fields, number) for number in range(_count(_one(fields, "NumMedia")))]
        return Incoming(
            channel=self.name,
            sender=_identifier(fields, "From"),
            text=_one(fields, "Body"),
            external_id=_identifier(fields, "MessageSid"),
            received_at=now,
            recipient=_one(fields, "To")[:64],
            media=tuple(medium for medium in media if medium.reference),
        )

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """The receipt in a verified call: our id from the address, Twilio's id, its status word and error code."""
        fields = _fields(call)
        code = _one(fields, "ErrorCode")
        return Receipt(
            channel=self.name,
            external_id=_identifier(fields, "MessageSid"),
            status=_identifier(fields, "MessageStatus"),
            id=_our_id(call.query),
            error_code=code if _IDENTIFIER.fullmatch(code) else "",
        )

    def send(self, message: Outgoing) -> Sent:
        """Hand a message to Twilio, once, waiting at most the configured time.

        Raises ChannelError: `unknown` where Twilio may have taken it (a time-out, an internal error), for a second try
        could then reach the patient twice; `retryable` where it certainly did not.
        """
        if not self.enabled:
            raise ChannelError("refused", "disabled", "this channel is not configured")
        how = {"messaging_service_sid" if self.sender.startswith("MG") else "from_": self.sender}
        if self.public_url:  # who has no address, as the watchdog, asks for no receipt: Twilio refuses half an address
            how["status_callback"] = f"{self.public_url}{STATUS_PATH}?id={message.id}"
        with _read_errors():
            taken = self._twilio().messages.create(to=message.to, body=message.text, **how)
            sid = str(taken.sid or "")
        if not _IDENTIFIER.fullmatch(sid):
            raise ChannelError("unknown", "no-answer", "the provider named no message")
        return Sent(sid)

    def look_up(self, message: Outgoing, since: datetime) -> list[Sent]:
        """What Twilio has taken since then to this number with these words, oldest first; empty when it has none.

        The list is asked by number and not by DateSent, which a message that waits in Twilio's queue does not have
        yet: just the one that is looked for. Raises ChannelError (retryable) when it cannot be asked, or when the list
        is too long to be read to its end.
        """
        if not self.enabled:
            raise ChannelError("retryable", "disabled", "this channel is not configured")
        found = []
        with _read_errors():
            for record in self._list(message.to, since):
                made = record.date_created or record.date_sent
                ours = str(record.direction or "").startswith("outbound") and (record.body or "").endswith(message.text)
                if ours and (made is None or made >= since) and _IDENTIFIER.fullmatch(str(record.sid or "")):
                    word = str(getattr(record.status, "value", record.status) or "")
                    found.append((made or since, Sent(str(record.sid), word=word)))
        return [sent for _, sent in sorted(found, key=lambda one: (one[0], one[1].external_id))]

    def prepare(self) -> None:
        """Load Twilio's package, which takes longer than most messages: it is loaded bit by bit as it is used."""
        _ = self._twilio().messages

    def _list(self, number: str, since: datetime) -> Iterator[Any]:
        """The messages to a number, newest first, until a whole page is older. Raises ChannelError after _PAGES."""
        page = self._twilio().messages.page(to=number, page_size=_PAGE)
        for _ in range(_PAGES - 1):
            records = list(page)
            yield from records
            if not records or all(one.date_created and one.date_created < since for one in records):
                return
            page = page.next_page()
            if page is None:
                return
        yield from page
        if page.next_page_url:
            raise ChannelError("retryable", "too-many", "the provider's list is too long")

    def _twilio(self) -> Any:
        """The client of this thread, with a connection of its own that is kept open."""
        client = getattr(self._clients, "own", None)
        if client is None:
            client = make_client(self.account_sid, self._tokens[0], self._timeout, self._base_url)
            self._clients.own = client
        return client


@contextmanager
def _read_errors() -> Iterator[None]:
    """What goes wrong in a call to Twilio as a ChannelError that says what it means for the message."""
    import requests
    from twilio.base.exceptions import TwilioException, TwilioRestException

    try:
        yield
    except TwilioRestException as error:
        raise _refused(error.status, error.code) from None
    except requests.ConnectionError as error:
        kind: ChannelErrorKind = "retryable" if _never_connected(error) else "unknown"
        raise ChannelError(kind, "connection", "no connection to the provider") from None
    except (requests.RequestException, TwilioException, ValueError, KeyError, TypeError):
        raise ChannelError("unknown", "no-answer", "the provider gave no answer that can be read") from None


def kind_of(code: str, status: int = 0) -> ChannelErrorKind:
    """What an error code of Twilio means to us; without a known code, what the HTTP status says."""
    known = _CODES.get(code)
    if known:
        return known["kind"]  # type: ignore[return-value]
    if status in _ACCOUNT or status == 429:
        return "retryable"
    return "refused" if 400 <= status < 500 else "unknown"


def _refused(status: int, code: int | None) -> ChannelError:
    return ChannelError(kind_of(str(code), status), str(code or status), "the provider did not take the message")


def _never_connected(error: Exception) -> bool:
    """Whether the connection was never made, so that nothing can have been taken."""
    import requests
    import urllib3

    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), urllib3.exceptions.NewConnectionError)


def _fields(call: WebhookCall) -> dict[str, list[str]]:
    """The form's fields, blank ones kept, since they are part of what is signed. Raises Invalid."""
    if "form" not in call.read:
        call.read["form"] = _parsed(call)
    fields: dict[str, list[str]] = call.read["form"]
    return fields


def _parsed(call: WebhookCall) -> dict[str, list[str]]:
    if _header(call, "content-type").split(";")[0].strip().lower() == "application/json":
        return {}
    try:
        return parse_qs(
            call.body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS, separator="&"
        )
    except ValueError:  # bad UTF-8, escaped or not, and too many fields
        raise Invalid("body", "the body is not a form in UTF-8") from None


def _header(call: WebhookCall, name: str) -> str:
    return next((value for key, value in call.headers.items() if key.lower() == name), "")


def _one(fields: Mapping[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]


def _identifier(fields: Mapping[str, list[str]], name: str) -> str:
    value = _one(fields, name)
    if not _IDENTIFIER.fullmatch(value):
        raise Invalid("field", f"{name} is missing or cannot be read", place=name)
    return value


def _medium(fields: Mapping[str, list[str]], number: int) -> Medium:
    kind, content_type = "other", _one(fields, f"MediaContentType{number}")[:100]
    for prefix, named in (("image/", "image"), ("audio/", "voice"), ("video/", "video"), ("application/", "file")):
        if content_type.startswith(prefix):
            kind = named
    return Medium(kind, _one(fields, f"MediaUrl{number}"), content_type)  # type: ignore[arg-type]


def _count(number: str) -> int:
    return min(int(number), 10) if number.isascii() and number.isdigit() and len(number) < 4 else 0


def _our_id(query: str) -> UUID | None:
    try:
        return UUID(parse_qs(query).get("id", [""])[0])
    except ValueError:
        return None
