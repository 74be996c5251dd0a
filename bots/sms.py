"""SMS through Twilio: verify, read, send, read a receipt. What the heart sees is care.domain.message.Channel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from bots.twilio_client import make_client
from bots.twilio_signature import genuine
from care.domain.message import Capabilities, Incoming, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, ChannelErrorKind, Invalid, NotAllowed

TIMEOUT = 10.0  # seconds; after it nobody knows whether the message was taken
STATUS_PATH = "/webhooks/twilio/status"
_FIELDS = 500
_IDENTIFIER = re.compile(r"[!-~]{1,64}")  # printable ASCII: what an index may hold, whatever a caller makes up
_CODES: Mapping[str, Mapping[str, str]] = json.loads(
    (Path(__file__).parent / "twilio_errors.json").read_text(encoding="utf-8")
)["codes"]


class TwilioSms:
    """One Twilio account and its sender (a number, or a messaging service's id). Disabled until it is configured.

    `previous_token` is accepted beside `auth_token` while tokens are exchanged. `base_url` sends the requests to
    another host, for tests.
    """

    name = "sms"
    capabilities = Capabilities(two_way=True, receipts=True, links=True, countries_one_way=frozenset({"CN"}))

    def __init__(
        self,
        account_sid: str = "",
        auth_token: str = "",
        sender: str = "",
        public_url: str = "",
        previous_token: str = "",
        base_url: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        self.account_sid = account_sid
        self.sender = sender
        self.public_url = public_url.rstrip("/")
        self.enabled = bool(account_sid and auth_token and sender)
        self._tokens = tuple(token for token in (auth_token, previous_token) if token)
        self._base_url = base_url
        self._timeout = timeout
        self._client: Any = None

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
        media = [_one(fields, f"MediaUrl{number}") for number in range(_count(_one(fields, "NumMedia")))]
        return Incoming(
            channel=self.name,
            sender=_identifier(fields, "From"),
            text=_one(fields, "Body"),
            external_id=_identifier(fields, "MessageSid"),
            received_at=now,
            recipient=_one(fields, "To")[:64],
            media=tuple(address for address in media if address),
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
            raise ChannelError("permanent", "disabled", "this channel is not configured")
        import requests
        from twilio.base.exceptions import TwilioException, TwilioRestException

        which = "messaging_service_sid" if self.sender.startswith("MG") else "from_"
        sender = {which: self.sender}
        if self.public_url:  # without an address of ours nobody is asked to call it
            sender["status_callback"] = f"{self.public_url}{STATUS_PATH}?id={message.id}"
        try:
            taken = self._twilio().messages.create(to=message.to, body=message.text, **sender)
        except TwilioRestException as error:
            raise _refused(error.status, error.code) from None
        except requests.ConnectionError as error:
            kind: ChannelErrorKind = "retryable" if _never_connected(error) else "unknown"
            raise ChannelError(kind, "connection", "no connection to the provider") from None
        except (requests.RequestException, TwilioException, ValueError, KeyError):
            raise ChannelError("unknown", "no-answer", "the provider gave no answer that can be read") from None
        if not taken.sid:
            raise ChannelError("unknown", "no-answer", "the provider named no message")
        return Sent(str(taken.sid))

    def _twilio(self) -> Any:
        if self._client is None:
            self._client = make_client(self.account_sid, self._tokens[0], self._timeout, self._base_url)
        return self._client


def kind_of(code: str, status: int = 0) -> ChannelErrorKind:
    """What an error code of Twilio means to us; without a known code, what the HTTP status says."""
    known = _CODES.get(code)
    if known:
        return known["kind"]  # type: ignore[return-value]
    if status == 429:
        return "retryable"
    return "permanent" if 400 <= status < 500 else "unknown"


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


def _count(number: str) -> int:
    return min(int(number), 10) if number.isascii() and number.isdigit() and len(number) < 4 else 0


def _our_id(query: str) -> UUID | None:
    try:
        return UUID(parse_qs(query).get("id", [""])[0])
    except ValueError:
        return None
