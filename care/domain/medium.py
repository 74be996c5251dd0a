"""What the bytes of a medium are, whatever anybody says they are; and a film without the place where it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
"""What is drawn anew before it is kept."""

MEBIBYTE = 1024 * 1024
LARGEST: Mapping[str, int] = {
    **dict.fromkeys(PICTURES, 16 * MEBIBYTE),
    **dict.fromkeys(("audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/amr", "audio/wav"), 16 * MEBIBYTE),
    **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MEBIBYTE),
    "application/pdf": 8 * MEBIBYTE,
}
"""What is kept, and how many bytes of it. What is not here is refused: nobody opens a file of an unknown kind."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
)
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
_BRANDS = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime"}
_HOLDERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
_TELLS = frozenset({b"udta", b"meta", b"uuid"})  # boxes where cameras write the place, the maker and the owner
_DEEPEST = 6


def media_type(content: bytes) -> str:
    """The media type that the first bytes show, and "" for what is not known here.

    An MP4 file is a film unless it says that it is sound; one of a brand that is not known counts as MP4.
    """
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(content[8:12], "")
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        if brand in _HEIF:
            return "image/heic"
        return "video/3gpp" if brand[:2] == b"3g" else _BRANDS.get(brand, "video/mp4")
    return _frames(content[:2])


def _frames(first: bytes) -> str:
    """Sound that has no header: MPEG frames begin with eleven set bits; AAC (ADTS) with twelve and a layer of 0."""
    if len(first) < 2 or first[0] != 0xFF or first[1] & 0xE0 != 0xE0:
        return ""
    if first[1] & 0xF6 == 0xF0:
        return "audio/aac"
    return "audio/mpeg" if first[1] & 0x06 and first[1] & 0x18 != 0x08 else ""


def without_place(content: bytes) -> bytes:
    """An MP4 or 3GP file whose boxes of remarks (where, when, with what) are blanked; sound and picture stay.

    A box becomes one of type `free` of the same size, filled with zeros, so that nothing in the file moves (ISO/IEC
    14496-12, 8.1.2 and 8.10). Raises ValueError for a file whose boxes do not fit into each other.
    """
    blank = bytearray(content)
    for start, head, end in _remarks(content, 0, len(content), _DEEPEST):
        blank[start + 4 : start + 8] = b"free"
        blank[start + head : end] = bytes(end - start - head)
    return bytes(blank)


def _remarks(content: bytes, start: int, end: int, deep: int) -> Iterator[tuple[int, int, int]]:
    """(where, bytes of its head, where it ends) of each box of remarks between two places."""
    while start < end:
        head, size, kind = 8, int.from_bytes(content[start : start + 4]), content[start + 4 : start + 8]
        if size == 1:
            head, size = 16, int.from_bytes(content[start + 8 : start + 16])
        elif size == 0:
            size = end - start  # the last box of a file may say no size
        if size < head or start + size > end:
            raise ValueError("the boxes of this file do not fit")
        if kind in _TELLS:
            yield start, head, start + size
        elif kind in _HOLDERS and deep:
            yield from _remarks(content, start + head, start + size, deep - 1)
        start += size
