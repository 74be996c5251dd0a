"""Media at Twilio: got from its own hosts only, never followed elsewhere, within limits of size and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from care.domain.medium import media_type
from care.domain.message import Fetched, Medium
from care.errors import ChannelError

LARGEST = 10 * 1024 * 1024  # bytes; Twilio takes 5 MB of MMS and 16 MB of WhatsApp
SECONDS = 20.0  # for all of it, redirects included
_REDIRECTS = 3
_API = "api.twilio.com"
# Where Twilio keeps what it was sent, as the addresses that its API leads to show; the last is a bucket of its own.
_STORES = {"mms.twiliocdn.com": "/", "media.twiliocdn.com": "/", "s3-external-1.amazonaws.com": "/media.twiliocdn.com/"}
_LEADS_ON = frozenset({301, 302, 303, 307, 308})
_AWAY = frozenset({401, 403, 408, 425, 429})  # what is said of our account is not said of the medium
_FAMILIES = frozenset({"image", "audio", "video"})
_ANY = "application/octet-stream"
_PIECE = 64 * 1024


def fetch(medium: Medium, account_sid: str, auth_token: str, base_url: str = "", seconds: float = SECONDS) -> Fetched:
    """The bytes of a medium and the type that Twilio names for it.

    Only addresses of our own account at Twilio's API are asked, with our token; where they lead is one of Twilio's
    stores, which is asked without it. `base_url` answers in the place of all of them, for tests. Raises ChannelError:
    `retryable` when Twilio is away, `permanent` when it is gone, too large, elsewhere, or not what it says it is.
    """
    from bots.deadline import Session

    until = time.monotonic() + seconds
    with Session(seconds, LARGEST + 1024 * 1024, public=not base_url) as session, _asked():
        session.trust_env = not base_url
        place = _ours(medium.reference, account_sid, base_url)
        for _ in range(_REDIRECTS + 1):
            answer = session.get(
                _routed(place, base_url),
                auth=(account_sid, auth_token) if place.hostname == _API else _nobody,
                headers={"Accept-Encoding": "identity"},
                timeout=max(0.001, until - time.monotonic()),
                stream=True,
            )
            with answer:
                if answer.status_code not in _LEADS_ON:
                    return _content(answer, medium)
                place = _store(urlunsplit(place), answer.headers.get("Location", ""))
    raise ChannelError("permanent", "media-elsewhere", "the medium leads on and on")


def _ours(reference: str, account_sid: str, base_url: str) -> SplitResult:
    """An address of our own account at Twilio's API. Raises ChannelError (permanent) for any other."""
    if base_url and reference.startswith(base_url.rstrip("/") + "/"):
        reference = f"https://{_API}{reference.removeprefix(base_url.rstrip('/'))}"
    place = _split(reference)
    if place.hostname != _API or not place.path.startswith(f"/2010-04-01/Accounts/{account_sid}/"):
        raise ChannelError("permanent", "media-elsewhere", "the medium is not at the provider")
    return place


def _store(asked: str, location: str) -> SplitResult:
    """The address of one of Twilio's stores that an answer leads to. Raises ChannelError (permanent) for any other."""
    place = _split(location, asked)
    if not place.path.startswith(_STORES.get(place.hostname or "", "\0")):
        raise ChannelError("permanent", "media-elsewhere", "the medium is not at the provider")
    return place


def _split(address: str, asked: str = "") -> SplitResult:
    try:
        place = urlsplit(urljoin(asked, address))
        plain = place.scheme == "https" and place.port in (None, 443) and not place.username and not place.password
    except ValueError:
        plain = False
    # As the client will read it, which takes %2e for a point and goes up by two of them.
    if not plain or any(step in (".", "..") for step in unquote(place.path).split("/")):
        raise ChannelError("permanent", "media-elsewhere", "the medium is not at the provider")
    return place


def _routed(place: SplitResult, base_url: str) -> str:
    """The address that is really asked: `base_url` stands for every host, and the host's name goes into the path."""
    if not base_url:
        return urlunsplit(place)
    host = "" if place.hostname == _API else f"/{place.hostname}"
    return base_url.rstrip("/") + urlunsplit(("", "", host + place.path, place.query, ""))


def _nobody(request: Any) -> Any:
    """No name and no password, whatever the machine's own files hold for a host."""
    return request


def _content(answer: Any, medium: Medium) -> Fetched:
    status = answer.status_code
    if status in _AWAY or status >= 500:
        raise ChannelError("retryable", f"media-{status}", "the provider does not give the medium now")
    if status != 200:
        raise ChannelError("permanent", f"media-{status}", "the provider does not have the medium")
    content = bytearray()
    for piece in answer.iter_content(_PIECE):
        content += piece
        if len(content) > LARGEST:
            raise ChannelError("permanent", "media-too-large", "the medium is too large")
    named = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    told = medium.content_type.partition(";")[0].strip().lower()
    declared = told if named in ("", _ANY) else named
    if not _plausible(bytes(content), declared) or not _plausible(bytes(content), told):
        raise ChannelError("permanent", "media-type", "the medium is not what it says it is")
    return Fetched(bytes(content), declared)


def _plausible(content: bytes, declared: str) -> bool:
    """Whether what the bytes show contradicts the declared type. Sound and film share their containers."""
    family, shown = declared.partition("/")[0].lower(), media_type(content)
    if not shown:
        return family not in _FAMILIES
    if family not in _FAMILIES:
        return declared in ("", _ANY, shown)
    return family == shown.partition("/")[0] or {family, shown.partition("/")[0]} == {"audio", "video"}


@contextmanager
def _asked() -> Iterator[None]:
    """What goes wrong on the way: nothing is lost by asking once more."""
    from bots.deadline import answered

    try:
        with answered():
            yield
    except ChannelError as error:
        if error.kind != "unknown":
            raise
        raise ChannelError("retryable", error.code, error.message) from None
