"""Labels: what tells the people of a shared phone apart. It stands on the lock screen, so it is nobody's name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from care.domain.lock_screen import reveals
from care.errors import Invalid
from care.services.addresses import plain

_WORDS = re.compile(r"[\W_]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def known_label(label: str, place: str, identity: Mapping[str, Any]) -> str:
    """The label as it is kept ("mother"). `identity` is the patient's: {name, record_number, birth_date}.

    Raises Invalid(place) for one that is too long, or says the name or a part of it, the record number or the birth
    date.
    """
    said = plain(label, place, 40)
    name, born = str(identity["name"]), _DATE.fullmatch(str(identity.get("birth_date") or ""))
    number = str(identity.get("record_number") or "")
    if _is_of(said, name) or reveals(said, name, number, born[0] if born else None):
        told = "a label is shown on the phone: write no name in it, but a word like “mother”"
        raise Invalid("label-names", told, place=place)
    return said


def _is_of(label: str, name: str) -> bool:
    """Whether a label is a part of the name: nobody greets in a label, so a part alone tells."""
    said, parts = _folded(label), _folded(name)
    words = {part for part in _WORDS.split(said) if len(part) > 1}
    alike = words & set(_WORDS.split(parts))
    return bool(alike) or (len(said) > 1 and not said.isascii() and said in parts)


def _folded(words: str) -> str:
    return unicodedata.normalize("NFKC", words).casefold()
