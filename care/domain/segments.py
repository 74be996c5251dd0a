"""How long a text is as an SMS, and how it is made to fit: parts of the GSM-7 or UCS-2 alphabet, folding, dividing.

3GPP TS 23.038: a message of up to 160 GSM-7 septets (characters of the extension table count two) or 70 UTF-16 code
units travels alone; a longer one is cut into parts of 153 or 67, since each carries a header of six bytes. A character
of two units is never cut in two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
_GSM_7 = _BASIC | _EXTENSION
_ALONE = {"GSM-7": 160, "UCS-2": 70}
_PART = {"GSM-7": 153, "UCS-2": 67}

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("•‣◦▪●·", "-"),
        **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", ""),
        "…": "...",
        "℃": "C",
        "℉": "F",
        "°": "",
        "º": "",
        "×": "x",
        "≤": "<=",
        "≥": ">=",
        "±": "+/-",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
        "²": "2",
        "³": "3",
        "µ": "u",
        "μ": "u",
        "，": ",",
        "。": ".",
        "：": ":",
        "；": ";",
        "？": "?",
        "！": "!",
        "（": "(",
        "）": ")",
    }
)
"""What a phone of any age shows instead, with the same meaning: "38.5 °C" is told as "38.5 C"."""

# Where a text is best divided: between paragraphs, lines, sentences, clauses, words.
_BREAKS = ("\n\n", "\n", ". ", "。", "! ", "? ", "！", "？", "; ", "；", ", ", "，", "、", " ")


class Size(NamedTuple):
    """A text as it travels: its alphabet, its length in that alphabet's units, and the parts it is cut into."""

    encoding: str
    units: int
    segments: int


@dataclass(frozen=True, slots=True)
class Room:
    """The longest message of a channel: in characters, in SMS parts and in UTF-8 bytes (0 where nobody counts)."""

    characters: int = 1600
    segments: int = 0
    bytes: int = 0

    def holds(self, text: str) -> bool:
        """Whether a text fits as it is."""
        if len(text) > self.characters:
            return False
        if self.bytes and len(text.encode("utf-8", "surrogatepass")) > self.bytes:
            return False
        return not self.segments or size(text).segments <= self.segments


def size(text: str) -> Size:
    """What a text costs as an SMS. An empty one is one part."""
    gsm = _GSM_7.issuperset(text)
    encoding = "GSM-7" if gsm else "UCS-2"
    units = sum(_units(text, gsm))
    if units <= _ALONE[encoding]:
        return Size(encoding, units, 1)
    segments, left = 1, _PART[encoding]
    for each in _units(text, gsm):
        if each > left:
            segments, left = segments + 1, _PART[encoding]
        left -= each
    return Size(encoding, units, segments)


def _units(text: str, gsm: bool) -> Iterator[int]:
    if gsm:
        return (2 if char in _EXTENSION else 1 for char in text)
    return (2 if char > "\uffff" else 1 for char in text)


def folded(text: str) -> str:
    """The text in GSM-7 where folding quotes, dashes, bullets, spaces and degree signs is enough for that.

    Otherwise it stays as it is: one Chinese character makes the whole message UCS-2, and folding would save nothing.
    """
    if _GSM_7.issuperset(text):
        return text
    plain = text.translate(_PLAIN)
    return plain if _GSM_7.issuperset(plain) else text


def divided(text: str, room: Room) -> tuple[str, ...]:
    """The text as messages that each fit, in order; cut between paragraphs, sentences or words where that is possible.

    Nothing but white space at the cuts is lost. A text that fits is one message; a blank one none.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest:
        if room.holds(rest):
            parts.append(rest)
            break
        most = _longest(rest, room)
        at = _cut(rest, most)
        parts.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return tuple(part for part in parts if part)


def clipped(text: str, room: Room) -> str:
    """The text, or its beginning with an ellipsis where it does not fit."""
    if room.holds(text):
        return text
    mark = "..." if _GSM_7.issuperset(text) else "…"
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if room.holds(text[:middle].rstrip() + mark) else (low, middle - 1)
    return text[:low].rstrip() + mark if low else text[:1]


def _longest(text: str, room: Room) -> int:
    """How many characters from the beginning fit, at least one. (What fits, fits when it is shorter.)"""
    low, high = 1, min(len(text), room.characters)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if room.holds(text[:middle].rstrip()) else (low, middle - 1)
    return low


def _cut(text: str, most: int) -> int:
    """Where to end the first part: after the best break in its second half, else where it is full."""
    for mark in _BREAKS:
        at = text.rfind(mark, most // 2, most)
        if at != -1:
            return at + len(mark)
    return most
