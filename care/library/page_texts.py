"""The words of the patient's own page and of the simulator, in every language: data that the pages ask for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from care.domain.codes import LANGUAGES
from care.library.files import ROOT, document
from care.library.texts import Texts


def page_texts(language: str) -> Mapping[str, str]:
    """All texts of the patient's page in this language (English for one that we do not speak), by key."""
    every = _every("me")
    return every.get(language, every["en"])


def simulator_texts(language: str) -> Mapping[str, str]:
    """All texts of the simulator in this language (English for one that we do not speak), by key."""
    every = _every("simulator")
    return every.get(language, every["en"])


@cache
def _every(page: str) -> Mapping[str, Mapping[str, str]]:
    """Read once; Texts compares the languages and raises Invalid for the first key or param that differs."""
    found = {language: document(ROOT / "texts" / f"{page}.{language}.json") for language in LANGUAGES}
    Texts(found)
    return found
