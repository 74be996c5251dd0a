"""What stands before each option of a choice, and is replied: 1, 2, 3 of ours, or the form's own numbers and letters.

The question and the reader of its answer must go by the same marks: under "0 Not at all, 1 A little" the reply "1" is
the second option.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from care.domain.questionnaire.model import Item, Option, Text

_MARK = r"\(?([0-9]{1,3}|[A-Za-z])"
_LETTERS = "abcdefghijklmnopq"
_WITHDRAWS = frozenset("rt")
"""Replied alone, these letters end all messages, as Chinese carriers have it: they never stand for an option."""
_PREFIX = re.compile(_MARK + r"[).:、]?")
_LEADING = re.compile(_MARK + r"(?:[).:、=]+\s*|\s*[-–—]\s+|\s+[-–—=:]\s*)(?=[^\s\d])")  # "1-2 days" has no mark


@dataclass(frozen=True, slots=True)
class Marks:
    """`replies`: what is replied for each option, normalised. `own`: they are the form's and not 1, 2, 3.

    `told`: whether they stand before the options when these are shown (not where a text begins with its own, or is a
    number itself). `length`: how much of an option's text is its mark, by option.
    """

    replies: tuple[str, ...]
    own: bool = False
    told: bool = True
    lengths: tuple[int, ...] = ()


def marks(item: Item) -> Marks:
    """The marks of a choice: the form's own where all its options have distinct ones, else 1, 2, 3."""
    return _marks(tuple(_Shown(option.prefix, option.text.get("", "")) for option in item.options))


@dataclass(frozen=True, slots=True)
class _Shown:
    prefix: str
    text: str


@lru_cache(maxsize=2048)
def _marks(options: tuple[_Shown, ...]) -> Marks:
    count = len(options)
    counted = tuple(str(number) for number in range(1, count + 1))
    prefixes = [_PREFIX.fullmatch(one.prefix.strip()) for one in options]
    given = tuple(found[1].lower() for found in prefixes if found)
    if count and len(set(given)) == count and not _WITHDRAWS & set(given):
        return Marks(given, own=given != counted)
    texts = [one.text.strip() for one in options]
    leading = [_LEADING.match(text) for text in texts]
    bare = [text.isascii() and text.isdigit() for text in texts]
    begun = tuple(found[1].lower() if found else text for found, text in zip(leading, texts, strict=True))
    if all(found or number for found, number in zip(leading, bare, strict=True)) and _in_order(begun):
        return Marks(begun, own=True, told=False, lengths=tuple(found.end() if found else 0 for found in leading))
    if any(bare) and count <= len(_LETTERS):  # under "3. 4" nobody could say what 4 means
        return Marks(tuple(_LETTERS[:count]), own=True)
    return Marks(counted)


def _in_order(begun: tuple[str, ...]) -> bool:
    """Whether these count up or down, or are a, b, c: other beginnings are names, as in "E. coli"."""
    if all(mark.isdigit() for mark in begun):
        numbers = [int(mark) for mark in begun]
        return numbers in (sorted(set(numbers)), sorted(set(numbers), reverse=True))
    return begun == tuple(_LETTERS[: len(begun)])


def unmarked(item: Item) -> tuple[Option, ...]:
    """The options with their own marks taken off their texts: "not at all" answers "0 - Not at all" too."""
    found = marks(item)
    if not found.lengths:
        return item.options
    return tuple(_without(option, length) for option, length in zip(item.options, found.lengths, strict=True))


def _without(option: Option, length: int) -> Option:
    text: Text = {language: _LEADING.sub("", words, count=1) for language, words in option.text.items()}
    return Option(option.type, text, option.code, option.system, option.ordinal, option.is_event, option.prefix)
