"""How a patient's text is made comparable, and when it cannot be read at all."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 4_000
"""A longer text is no answer; it goes to a person."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = re.compile("[\ufe0e\ufe0f\u20e3\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\U0001f3fb-\U0001f3ff]")
_SPACE = re.compile(r"\s+")
_REPLACED = str.maketrans(
    {
        **{chr(0x2776 + n): str(n + 1) for n in range(9)},  # ❶ … ❾ have no compatibility form
        **{chr(0x2780 + n): str(n + 1) for n in range(9)},  # ➀ … ➈
        **{chr(0x278A + n): str(n + 1) for n in range(9)},  # ➊ … ➒
        **dict.fromkeys("’‘ʼ`´", "'"),
        **dict.fromkeys("“”「」『』", '"'),
        **dict.fromkeys("−–—‐‑", "-"),
        "、": ",",
        "۔": ".",
    }
)
_FRACTIONS = str.maketrans(
    {
        "½": " 1/2",
        "⅓": " 1/3",
        "⅔": " 2/3",
        "¼": " 1/4",
        "¾": " 3/4",
        "⅕": " 1/5",
        "⅛": " 1/8",
        "⅜": " 3/8",
        "⅝": " 5/8",
        "⅞": " 7/8",
    }
)  # before folding, or 5½ would become 51/2
TRAILING = " \t\r\n.,!?。,!?;:~…·\"')"


def storable(text: str) -> bool:
    """Whether a database can keep it: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def readable(text: str) -> bool:
    """Whether a text is short and sound enough to be read as an answer."""
    return len(text) <= MAX_TEXT and storable(text)


def normalised(text: str) -> str:
    """One form for many spellings: NFKC, case folded, invisible marks gone, spaces single, quotes and dashes plain."""
    if text.isascii():
        return _SPACE.sub(" ", text).strip().lower()
    folded = (
        unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_FRACTIONS)).casefold().translate(_REPLACED)
    )
    return _SPACE.sub(" ", folded).strip()


def bare(text: str) -> str:
    """A normalised text without its final punctuation: what a command is compared with."""
    return normalised(text).rstrip(TRAILING)
