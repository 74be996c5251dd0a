"""WeChat's signatures and its envelope: AES-256-CBC around a message and the account's id, as Tencent specifies it.

The plain signature covers a token, a time and a nonce only: it says that somebody knows the token, and nothing of the
body. The signature of an envelope covers the ciphertext too, so nothing is decrypted that was not signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from care.errors import Invalid, NotAllowed

FRESH = timedelta(seconds=300)
REMEMBERED = 20_000  # calls: more than WeChat makes to one account in five minutes, and two megabytes
_BLOCK = 32  # the padding's block, which is not that of the cipher (16)
_RANDOM, _LENGTH = 16, 4


def signature(token: str, *signed: str) -> str:
    """SHA-1 over the token and what is signed, sorted and joined: (timestamp, nonce), for an envelope also its text."""
    return hashlib.sha1("".join(sorted((token, *signed))).encode()).hexdigest()  # noqa: S324  (WeChat's choice)


def genuine(given: str, token: str, *signed: str) -> bool:
    """Whether somebody who knows the token made this signature; compared in constant time."""
    return hmac.compare_digest(signature(token, *signed).encode(), given.encode("utf-8", "surrogateescape"))


def js_signature(ticket: str, nonce: str, timestamp: str, url: str) -> str:
    """The signature with which a page may use WeChat's JS-SDK: SHA-1 over the four, named and in this order."""
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(signed.encode()).hexdigest()  # noqa: S324  (WeChat's choice)


def check_fresh(timestamp: str, now: datetime) -> None:
    """Raise NotAllowed unless the call was made within five minutes of now. `timestamp`: seconds since 1970."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise NotAllowed("timestamp", "the call does not say when it was made")
    if abs(now.timestamp() - int(timestamp)) > FRESH.total_seconds():
        raise NotAllowed("stale", "the call is too old, or from the future")


@dataclass(frozen=True)
class Envelopes:
    """Opens and makes envelopes of one account. `previous` is opened too, while keys are exchanged.

    Raises Invalid at once for a key that is not 43 characters of base64.
    """

    app_id: str
    key: str = field(repr=False)
    previous: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for key in self._keys():
            aes_key(key)

    def _keys(self) -> tuple[str, ...]:
        return (self.key, self.previous) if self.previous else (self.key,)

    def open(self, encrypted: str) -> bytes:
        """The message in an envelope, as it was put in. Raises NotAllowed when it does not open or is not for us."""
        for key in self._keys():
            found = _opened(encrypted, aes_key(key))
            if found is None:
                continue
            message, app_id = found
            if not hmac.compare_digest(app_id, self.app_id.encode()):
                raise NotAllowed("account", "this call is for another account")
            return message
        raise NotAllowed("envelope", "the envelope does not open")

    def seal(self, message: bytes, random: bytes = b"") -> str:
        """An envelope with the message; `random` (16 bytes) is for tests alone."""
        key = aes_key(self.key)
        start = random or os.urandom(_RANDOM)
        plain = start + len(message).to_bytes(_LENGTH, "big") + message + self.app_id.encode()
        missing = _BLOCK - len(plain) % _BLOCK
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()).decode()

    def reply(self, message: bytes, token: str, timestamp: str, nonce: str, random: bytes = b"") -> str:
        """A passive reply as an answer's body: the envelope, and its signature."""
        encrypted = self.seal(message, random)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{signature(token, timestamp, nonce, encrypted)}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )


def aes_key(encoded: str) -> bytes:
    """The 32 bytes in an EncodingAESKey. Raises Invalid.

    43 characters of base64 hold two bits too many, which Tencent's own examples do not leave empty: they are ignored.
    """
    try:
        key = base64.b64decode(encoded + "=", validate=True) if len(encoded) == 43 else b""
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise Invalid("aes-key", "WeChat's EncodingAESKey is 43 letters and digits")
    return key


def _opened(encrypted: str, key: bytes) -> tuple[bytes, bytes] | None:
    """(message, account id), or None when this key does not open it."""
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not sealed or len(sealed) % 16:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        return None
    plain = plain[_RANDOM:-padding]
    end = _LENGTH + int.from_bytes(plain[:_LENGTH], "big")
    return (plain[_LENGTH:end], plain[end:]) if _LENGTH <= end <= len(plain) else None


class Answered:
    """The calls of the last minutes that were answered: one that comes again is answered again, and nothing is done.

    In memory and bounded: it only saves work. What keeps a replay without effect is the database, where a message's id
    and an event's are unique for ever. A call is remembered once its work is committed and not before, so that the
    second try of one that failed is not mistaken for a replay.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._calls: OrderedDict[str, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, call: str) -> bool:
        """Whether this call, named by its signature and nonce, was answered."""
        with self._lock:
            return call in self._calls

    def remember(self, call: str, now: datetime) -> None:
        """It was answered; those that are no longer fresh are forgotten."""
        with self._lock:
            self._calls[call] = now
            while self._calls:
                oldest = next(iter(self._calls))
                if len(self._calls) <= self._most and self._calls[oldest] > now - 2 * FRESH:
                    break
                del self._calls[oldest]
