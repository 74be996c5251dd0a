"""Places: by what name an answer is kept. The linkId alone, and inside something that repeats also which instance.

`dose` is the one answer to that question; `dose\\x1f0.2` is the answer in the third instance of a group inside the
first instance of another. The mark is a control character, which no linkId may hold.
"""

from __future__ import annotations

MARK = "\x1f"


def place(link_id: str, instance: tuple[int, ...] = ()) -> str:
    """The place of an item in an instance: 0-based numbers of the repeating ancestors, outermost first."""
    return f"{link_id}{MARK}{'.'.join(map(str, instance))}" if instance else link_id


def link_id_of(at: str) -> str:
    """The linkId of a place."""
    return at.partition(MARK)[0]


def instance_of(at: str) -> tuple[int, ...]:
    """The instance of a place; () where nothing above it repeats. What is no number counts as the first."""
    numbers = at.partition(MARK)[2]
    return tuple(int(number) if number.isdecimal() else 0 for number in numbers.split(".")) if numbers else ()
