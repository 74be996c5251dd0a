"""Sealed columns: AES-256-GCM with a key id; the associated data is table:column:row, so a value can't be moved.

Stored form: one byte length of the key id, the key id, a 96-bit random nonce, the ciphertext with its tag.
Look-ups go through HMAC-SHA256 tokens under a key of their own, since sealed values can't be searched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from care.errors import CareError

_NONCE = 12


class SealBroken(CareError):
    """A sealed value does not open: wrong key, wrong row, or changed bytes."""

    title = "Sealed value does not open"


@dataclass(frozen=True)
class Keyring:
    """The keys by id (the current one first) and the token key. Built once from the environment."""

    keys: dict[str, bytes] = field(repr=False)
    token_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys:
            raise CareError("no-key", "CARE_KEYS names no key")
        for name, key in self.keys.items():
            if len(key) != 32 or not 0 < len(name.encode()) < 256:
                raise CareError("bad-key", "each key in CARE_KEYS is id:base64 of 32 bytes")
        if len(self.token_key) != 32:
            raise CareError("bad-key", "CARE_TOKEN_KEY is base64 of 32 bytes")

    @property
    def current(self) -> str:
        """The id of the key that new values are sealed with."""
        return next(iter(self.keys))

    @staticmethod
    def read(keys: str, token_key: str) -> Keyring:
        """Parse `id:base64,id:base64` and the base64 token key. Raises CareError without showing a value."""
        try:
            pairs = [part.strip().split(":", 1) for part in keys.split(",") if part.strip()]
            if any(len(pair) != 2 for pair in pairs):
                raise ValueError
            if len({name for name, _ in pairs}) < len(pairs):
                raise CareError("bad-key", "CARE_KEYS names a key twice")
            ring = {name: base64.b64decode(value, validate=True) for name, value in pairs}
            return Keyring(ring, base64.b64decode(token_key, validate=True))
        except (ValueError, binascii.Error):
            raise CareError("bad-key", "CARE_KEYS or CARE_TOKEN_KEY cannot be read") from None


_ring: Keyring | None = None
_ciphers: dict[str, AESGCM] = {}
_current: tuple[bytes, AESGCM] | None = None  # how a new value begins, and what seals it


def install(ring: Keyring) -> None:
    """Give this process its keys. Called once, by whoever composes the process."""
    global _ring, _current
    _ring = ring
    _ciphers.clear()
    _ciphers.update({name: AESGCM(key) for name, key in ring.keys.items()})
    tag = ring.current.encode()
    _current = bytes([len(tag)]) + tag, _ciphers[ring.current]


def ring() -> Keyring:
    """The installed keys. Raises CareError when the process was composed without any."""
    if _ring is None:
        raise CareError("no-key", "no keys are installed in this process")
    return _ring


def seal(table: str, column: str, row: UUID, value: str) -> bytes:
    """Encrypt `value` for one cell."""
    return _encrypt(f"{table}:{column}:{row}", value)


def seal_bytes(table: str, column: str, row: UUID, value: bytes) -> bytes:
    """seal() for what is no text, as a picture is."""
    return _encrypt_bytes(f"{table}:{column}:{row}", value)


def sealer(model: Any, column: str) -> Callable[[str, str], bytes]:
    """seal() for many rows of one column: takes the row's id as text, and the value."""
    cell = f"{model.__tablename__}:{column}:"
    return lambda row, value: _encrypt(cell + row, value)


def _encrypt(cell: str, value: str) -> bytes:
    return _encrypt_bytes(cell, value.encode("utf-8", "surrogatepass"))


def _encrypt_bytes(cell: str, value: bytes) -> bytes:
    if _current is None:
        ring()  # says that no keys are installed
    begin, cipher = _current  # type: ignore[misc]
    nonce = os.urandom(_NONCE)
    return begin + nonce + cipher.encrypt(nonce, value, cell.encode())


def unseal(table: str, column: str, row: UUID, sealed: bytes) -> str:
    """Decrypt the cell. Raises SealBroken, which names the cell and never its content."""
    return unseal_bytes(table, column, row, sealed).decode("utf-8", "surrogatepass")


def unseal_bytes(table: str, column: str, row: UUID, sealed: bytes) -> bytes:
    """unseal() for what is no text. Raises SealBroken."""
    try:
        name, nonce, body = _parts(sealed)
    except (IndexError, UnicodeDecodeError):
        raise SealBroken("broken-seal", f"{table}.{column} of {row} is no sealed value") from None
    cipher = _ciphers.get(name)
    if cipher is None:
        raise SealBroken("unknown-key", f"no key {name!r} for {table}.{column}")
    try:
        return cipher.decrypt(nonce, body, f"{table}:{column}:{row}".encode())
    except (InvalidTag, ValueError):  # also bytes that are too few
        raise SealBroken("broken-seal", f"{table}.{column} of {row} does not open") from None


def key_of(sealed: bytes) -> str:
    """The id of the key a value was sealed with."""
    return _parts(sealed)[0]


def _parts(sealed: bytes) -> tuple[str, bytes, bytes]:
    size = sealed[0]
    start = 1 + size
    return sealed[1:start].decode(), sealed[start : start + _NONCE], sealed[start + _NONCE :]


def token(kind: str, value: str) -> bytes:
    """The look-up token of a value: HMAC-SHA256 over kind and value, cut to 16 bytes."""
    return hmac.new(ring().token_key, f"{kind}\x00{value}".encode(), hashlib.sha256).digest()[:16]


class Sealed:
    """A sealed text attribute of a row, stored in the bytea column of the same name plus `_sealed`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.column = f"{name}_sealed"

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        if row is None:
            return self
        stored = getattr(row, self.column)
        return None if stored is None else self._decode(unseal(row.__tablename__, self.column, row.id, bytes(stored)))

    def __set__(self, row: Any, value: Any) -> None:
        stored = None if value is None else seal(row.__tablename__, self.column, row.id, self._encode(value))
        setattr(row, self.column, stored)

    def _encode(self, value: Any) -> str:
        return str(value)

    def _decode(self, text: str) -> Any:
        return text


class SealedJson(Sealed):
    """A sealed JSON attribute of a row. Assign a whole new value to change it."""

    def _encode(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def _decode(self, text: str) -> Any:
        return json.loads(text)


class SealedBytes(Sealed):
    """A sealed attribute of a row that is no text: a picture, a recording."""

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        if row is None:
            return self
        stored = getattr(row, self.column)
        return None if stored is None else unseal_bytes(row.__tablename__, self.column, row.id, bytes(stored))

    def __set__(self, row: Any, value: Any) -> None:
        stored = None if value is None else seal_bytes(row.__tablename__, self.column, row.id, value)
        setattr(row, self.column, stored)
