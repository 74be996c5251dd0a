"""The sealed stream of a backup opens whole or not at all."""

from __future__ import annotations

import io

import pytest

from care.errors import Invalid
from care_api import archive

KEY, OTHER = bytes(range(32)), bytes(32)


def sealed(content: bytes) -> bytes:
    target = io.BytesIO()
    assert archive.seal(io.BytesIO(content), target, "k1", KEY) == len(content)
    return target.getvalue()


def opened(data: bytes, **keys: bytes) -> bytes:
    return b"".join(archive.opened(io.BytesIO(data), keys or {"k1": KEY}))


@pytest.mark.parametrize(
    "size", [0, 1, archive.CHUNK - 1, archive.CHUNK, archive.CHUNK + 1, 3 * archive.CHUNK, 2_500_000]
)
def test_what_goes_in_comes_out(size: int):
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert opened(sealed(content)) == content


def test_the_same_content_is_never_sealed_the_same_way_twice():
    assert sealed(b"x" * 1000) != sealed(b"x" * 1000)


def test_nothing_plain_is_in_the_file():
    assert b"Demo Patient" not in sealed(b"Demo Patient " * 100)


def test_every_cut_is_found():
    whole = sealed(b"x" * (2 * archive.CHUNK))
    for length in (0, 5, 9, 20, 44, 60, archive.CHUNK, archive.CHUNK + 70, len(whole) - 1):
        with pytest.raises(Invalid) as caught:
            opened(whole[:length])
        assert caught.value.code in ("cut-short", "no-backup")


def test_a_whole_chunk_less_at_the_end_is_found():
    whole = sealed(b"x" * (2 * archive.CHUNK))
    with pytest.raises(Invalid) as caught:
        opened(whole[: len(whole) - archive.CHUNK - 20])
    assert caught.value.code == "cut-short"


def test_a_changed_byte_anywhere_is_found():
    whole = sealed(b"x" * 1000)
    for place in (0, 9, 10, 20, 44, 100, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(Invalid):
            opened(bytes(changed))


def test_chunks_that_changed_places_are_found():
    head = 8 + 1 + 2 + 32
    whole, size = sealed(b"a" * archive.CHUNK + b"b" * archive.CHUNK + b"c"), archive.CHUNK + 20
    swapped = whole[:head] + whole[head + size : head + 2 * size] + whole[head : head + size] + whole[head + 2 * size :]
    with pytest.raises(Invalid):
        opened(swapped)


def test_something_added_is_found():
    with pytest.raises(Invalid, match="added"):
        opened(sealed(b"x") + b"y")


def test_a_wrong_key_and_an_unknown_key_are_told_apart():
    with pytest.raises(Invalid) as caught:
        opened(sealed(b"x"), k1=OTHER)
    assert caught.value.code == "broken-backup"
    with pytest.raises(Invalid) as caught:
        opened(sealed(b"x"), k2=KEY)
    assert caught.value.code == "unknown-key"


def test_another_kind_of_file_is_told_so():
    with pytest.raises(Invalid, match="no backup of Care"):
        opened(b"PGDMP" + bytes(100))
