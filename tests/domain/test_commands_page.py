"""docs/conversation.md: what it says a patient may write is what is understood."""

from __future__ import annotations

import re
from pathlib import Path

from care.domain.commands import command_in

PAGE = Path(__file__).parents[2] / "docs" / "conversation.md"
KINDS = ("back", "number", "instead", "skip", "later", "again", "how", "more", "language")


def test_every_word_of_the_table_is_understood_as_it_says() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(KINDS)
    for row, kind in zip(rows, KINDS, strict=True):
        words = re.findall(r"`([^`]+)`", row)
        assert len(words) > 1
        for word in words:
            command = command_in(word)
            assert command is not None, word
            assert command.kind == kind, word
