"""The backup's file: a stream sealed in chunks (AES-256-GCM), that opens whole or not at all.

Layout: the magic, the key's id (one byte of length before it), a salt of 32 bytes, then chunks of at most one megabyte,
each with four bytes of length before it. The file's own key is derived from the named key and the salt (HKDF-SHA256),
so a nonce is just the chunk's number; its last byte says whether the chunk is the last. So a chunk that is missing,
moved, changed, or a file that ends early does not open.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from care.errors import Invalid

MAGIC = b"CAREBAK1"
CHUNK = 1024 * 1024
_SALT = 32
_TAG = 16


def seal(source: BinaryIO, target: BinaryIO, key_id: str, key: bytes) -> int:
    """Read `source` to its end and write the sealed form to `target`. Returns the bytes that were read."""
    name, salt = key_id.encode(), os.urandom(_SALT)
    header = MAGIC + bytes([len(name)]) + name + salt
    target.write(header)
    cipher, total, number = _cipher(key, salt), 0, 0
    chunk = source.read(CHUNK)
    while True:
        following = source.read(CHUNK) if chunk else b""
        sealed = cipher.encrypt(_nonce(number, last=not following), chunk, header)
        target.write(struct.pack(">I", len(sealed)) + sealed)
        total, number = total + len(chunk), number + 1
        if not following:
            return total
        chunk = following


def opened(source: BinaryIO, keys: Mapping[str, bytes]) -> Iterator[bytes]:
    """The content of a sealed file, chunk by chunk.

    Raises Invalid: no-backup (another kind of file), unknown-key (its key is not among `keys`), broken-backup (a wrong
    key under the right name, a changed byte), cut-short (the end is missing). A reader must not use what came before
    an error.
    """
    header, key_id, salt = _header(source)
    if key_id not in keys:
        raise Invalid("unknown-key", f"this backup was made with the key {key_id!r}, which CARE_KEYS does not name")
    cipher, number, last = _cipher(keys[key_id], salt), 0, False
    while not last:
        length = source.read(4)
        if len(length) < 4:
            raise Invalid("cut-short", "the end of this backup is missing")
        (size,) = struct.unpack(">I", length)
        if not _TAG <= size <= CHUNK + _TAG:
            raise Invalid("broken-backup", "this backup was changed")
        sealed = source.read(size)
        if len(sealed) < size:
            raise Invalid("cut-short", "the end of this backup is missing")
        chunk, last = _open(cipher, number, sealed, header)
        number += 1
        yield chunk
    if source.read(1):
        raise Invalid("broken-backup", "something was added to this backup")


def _header(source: BinaryIO) -> tuple[bytes, str, bytes]:
    start = source.read(len(MAGIC) + 1)
    if len(start) <= len(MAGIC) or not start.startswith(MAGIC):
        raise Invalid("no-backup", "this is no backup of Care")
    size = start[-1]
    rest = source.read(size + _SALT)
    if len(rest) < size + _SALT:
        raise Invalid("cut-short", "the end of this backup is missing")
    try:
        return start + rest, rest[:size].decode(), rest[size:]
    except UnicodeDecodeError:
        raise Invalid("broken-backup", "this backup was changed") from None


def _open(cipher: AESGCM, number: int, sealed: bytes, header: bytes) -> tuple[bytes, bool]:
    for last in (False, True):
        try:
            return cipher.decrypt(_nonce(number, last=last), sealed, header), last
        except InvalidTag:
            continue
    raise Invalid("broken-backup", "this backup does not open: a wrong key, or it was changed")


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"care backup").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(3) + struct.pack(">Q", number) + bytes([last])
