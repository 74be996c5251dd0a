"""A text that a simple regular expression matches: for trying a form out. Not every expression: where none is found
there is none, and whoever asked tries something else.
"""

from __future__ import annotations

from random import Random

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_WORD = _DIGITS + _LOWER + _LOWER.upper()
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": " ", "D": _LOWER, "W": "-", "S": _WORD}
_ANY = _LOWER + _DIGITS
_PRINTABLE = "".join(map(chr, range(32, 127)))
_SHORT = 0.75  # how often a long repetition is kept short
_LONGEST, _DEEPEST, _MORE, _STEPS = 200, 20, 6, 5_000


class _TooHard(Exception):
    """A construct that is not made here."""


def matching(pattern: str, chance: Random) -> str | None:
    """A short text that this expression should match as a whole, or None. Look-arounds and back references are not
    made; the caller makes sure with the real engine.
    """
    try:
        maker = _Maker(pattern[:2_000], chance)
        made = maker.alternatives(0)
        return made[:_LONGEST] if maker.at == len(maker.pattern) else None
    except (_TooHard, IndexError, ValueError):
        return None


class _Maker:
    """One reading of an expression from left to right, which makes the text as it goes."""

    def __init__(self, pattern: str, chance: Random) -> None:
        self.pattern, self.chance, self.at, self.steps = pattern, chance, 0, 0

    def alternatives(self, depth: int) -> str:
        """One of the parts between |, as far as the closing bracket or the end."""
        if depth > _DEEPEST:
            raise _TooHard
        parts = [self._sequence(depth)]
        while self._next_is("|"):
            parts.append(self._sequence(depth))
        return self.chance.choice(parts)

    def _sequence(self, depth: int) -> str:
        made: list[str] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            start = self.at
            pieces = [self._atom(depth)]
            least, most = self._quantity()
            end = self.at
            times = self.chance.randint(least, most)
            while len(pieces) < times:  # each time anew, so that [0-9]{4} is not four times the same
                self.at = start
                pieces.append(self._atom(depth))
            self.at = end
            made += pieces[:times]
        return "".join(made)

    def _atom(self, depth: int) -> str:
        self.steps += 1
        if self.steps > _STEPS:
            raise _TooHard
        char = self._take()
        if char in "^$":
            return ""
        if char == "(":
            if self._next_is("?") and not self._next_is(":"):
                raise _TooHard
            made = self.alternatives(depth + 1)
            if not self._next_is(")"):
                raise _TooHard
            return made
        if char == "[":
            return self.chance.choice(self._class())
        if char == ".":
            return self.chance.choice(_ANY)
        if char == "\\":
            return self._escaped()
        return char

    def _escaped(self) -> str:
        char = self._take()
        if char in "bBAzZ":
            return ""
        if char in _CLASSES:
            return self.chance.choice(_CLASSES[char])
        if char.isalnum():
            raise _TooHard
        return char

    def _class(self) -> str:
        negated = self._next_is("^")
        found: list[str] = []
        while not (self.pattern[self.at] == "]" and found):
            char = self._take()
            if char == "\\":
                char = self._take()
                if char in _CLASSES:
                    found += _CLASSES[char]
                    continue
            if self.pattern[self.at] == "-" and self.pattern[self.at + 1] != "]":
                self.at += 1
                last = self._take()
                found += map(chr, range(ord(char), min(ord(last), ord(char) + 200) + 1))
            else:
                found.append(char)
        self.at += 1
        chars = [char for char in (_PRINTABLE if negated else found) if not negated or char not in found]
        plain = [char for char in chars if char in _WORD]
        if not chars:
            raise _TooHard
        return "".join(plain or chars)

    def _quantity(self) -> tuple[int, int]:
        least, most = 1, 1
        if self._next_is("?"):
            least = 0
        elif self._next_is("*"):
            least, most = 0, _MORE
        elif self._next_is("+"):
            most = _MORE
        elif self.at < len(self.pattern) and self.pattern[self.at] == "{":
            end = self.pattern.index("}", self.at)
            low, comma, high = self.pattern[self.at + 1 : end].partition(",")
            least = int(low or 0)
            most = int(high) if high else (least + _MORE if comma else least)
            self.at = end + 1
        if most > _LONGEST or self.chance.random() < _SHORT:
            most = min(most, least + _MORE)
        if least > _LONGEST:
            raise _TooHard
        _ = self._next_is("?") or self._next_is("+")  # lazy, possessive
        return least, most

    def _take(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def _next_is(self, char: str) -> bool:
        if self.at < len(self.pattern) and self.pattern[self.at] == char:
            self.at += 1
            return True
        return False
