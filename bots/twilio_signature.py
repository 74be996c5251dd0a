"""Twilio's request signature: HMAC-SHA1 over the address that was called and the fields, blank ones included."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit, urlunsplit

_STANDARD_PORTS = {"http": 80, "https": 443}
Fields = Mapping[str, Sequence[str]]


def expected(token: str, url: str, fields: Fields) -> str:
    """The signature of one call: base64 of HMAC-SHA1 over the url and each key with its distinct values, sorted."""
    signed = [url]
    for key in sorted(fields):
        values = fields[key]
        for value in values if len(values) == 1 else sorted(set(values)):
            signed += (key, value)
    keyed = _keyed(token).copy()
    keyed.update("".join(signed).encode())
    return base64.b64encode(keyed.digest()).decode()


@lru_cache(maxsize=16)
def _keyed(token: str) -> hmac.HMAC:
    """The token read into the hash, once: it is the same for every call."""
    return hmac.new(token.encode(), digestmod="sha1")


def genuine(signature: str, tokens: Collection[str], url: str, fields: Fields, body: bytes) -> bool:
    """Whether one of the tokens made this signature.

    The standard port may or may not be part of what the provider signed, so both are tried. A call that carries
    bodySHA256 in its query is signed without its fields, and the hash must be the body's.
    """
    declared = parse_qs(urlsplit(url).query).get("bodySHA256") if "bodySHA256" in url else None
    if declared:
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), declared[0].encode()):
            return False
        fields = {}
    given = signature.encode("utf-8", "surrogateescape")
    return any(
        hmac.compare_digest(expected(token, address, fields).encode(), given)
        for address in _spellings(url)
        for token in tokens
    )


def _spellings(url: str) -> Iterator[str]:
    """The address as it is, then with or without the standard port of its scheme, unless it names another port."""
    yield url
    parts = urlsplit(url)
    standard = _STANDARD_PORTS.get(parts.scheme)
    if standard is not None and parts.port in (None, standard):
        host = parts.netloc.removesuffix(f":{standard}")
        yield urlunsplit(parts._replace(netloc=host if parts.port else f"{host}:{standard}"))
