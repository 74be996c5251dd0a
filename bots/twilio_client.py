"""Twilio's own client with what it lacks: a deadline, a single try, no log, and the pause that a 429 asks for."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from care.errors import ChannelError

_LONGEST_PAUSE = 3600.0


def make_client(account_sid: str, auth_token: str, timeout: float, base_url: str = "") -> Any:
    """A twilio Client. `base_url` replaces scheme and host of every request, so that a test can answer it.

    Twilio's package is large, so it is imported here and only when a message leaves.
    """
    from twilio.http.http_client import TwilioHttpClient
    from twilio.http.response import Response
    from twilio.rest import Client

    from bots.deadline import Session

    silent = logging.Logger("twilio-silent", level=logging.CRITICAL + 1)

    class Http(TwilioHttpClient):  # type: ignore[misc]
        """One request, one try."""

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
            if base_url:
                told, base = urlsplit(url), urlsplit(base_url)
                url = urlunsplit(told._replace(scheme=base.scheme, netloc=base.netloc))
            response: Response = super().request(method, url, *args, **kwargs)
            if response.status_code == 429:
                pause = _seconds((response.headers or {}).get("Retry-After", ""))
                raise ChannelError("retryable", "429", "the provider asks for a pause", retry_after=pause)
            return response

    http = Http(timeout=timeout, logger=silent)
    http.session = Session(timeout)
    if base_url:
        http.session.trust_env = False  # a stub on this machine is not behind the hospital's proxy
    return Client(account_sid, auth_token, http_client=http)


def _seconds(text: str) -> float | None:
    """Retry-After in seconds; its other form, a date, is left to our own pauses."""
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() and len(text) < 10 else None
