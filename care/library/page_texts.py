"""The words of the patient's own page, in every language: data that the page asks for, and the doors may use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from care.domain.codes import LANGUAGES
from care.library.files import ROOT, document
from care.library.texts import Texts


def page_texts(language: str) -> Mapping[str, str]:
    """All texts of the page in this language (English for one that we do not speak), by key."""
    every = _every()
    return every.get(language, every["en"])


@cache
def _every() -> Mapping[str, Mapping[str, str]]:
    """Read once; Texts compares the languages and raises Invalid for the first key or param that differs."""
    found = {language: document(ROOT / "texts" / f"me.{language}.json") for language in LANGUAGES}
    Texts(found)
    return found
