"""Compounds: words that are no evidence as a part of others. The blood of "blood pressure" and 血压 is not bled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from care.errors import Invalid

MASK = "0"
"""Put for, or after, a part of a compound, so that no phrase takes it for the word alone."""
_BRACKETS = re.compile(r"([^\[]*)\[([^\]]+)\]([^\]]*)")


@dataclass(frozen=True, slots=True)
class Compounds:
    """Compiled once; the same is done to the phrases that are looked for and to the texts."""

    latin: re.Pattern[str]
    han: re.Pattern[str]

    def masked(self, text: str) -> str:
        """The text, or a phrase, with that part of each compound changed."""
        masked = self.latin.sub(lambda word: word[0] + MASK, text)
        return masked if masked.isascii() else self.han.sub(MASK, masked)


def read_compounds(words: Iterable[str]) -> Compounds:
    """Words like "[blood] pressure" and 验[血]: what stands in brackets is masked there.

    They are written as texts are compared: small letters, simplified characters. Raises Invalid for one without
    brackets, or a Latin one whose first word is not in them.
    """
    latin: dict[str, list[str]] = {}
    han: list[str] = []
    for word in sorted(words):
        found = _BRACKETS.fullmatch(word)
        if found is None or (word.isascii() and found[1]):
            raise Invalid("no-brackets", "a compound has one part in brackets, a Latin one its first", place=word)
        before, part, after = (re.escape(one.strip()) for one in found.groups())
        if word.isascii():
            latin.setdefault(part, []).append(after)
        else:
            han.append(f"(?<={before}){part}(?={after})")
    return Compounds(
        re.compile("|".join(_latin(part, afters) for part, afters in latin.items()) or "(?!)"),
        re.compile("|".join(han) or "(?!)"),
    )


def _latin(part: str, afters: Iterable[str]) -> str:
    """A pattern that begins with a letter, so that the engine skips to it: every text is searched for these."""
    return f"{part}(?<![a-z0-9]{part})(?= (?:{'|'.join(afters)})(?![a-z0-9]))"
