"""WeChat: an Official Account. Replies within two days of the patient's text, constant notices after that.

What stands in a reply is behind WeChat's own sign-in; what stands in a notice is on a lock screen.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from bots.wechat_client import WeChatClient
from bots.wechat_crypto import Answered, Envelopes, check_fresh, genuine
from bots.wechat_xml import CHANNEL, Heard, parse, read
from care.domain.message import Capabilities, Fetched, Incoming, Medium, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed
from care.runtime import wall_clock
from care.services.channel_tokens import OwnTokens, Tokens
from care.settings import WeChatTemplate

Mode = Literal["secure", "compat", "plain"]
MOST_BYTES = 2048
WINDOW, QUOTA = timedelta(hours=48), 5
ANY = "*"


Templates = Mapping[str, Mapping[str, WeChatTemplate]]
"""By the notice's key, then by language or "*"."""


class WeChat:
    """One Official Account. Disabled until it is configured.

    `mode`: "secure" takes encrypted calls alone. "compat" takes a plain one too, and "plain" no other: whoever has seen
    one such call can forge any, so neither is for patients. `tokens` is where the account's token is shared.
    """

    name = CHANNEL
    capabilities = Capabilities(
        receipts=False,
        max_bytes=MOST_BYTES,
        media_in=True,
        window=WINDOW,
        quota=QUOTA,
        private=True,
        data_location="CN",
    )

    def __init__(
        self,
        app_id: str = "",
        secret: str = "",
        token: str = "",
        aes_key: str = "",
        previous_key: str = "",
        mode: Mode = "secure",
        templates: Templates | None = None,
        page: str = "",
        base_url: str = "",
        tokens: Tokens | None = None,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self.enabled = bool(app_id and secret and token and (aes_key or mode == "plain"))
        self.templates = templates or {}
        self.answered = Answered()
        self._token, self._mode, self._page, self._clock = token, mode, page, clock
        self._envelopes = Envelopes(app_id, aes_key, previous_key) if self.enabled and aes_key else None
        self._client = WeChatClient(app_id, secret, tokens or OwnTokens(), clock, base_url)

    def verify(self, call: WebhookCall) -> None:
        """Raise NotAllowed unless WeChat made this call for our account, and just now. Raises Invalid for no XML."""
        if not self.enabled:
            raise NotAllowed("disabled", "this channel is not configured")
        query = _query(call)
        if call.method == "GET":
            self._check(query, "signature")
            return
        document = parse(call.body)
        encrypted = document.findtext("Encrypt") or ""
        if encrypted and self._envelopes is not None:
            # What stands in the clear beside an envelope (compat) was signed by nobody: it is not looked at.
            self._check(query, "msg_signature", encrypted)
            document = parse(self._envelopes.open(encrypted))
            call.read["encrypted"] = True
        elif self._mode == "secure" or encrypted:
            raise NotAllowed("plain", "calls must be encrypted")
        else:
            self._check(query, "signature")
        call.read["document"] = document

    def _check(self, query: Mapping[str, str], name: str, *signed: str) -> None:
        timestamp, nonce, given = (query.get(one, "") for one in ("timestamp", "nonce", name))
        if not given or not genuine(given, self._token, timestamp, nonce, *signed):
            raise NotAllowed("signature", "the signature is missing or wrong")
        check_fresh(timestamp, self._clock())

    def hear(self, call: WebhookCall, now: datetime) -> Heard:
        """What a verified call tells: a text, something a person did, a receipt, or nothing. Raises Invalid."""
        return read(call.read["document"], now)

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """The text in a verified call. Raises Invalid when there is none."""
        found = self.hear(call, now)
        if not isinstance(found, Incoming):
            raise Invalid("no-text", "this call brings no text")
        return found

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """The receipt of a notice in a verified call; replies have none. Raises Invalid."""
        found = self.hear(call, self._clock())
        if not isinstance(found, Receipt):
            raise Invalid("no-receipt", "this call brings no receipt")
        return found

    def send(self, message: Outgoing) -> Sent:
        """A reply within the window, else the notice's template. Raises ChannelError.

        A reply that may have been taken is `unknown`. A template message carries our id, by which WeChat sends it once
        within ten minutes however often it is handed over: it is `retryable`.
        """
        if not self.enabled:
            raise ChannelError("refused", "disabled", "this channel is not configured")
        if not message.window_open:
            return self._notify(message)
        if len(message.text.encode("utf-8", "replace")) > MOST_BYTES:
            raise ChannelError("refused", "45002", "the text is too long")
        body = {"touser": message.to, "msgtype": "text", "text": {"content": message.text}}
        self._client.post("/cgi-bin/message/custom/send", body)
        return Sent(f"wechat-{message.id}")

    def _notify(self, message: Outgoing) -> Sent:
        by_language = self.templates.get(message.notice, {}) if message.notice else {}
        template = by_language.get(message.language) or by_language.get(ANY)
        if template is None:
            raise ChannelError("refused", "no-template", "the window is closed and there is no template for this")
        data = {name: {"value": words.replace("{text}", message.text)} for name, words in template.fields.items()}
        body: dict[str, Any] = {"touser": message.to, "template_id": template.id, "data": data}
        if template.kind == "subscription":
            answer = self._client.post("/cgi-bin/message/subscribe/bizsend", body | {"page": self._page})
        else:
            body |= {"url": self._page, "client_msg_id": str(message.id)}
            answer = self._client.post("/cgi-bin/message/template/send", body, repeatable=True)
        return Sent(str(answer.get("msgid") or f"wechat-{message.id}"))

    def fetch(self, medium: Medium) -> Fetched:
        """A medium from WeChat's own hosts, within limits of size and time. Raises ChannelError."""
        if not self.enabled:
            raise ChannelError("retryable", "disabled", "this channel is not configured")
        if medium.reference.startswith(("http://", "https://")):
            return self._client.picture(medium.reference)
        if not medium.reference:
            raise ChannelError("permanent", "no-medium", "there is nothing to get")
        return self._client.medium(medium.reference)

    def name_of(self, call: WebhookCall) -> str:
        """What names a call: its signatures, time and nonce."""
        query = _query(call)
        return "\n".join(query.get(one, "") for one in ("msg_signature", "signature", "timestamp", "nonce"))

    def answer(self, call: WebhookCall, words: str) -> str:
        """A text to the sender of a verified call as its answer's body, encrypted where the call was."""
        document = call.read["document"]
        to, ours = (escape(document.findtext(name) or "") for name in ("FromUserName", "ToUserName"))
        stamp = str(int(self._clock().timestamp()))
        reply = (
            f"<xml><ToUserName>{to}</ToUserName><FromUserName>{ours}</FromUserName><CreateTime>{stamp}</CreateTime>"
            f"<MsgType>text</MsgType><Content>{escape(words)}</Content></xml>"
        )
        if "encrypted" not in call.read or self._envelopes is None:
            return reply
        return self._envelopes.reply(reply.encode(), self._token, stamp, secrets.token_hex(8))


def _query(call: WebhookCall) -> dict[str, str]:
    try:
        found = parse_qs(call.query, keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise Invalid("query", "the address cannot be read") from None
    return {name: values[0] for name, values in found.items()}
