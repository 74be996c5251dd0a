"""Names: the tokens by which a sealed name, a phone or a record number is found, and those that a question asks for.

Whole parts are matched, never beginnings: a token is an HMAC. A Chinese name is found in characters (whole, family
name, given name) and in pinyin (whole, the parts, initials), with the other readings of the family name's character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from care.records.seal import token

Token = tuple[str, bytes]

_SPLIT = re.compile(r"[\s,.;:'’·・()\-_/]+")
_NOT_RECORD = re.compile(r"[^0-9a-z]+")
_PARTS = 8  # of one question; more tell nothing


def patient_tokens(name: str, record_number: str, addresses: Iterable[str]) -> set[Token]:
    """Every (kind, token) that this patient is found by."""
    found = {("name", part) for part in _name_parts(name)} | {("pinyin", part) for part in _pinyin_parts(name)}
    found.add(("record", _record(record_number)))
    found |= {("digits", tail) for tail in map(_tail, addresses) if tail}
    return {(kind, token(f"patient:{kind}", value)) for kind, value in found}


def record_token(record_number: str) -> Token:
    """The token of a record number, however it is spaced."""
    return "record", token("patient:record", _record(record_number))


def question_tokens(question: str) -> tuple[list[Token], list[list[Token]]]:
    """(the question as one word, each of its parts), as alternatives: a patient matches the one, or all the others."""
    folded = _fold(question)
    parts = [part for part in _SPLIT.split(folded) if part][:_PARTS]
    return _alternatives("".join(parts)), [_alternatives(part) for part in parts]


def _alternatives(word: str) -> list[Token]:
    pairs = [("name", word), ("pinyin", word), ("record", _record(word))]
    if len(word) >= 4 and word.lstrip("+").isdigit():
        pairs.append(("digits", word[-4:]))
    return [(kind, token(f"patient:{kind}", value)) for kind, value in pairs if value]


def _name_parts(name: str) -> set[str]:
    parts = [part for part in _SPLIT.split(_fold(name)) if part]
    found = {*parts, "".join(parts)}
    for part in parts:
        if _is_chinese(part):
            found |= {part[:1], part[1:]} | ({part[:2], part[2:]} if len(part) > 3 else set())
    return found - {""}


def _pinyin_parts(name: str) -> set[str]:
    """Readings of a Chinese name; the first character, mostly the family name, in all of its readings."""
    characters = "".join(char for char in _fold(name) if _is_chinese(char))
    if not characters:
        return set()
    from pypinyin import Style, lazy_pinyin, pinyin  # its dictionaries take most of a second: only where one is needed

    given = [_latin(syllable) for syllable in lazy_pinyin(characters)][1:]
    found = {"".join(given)}
    for family in {_latin(one) for one in pinyin(characters[0], style=Style.NORMAL, heteronym=True)[0]}:
        found |= {family, family + "".join(given), "".join(part[:1] for part in (family, *given))}
    return found - {""}


def _latin(syllable: str) -> str:
    return unicodedata.normalize("NFKD", syllable).encode("ascii", "ignore").decode().lower()


def _fold(words: str) -> str:
    decomposed = unicodedata.normalize("NFKD", words).casefold()
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not unicodedata.combining(char)))


def _is_chinese(words: str) -> bool:
    return all("\u3400" <= char <= "\u9fff" or "\U00020000" <= char <= "\U0003ffff" for char in words)


def _record(record_number: str) -> str:
    return _NOT_RECORD.sub("", _fold(record_number))


def _tail(address: str) -> str:
    digits = "".join(char for char in _fold(address) if char.isdigit())
    return digits[-4:] if len(digits) >= 4 else ""
