"""A QuestionnaireResponse as it stands: which item of the form each entry is, in which instance, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from care.domain.questionnaire.model import MAX_DEPTH, MAX_ITEMS, Answer, Item, Questionnaire
from care.domain.questionnaire.places import place
from care.domain.questionnaire.values import Malformed, answer_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a response: where (a FHIRPath to the element), the linkId, a stable code, a sentence without
    any of the patient's words. A `severity` of "warning" keeps nothing from being valid.
    """

    expression: str
    link_id: str
    code: str
    message: str
    severity: str = "error"


class Given(NamedTuple):
    """One answer as it was read, where it stands, and how it is written there."""

    expression: str
    answer: Answer
    raw: Mapping[str, Any]


@dataclass(slots=True)
class Entry:
    """One entry of the document. `given`: its answers that could be read; `number`: which one it is of those with its
    linkId beside it.
    """

    item: Item
    raw: Mapping[str, Any]
    instance: tuple[int, ...]
    expression: str
    number: int = 0
    given: list[Given] = field(default_factory=list)


@dataclass(slots=True)
class Level:
    """The entries that stand beside one another; `above` is the linkId they stand below ("" at the top)."""

    above: str
    instance: tuple[int, ...]
    expression: str
    entries: list[Entry] = field(default_factory=list)


class Entries:
    """All levels of a document, top first. What cannot be placed or read is told to `trouble`, which may raise."""

    def __init__(
        self, questionnaire: Questionnaire, document: Mapping[str, Any], trouble: Callable[[Problem], None]
    ) -> None:
        self.form, self._trouble = questionnaire, trouble
        self.levels: list[Level] = []
        self._lists: dict[str, list[Answer]] = {}
        self.counts: dict[str, int] = {}
        self._taken: set[tuple[str, int]] = set()
        self._seen = 0
        self._level(document, None, (), "QuestionnaireResponse", 1)

    def answers(self) -> dict[str, tuple[Answer, ...]]:
        """The answers by place; a group that stands here more than once is closed with its count."""
        found = {at: tuple(given) for at, given in self._lists.items()}
        more = {at: (Answer("count", count, code="closed"),) for at, count in self.counts.items() if count > 1}
        return found | more

    def _tell(self, expression: str, link_id: str, code: str, message: str) -> None:
        self._trouble(Problem(expression, link_id, code, message))

    def _level(
        self, above: Mapping[str, Any], item: Item | None, instance: tuple[int, ...], expression: str, depth: int
    ) -> None:
        link_id = item.link_id if item else ""
        raws = above.get("item")
        level = Level(link_id, instance, expression)
        self.levels.append(level)
        if raws is None:
            return
        if not isinstance(raws, list) or not all(isinstance(raw, Mapping) for raw in raws):
            self._tell(expression, str(above.get("linkId"))[:200], "malformed-item", "item must be a list of objects")
            return
        beside: dict[str, int] = {}
        for number, raw in enumerate(raws):
            self._seen += 1
            entry = self._placed(raw, item, instance, f"{expression}.item[{number}]", depth)
            if entry is None:
                continue
            entry.number = beside.get(entry.item.link_id, 0)
            beside[entry.item.link_id] = entry.number + 1
            if self._is_another(entry):
                level.entries.append(entry)
                self._read(entry, depth)

    def _placed(
        self, raw: Mapping[str, Any], above: Item | None, instance: tuple[int, ...], expression: str, depth: int
    ) -> Entry | None:
        """The entry, or None when it is none of the form's or stands where nobody can say of what it is a part."""
        link_id = str(raw.get("linkId"))[:200]
        item = self.form.by_id.get(link_id)
        if self._seen > MAX_ITEMS:
            if self._seen == MAX_ITEMS + 1:
                self._tell(expression, link_id, "too-many-items", "the response is too big")
            return None
        if item is None:
            self._tell(expression, link_id, "unknown-item", "the questionnaire has no item with this linkId")
            return None
        if depth > MAX_DEPTH:
            self._tell(expression, link_id, "too-deep", "the response is too big")
            return None
        if (item.path[-1] if item.path else "") != (above.link_id if above else ""):
            self._tell(expression, link_id, "misplaced-item", "this item stands elsewhere in the questionnaire")
            inside = (*above.loops, *([above.link_id] if above.is_loop else [])) if above else ()
            if inside[: len(item.loops)] != item.loops:
                return None
        return Entry(item, raw, instance[: len(item.loops)], expression)

    def _is_another(self, entry: Entry) -> bool:
        """Whether it may stand here: once, or as often as it likes where it repeats."""
        at = place(entry.item.link_id, entry.instance)
        if (entry.number and not entry.item.repeats) or (at, entry.number) in self._taken:
            self._tell(entry.expression, entry.item.link_id, "duplicate-item", "this linkId stands here twice")
            return False
        self._taken.add((at, entry.number))
        return True

    def _read(self, entry: Entry, depth: int) -> None:
        item, raw, instance = entry.item, entry.raw, entry.instance
        raws = raw.get("answer")
        if raws is not None and (
            not isinstance(raws, list) or not all(isinstance(each, Mapping) for each in raws) or len(raws) > MAX_ITEMS
        ):
            self._tell(entry.expression, item.link_id, "malformed-answer", "answer must be a list of objects")
            raws = None
        if not item.is_question:
            self._read_group(entry, bool(raws), depth)
            return
        at = place(item.link_id, instance)
        given = self._lists.get(at, [])
        for number, each in enumerate(raws or ()):
            expression = f"{entry.expression}.answer[{number}]"
            answer = self._answer(item, each, expression)
            inner = (*instance, len(given)) if item.is_loop else instance
            if answer is not None:
                entry.given.append(Given(expression, answer, each))
                given.append(answer)
                self._lists[at] = given
            has_inside = each.get("item") is not None or item.link_id in self.form.children
            if has_inside and (answer is not None or (each.get("item") is not None and not item.is_loop)):
                self._level(each, item, inner, expression, depth + 1)
        if raw.get("item") is not None:
            self._tell(
                entry.expression, item.link_id, "items-beside-answer", "items below a question are in its answer"
            )
            self._level(raw, item, (*instance, 0) if item.is_loop else instance, entry.expression, depth + 1)

    def _read_group(self, entry: Entry, has_answers: bool, depth: int) -> None:
        item = entry.item
        if has_answers:
            code = "group-answer" if item.type == "group" else "display-answer"
            where = f"{entry.expression}.answer" if item.type == "group" else entry.expression
            self._tell(where, item.link_id, code, f"a {item.type} takes no answer")
        inner = entry.instance
        if item.is_loop:
            self.counts[place(item.link_id, inner)] = entry.number + 1
            inner = (*inner, entry.number)
        self._level(entry.raw, item, inner, entry.expression, depth + 1)

    def _answer(self, item: Item, raw: Mapping[str, Any], expression: str) -> Answer | None:
        """One answer; None when there is none to read, which is told unless the entry only holds what is below it."""
        try:
            answer = answer_of(item, raw)
        except Malformed as wrong:
            self._tell(expression, item.link_id, "malformed-answer", str(wrong))
            return None
        if answer is None and (item.is_loop or raw.get("item") is None):
            self._tell(expression, item.link_id, "malformed-answer", "the answer has no value")
        return answer
