"""The QuestionnaireResponse that a form's expressions look at: FHIR's shape, only what is enabled and answered."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from care.domain.questionnaire.extensions import ITEM_WEIGHT, ORDINAL
from care.domain.questionnaire.layout import positions
from care.domain.questionnaire.model import CHOICES, Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.places import place
from care.domain.questionnaire.values import value_of


class View:
    """A response in the making. With `wanted` only these linkIds are in it, and what stands above them.

    A chosen coding carries the score of its option as an extension, since expressions look for it there.
    """

    __slots__ = ("_nodes", "_on", "_questionnaire", "_values", "resource")

    def __init__(
        self,
        questionnaire: Questionnaire,
        on: AbstractSet[str],
        values: Answers,
        wanted: AbstractSet[str] | None = None,
    ) -> None:
        self._questionnaire, self._on, self._values = questionnaire, on, values
        self._nodes: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
        self.resource: dict[str, Any] = {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": questionnaire.canonical,
            "status": "in-progress",
            "item": [],
        }
        for item, instance in self._answered(wanted):
            self._made(item, instance)

    def node(self, item: Item, instance: tuple[int, ...]) -> dict[str, Any]:
        """The node of an item in an instance (of a group that repeats: with its own number); bare when it has none."""
        found = self._nodes.get((item.link_id, instance))
        return found if found is not None else _bare(item)

    def _answered(self, wanted: AbstractSet[str] | None) -> list[tuple[Item, tuple[int, ...]]]:
        if wanted is None:
            every = ((here.item, here.instance) for here in positions(self._questionnaire, self._values))
            return [(item, instance) for item, instance in every if item.is_question and self._given(item, instance)]
        by_id, rank = self._questionnaire.by_id, self._questionnaire.memory.rank
        if not rank:
            rank.update((item.link_id, number) for number, item in enumerate(self._questionnaire.items))
        known = sorted((link_id for link_id in wanted if link_id in by_id), key=rank.__getitem__)
        return [
            (by_id[link_id], ()) for link_id in known if by_id[link_id].is_question and self._given(by_id[link_id], ())
        ]

    def _given(self, item: Item, instance: tuple[int, ...]) -> tuple[Answer, ...]:
        at = place(item.link_id, instance)
        return self._values.get(at, ()) if at in self._on else ()

    def _made(self, item: Item, instance: tuple[int, ...]) -> dict[str, Any]:
        """The node of an item, made with what stands above it where it is not there yet."""
        key = (item.link_id, instance)
        if key not in self._nodes:
            node = _bare(item)
            if item.is_question:
                node["answer"] = [written(item, answer) for answer in self._given(item, instance)]
            self._siblings(item, instance).append(node)
            self._nodes[key] = node
        return self._nodes[key]

    def _siblings(self, item: Item, instance: tuple[int, ...]) -> list[dict[str, Any]]:
        """The list that a node stands in: below a group in its `item`, below a question in that of its answer."""
        if not item.path:
            top: list[dict[str, Any]] = self.resource["item"]
            return top
        above = self._questionnaire.by_id[item.path[-1]]
        if not above.is_question:
            found: list[dict[str, Any]] = self._made(above, instance).setdefault("item", [])
            return found
        own = instance[: len(above.loops)]
        answers = self._made(above, own)["answer"]
        if not answers:
            return self._siblings(above, own)
        inside: list[dict[str, Any]] = answers[instance[-1] if above.is_loop else 0].setdefault("item", [])
        return inside


def _bare(item: Item) -> dict[str, Any]:
    node: dict[str, Any] = {"linkId": item.link_id}
    if item.text.get(""):
        node["text"] = item.text[""]
    return node


def written(item: Item, answer: Answer) -> dict[str, Any]:
    """An answer as FHIR writes it, a coding with the score of its option."""
    value = value_of(item, answer)
    option = item.option_of(answer) if item.type in CHOICES and answer.type == "coding" else None
    if option is not None and option.ordinal is not None:
        score = int(option.ordinal) if option.ordinal == int(option.ordinal) else option.ordinal
        value["valueCoding"]["extension"] = [{"url": url, "valueDecimal": score} for url in (ORDINAL, ITEM_WEIGHT)]
    return value
