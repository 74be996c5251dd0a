"""What SMS and WhatsApp share: one account of Twilio, its calls to us and ours to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from bots.twilio_client import make_client
from bots.twilio_codes import kind_told, twilio_errors
from bots.twilio_form import (
    IDENTIFIER,
    PREFIX,
    fields_of,
    header,
    identifier,
    is_whatsapp,
    media,
    oddity,
    one,
    our_id,
    sender,
    words,
)
from bots.twilio_media import fetch
from bots.twilio_signature import genuine
from care.domain.message import Capabilities, Fetched, Incoming, Medium, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, NotAllowed

TIMEOUT = 10.0  # seconds; after it nobody knows whether the message was taken
STATUS_PATH = "/webhooks/twilio/status"
SMS, WHATSAPP = "sms", "whatsapp"
_PAGE, _PAGES = 100, 10  # how much of the provider's list is read for one message


class TwilioChannel:
    """One Twilio account and a sender of it (a number, or a messaging service's id). Disabled until it is configured.

    `previous_token` is accepted beside `auth_token` while tokens are exchanged. `base_url` sends the requests to
    another host, for tests. `rate` is how many messages a second the sender may hand over; 0 is no limit.
    """

    name: str
    capabilities: Capabilities

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
        fields = fields_of(call)
        signature = header(call, "x-twilio-signature")
        url = self.public_url + call.path + (f"?{call.query}" if call.query else "")
        if not signature or not genuine(signature, self._tokens, url, fields, call.body):
            raise NotAllowed("signature", "the signature is missing or wrong")
        if one(fields, "AccountSid") != self.account_sid:
            raise NotAllowed("account", "this call is for another account")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """The text in a verified call; the words exactly as they came. Raises Invalid when sender or id are missing.

        It is of the channel that its sender's address is of, whichever address of ours was called. The name that a
        person goes by at WhatsApp is not read.
        """
        fields = fields_of(call)
        text = words(fields)
        return Incoming(
            channel=WHATSAPP if is_whatsapp(fields) else self.name,
            sender=sender(fields),
            text=text,
            external_id=identifier(fields, "MessageSid"),
            received_at=now,
            recipient=one(fields, "To").removeprefix(PREFIX)[:64],
            media=media(fields),
            raw_note=oddity(text),
        )

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """The receipt in a verified call: our id from the address, Twilio's id, its status word, and its error.

        The address says whose receipt it is, for both channels have one; without that the numbers say it.
        """
        fields = fields_of(call)
        code = one(fields, "ErrorCode")
        named = parse_qs(call.query).get("channel", [""])[0]
        told = WHATSAPP if is_whatsapp(fields) else self.name
        return Receipt(
            channel=named if named in (SMS, WHATSAPP) else told,
            external_id=identifier(fields, "MessageSid"),
            status=identifier(fields, "MessageStatus"),
            id=our_id(call.query),
            error_code=code if IDENTIFIER.fullmatch(code) else "",
            kind=kind_told(code),
        )

    def send(self, message: Outgoing) -> Sent:
        """Hand a message to Twilio, once, waiting at most the configured time.

        Raises ChannelError: `unknown` where Twilio may have taken it (a time-out, an internal error), for a second try
        could then reach the patient twice; `retryable` where it certainly did not.
        """
        if not self.enabled:
            raise ChannelError("refused", "disabled", "this channel is not configured")
        how = self._content(message)
        how["messaging_service_sid" if self.sender.startswith("MG") else "from_"] = self._sender()
        if self.public_url:  # who has no address, as the watchdog, asks for no receipt: Twilio refuses half an address
            how["status_callback"] = f"{self.public_url}{STATUS_PATH}?{self._callback(message)}"
        with twilio_errors():
            taken = self._twilio().messages.create(to=self._to(message.to), **how)
            sid = str(taken.sid or "")
        if not IDENTIFIER.fullmatch(sid):
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
        with twilio_errors():
            for record in self._list(self._to(message.to), since):
                made = record.date_created or record.date_sent
                ours = str(record.direction or "").startswith("outbound") and self._looks_like(message, record)
                if ours and (made is None or made >= since) and IDENTIFIER.fullmatch(str(record.sid or "")):
                    word = str(getattr(record.status, "value", record.status) or "")
                    found.append((made or since, Sent(str(record.sid), word=word)))
        return [sent for _, sent in sorted(found, key=lambda one: (one[0], one[1].external_id))]

    def fetch(self, medium: Medium) -> Fetched:
        """Get what came with a text from Twilio's own hosts. Raises ChannelError, see bots.twilio_media."""
        if not self.enabled:
            raise ChannelError("retryable", "disabled", "this channel is not configured")
        return fetch(medium, self.account_sid, self._tokens[0], self._base_url)

    def prepare(self) -> None:
        """Load Twilio's package, which takes longer than most messages: it is loaded bit by bit as it is used."""
        _ = self._twilio().messages

    def _to(self, address: str) -> str:
        return address

    def _sender(self) -> str:
        return self.sender

    def _content(self, message: Outgoing) -> dict[str, str]:
        return {"body": message.text}

    def _callback(self, message: Outgoing) -> str:
        return f"id={message.id}"

    def _looks_like(self, message: Outgoing, record: Any) -> bool:
        return bool((record.body or "").endswith(message.text))

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
