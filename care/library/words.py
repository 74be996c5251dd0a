"""The lexicon of the safety screen, compiled once from its reviewed files."""

from __future__ import annotations

from functools import cache

from care.domain.screen import Lexicon, read_lexicon
from care.library.files import ROOT, document

_FILES = ("crisis", "red-flags", "commands")


@cache
def lexicon() -> Lexicon:
    """Crisis words, red flags and commands, in all languages at once: a patient may write in any."""
    return read_lexicon([document(ROOT / "lexicons" / f"{name}.json") for name in _FILES])
