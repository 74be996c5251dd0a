"""What a form remembers between two calls: the values of its expressions for answers that it has seen. Bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_KEPT = 4_096


class Memory:
    """The values of expressions by what they depend on. It lives and ends with its Questionnaire, in one process.

    Losing it costs time only, so two threads may use one without a lock.
    """

    __slots__ = ("_raw", "_stamps", "rank", "results")

    def __init__(self) -> None:
        self.results: dict[Any, list[Any] | None] = {}
        self._stamps: dict[Any, int] = {}
        self._raw: dict[str, Mapping[str, Any]] = {}
        self.rank: dict[str, int] = {}

    def make_room(self) -> None:
        """Forget everything when too much is kept."""
        if len(self.results) >= MAX_KEPT or len(self._stamps) >= MAX_KEPT:
            self.results, self._stamps = {}, {}

    def stamp(self, state: Any) -> int:
        """A number that stands for a whole state: the same for the same one."""
        return self._stamps.setdefault(state, len(self._stamps))

    def raw(self, document: Mapping[str, Any], link_id: str) -> Mapping[str, Any]:
        """An item as the form's document has it."""
        if not self._raw:
            found: dict[str, Mapping[str, Any]] = {}
            stack = list(document.get("item", ()))
            while stack:
                each = stack.pop()
                found[str(each.get("linkId"))] = each
                stack.extend(each.get("item", ()))
            self._raw = found
        return self._raw.get(link_id, {})
