"""Answers to a FHIR R4 QuestionnaireResponse and back. Disabled items are never written."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from care.domain.questionnaire.entries import Entries, Problem
from care.domain.questionnaire.model import Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.places import instance_of, link_id_of, place
from care.domain.questionnaire.standing import Standing
from care.domain.questionnaire.values import value_of
from care.errors import Invalid


def to_response(
    questionnaire: Questionnaire,
    answers: Answers,
    *,
    id: str,
    patient: str,
    authored: datetime,
    status: str,
) -> dict[str, Any]:
    """A QuestionnaireResponse. `patient` is an id or a reference; `authored` is aware. Key order is fixed.

    Initial and calculated values are in it, computed as of `authored`; items that are disabled or hold no answer are
    not.
    """
    standing = Standing(questionnaire.at(authored), answers)
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": id,
        "questionnaire": questionnaire.canonical,
        "status": status,
        "subject": {"reference": patient if "/" in patient else f"Patient/{patient}"},
        "authored": authored.isoformat(timespec="seconds"),
        "item": _Writing(questionnaire, standing.values, standing.on).below("", ()),
    }
    return response if response["item"] else {name: part for name, part in response.items() if name != "item"}


class _Writing:
    """One response being written: the answers that count, and how many instances each group that repeats has."""

    def __init__(self, questionnaire: Questionnaire, answers: Answers, on: AbstractSet[str]) -> None:
        self._children = questionnaire.children
        self._answers = {at: given for at, given in answers.items() if given and at in on}
        self._counts = instances(questionnaire, self._answers)

    def below(self, link_id: str, instance: tuple[int, ...]) -> list[dict[str, Any]]:
        """What stands below an item ("" for the form) in one instance, without what holds no answer."""
        written: list[dict[str, Any]] = []
        for item in self._children.get(link_id, ()):
            if item.is_question:
                written.extend(self._question(item, instance))
            elif item.is_loop:
                count = self._counts.get(place(item.link_id, instance), 1)
                for number in range(count):
                    written.extend(self._group(item, (*instance, number)))
            elif item.type == "group":
                written.extend(self._group(item, instance))
        return written

    def _group(self, item: Item, instance: tuple[int, ...]) -> list[dict[str, Any]]:
        inside = self.below(item.link_id, instance)
        return [{**_named(item), "item": inside}] if inside else []

    def _question(self, item: Item, instance: tuple[int, ...]) -> list[dict[str, Any]]:
        given = self._answers.get(place(item.link_id, instance), ())
        entries: list[dict[str, Any]] = [value_of(item, answer) for answer in given]
        for number in range(len(entries) if item.is_loop else 1):
            inside = self.below(item.link_id, (*instance, number) if item.is_loop else instance)
            if inside and not entries:
                entries.append({})  # R4 lets an answer have no value: what is below an unanswered question has a place
            if inside:
                entries[number]["item"] = inside
        return [{**_named(item), "answer": entries}] if entries else []


def _named(item: Item) -> dict[str, Any]:
    text = item.text.get("")
    return {"linkId": item.link_id, "text": text} if text else {"linkId": item.link_id}


def instances(questionnaire: Questionnaire, answers: Answers) -> dict[str, int]:
    """By place of a repeating group: how many instances there are up to the last one that holds an answer."""
    counts: dict[str, int] = {}
    for at, given in answers.items():
        item = questionnaire.by_id.get(link_id_of(at))
        if item is None or not given or not item.is_question:
            continue
        instance = instance_of(at)
        for depth, loop in enumerate(item.loops[: len(instance)]):
            above = place(loop, instance[:depth])
            counts[above] = max(counts.get(above, 0), instance[depth] + 1)
    return counts


def from_response(questionnaire: Questionnaire, document: Mapping[str, Any]) -> dict[str, tuple[Answer, ...]]:
    """The answers in a QuestionnaireResponse, unchecked beyond their shape (`check` does the rest).

    Raises Invalid naming the linkId: unknown-item, duplicate-item, misplaced-item (where an instance cannot be told),
    malformed-item, malformed-answer, group-answer, display-answer, and for the whole document not-a-response,
    wrong-questionnaire, too-deep, too-many-items.
    """
    if not isinstance(document, Mapping) or document.get("resourceType") != "QuestionnaireResponse":
        raise Invalid("not-a-response", "this is not a FHIR QuestionnaireResponse", place="resourceType")
    named = document.get("questionnaire")
    if named not in (None, questionnaire.canonical, questionnaire.url):
        raise Invalid("wrong-questionnaire", "the response is for another questionnaire", place="questionnaire")

    def refuse(problem: Problem) -> None:
        if problem.code == "items-beside-answer":
            return
        if problem.code == "misplaced-item" and not questionnaire.by_id[problem.link_id].loops:
            return
        raise Invalid(
            problem.code,
            f"item {problem.link_id!r}: {problem.message}",
            place=problem.link_id,
            link_id=problem.link_id,
            expression=problem.expression,
        )

    return Entries(questionnaire, document, refuse).answers()
