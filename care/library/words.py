"""The lexicon of the safety screen, compiled once from its reviewed files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from care.domain.screen import Lexicon, read_lexicon
from care.library.files import ROOT, document

_FILES = ("crisis", "red-flags", "commands")


@cache
def lexicon() -> Lexicon:
    """Crisis words, red flags and commands, in all languages at once: a patient may write in any."""
    folder = ROOT / "lexicons"
    return read_lexicon([document(folder / f"{name}.json") for name in _FILES], _simplified(folder / "characters.json"))


def _simplified(path: Path) -> dict[str, str]:
    """The simplified form of traditional characters, from two lines that stand one under the other."""
    table = document(path)
    return dict(zip("".join(table["traditional"]), "".join(table["simplified"]), strict=True))
