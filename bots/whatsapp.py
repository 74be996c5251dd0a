"""WhatsApp through Twilio: free words within a day of the patient's last text, a reviewed template after it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bots.twilio_channel import TIMEOUT, WHATSAPP, TwilioChannel
from bots.twilio_form import PREFIX
from care.domain.message import Capabilities, Outgoing
from care.errors import ChannelError

WINDOW = timedelta(hours=24)
OUTSIDE = "63016"  # Twilio's own code for free words outside the window
_LINK = re.compile(r"https?://\S+")
Templates = Mapping[str, Mapping[str, str]]


class TwilioWhatsApp(TwilioChannel):
    """The same account as for SMS, with a sender that WhatsApp knows.

    `templates` names the content (HX…) of each notice in each language: {"notice-message": {"en": "HX…"}}. One whose
    words hold a link has it as its variable 1; "<notice>-no-link" is taken where there is none. An address is a number,
    or WhatsApp's own id of a person who shows nobody theirs ("US.1349…"), without Twilio's prefix.
    """

    name = WHATSAPP
    capabilities = Capabilities(
        two_way=True,
        receipts=True,
        links=True,
        media_in=True,
        window=WINDOW,
        data_location="US",
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
        templates: Templates | None = None,
    ) -> None:
        plain = sender.removeprefix(PREFIX)
        super().__init__(account_sid, auth_token, plain, public_url, previous_token, base_url, timeout, rate)
        self._templates: Templates = templates or {}

    def _to(self, address: str) -> str:
        return PREFIX + address.removeprefix(PREFIX)

    def _sender(self) -> str:
        return self.sender if self.sender.startswith("MG") else PREFIX + self.sender

    def _callback(self, message: Outgoing) -> str:
        return f"{super()._callback(message)}&channel={self.name}"

    def _content(self, message: Outgoing) -> dict[str, str]:
        """The words, or the template that stands for them. Raises ChannelError (refused) where there is none."""
        if message.window_open:
            return {"body": message.text}
        link = _LINK.search(message.text)
        if link is not None and (content := self._template(message.notice, message.language)):
            return {"content_sid": content, "content_variables": json.dumps({"1": link.group()})}
        if content := self._template(f"{message.notice}-no-link", message.language):
            return {"content_sid": content}
        raise ChannelError("refused", OUTSIDE, "the window has closed, and there is no template for this")

    def _template(self, notice: str, language: str) -> str:
        return self._templates.get(notice, {}).get(language, "")

    def _looks_like(self, message: Outgoing, record: Any) -> bool:
        """A template's words are not ours to know: whatever went there may be it."""
        return not message.window_open or super()._looks_like(message, record)
