"""Answers to a FHIR R4 QuestionnaireResponse and back. Disabled items are never written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from care.domain.questionnaire.model import MAX_DEPTH, MAX_ITEMS, Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.text import storable
from care.domain.questionnaire.units import system_of
from care.domain.questionnaire.walk import enabled
from care.errors import Invalid

_SIMPLE: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "valueBoolean": ("boolean", (bool,)),
    "valueInteger": ("integer", (int,)),
    "valueDecimal": ("decimal", (int, float)),
    "valueString": ("string", (str,)),
    "valueDate": ("date", (str,)),
    "valueDateTime": ("dateTime", (str,)),
}


def to_response(
    questionnaire: Questionnaire,
    answers: Answers,
    *,
    id: str,
    patient: str,
    authored: datetime,
    status: str,
) -> dict[str, Any]:
    """A QuestionnaireResponse. `patient` is an id or a reference; `authored` is aware. Key order is fixed."""
    on = enabled(questionnaire, answers)
    answered = [item for item in questionnaire.items if item.is_question and answers.get(item.link_id)]
    wanted = {item.link_id for item in answered if item.link_id in on}
    wanted.update(above for item in answered if item.link_id in on for above in item.path)
    root: list[dict[str, Any]] = []
    places: dict[str, dict[str, Any]] = {}
    for item in questionnaire.items:
        if item.link_id not in wanted:
            continue
        node: dict[str, Any] = {"linkId": item.link_id}
        if item.text.get(""):
            node["text"] = item.text[""]
        if item.is_question:
            node["answer"] = [_write(item, answer) for answer in answers.get(item.link_id, ())]
        places[item.link_id] = node
        _siblings(root, places, questionnaire, item).append(node)
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id,
        "questionnaire": questionnaire.canonical,
        "status": status,
        "subject": {"reference": patient if "/" in patient else f"Patient/{patient}"},
        "authored": authored.isoformat(timespec="seconds"),
        "item": root,
    }


def _siblings(
    root: list[dict[str, Any]], places: Mapping[str, dict[str, Any]], questionnaire: Questionnaire, item: Item
) -> list[dict[str, Any]]:
    """The list an item is written into: below a group in its `item`, below a question in its answer's `item`."""
    if not item.path:
        return root
    above = places[item.path[-1]]
    if questionnaire.by_id[item.path[-1]].is_question:
        if not above["answer"]:  # a question without an answer cannot hold items in FHIR: they stand beside it
            return _siblings(root, places, questionnaire, questionnaire.by_id[item.path[-1]])
        above = above["answer"][0]
    found: list[dict[str, Any]] = above.setdefault("item", [])
    return found


def _write(item: Item, answer: Answer) -> dict[str, Any]:
    if answer.type == "coding":
        option = item.option_of(answer)
        parts = {"system": option.system if option else answer.system, "code": answer.code, "display": answer.value}
        return {"valueCoding": {name: part for name, part in parts.items() if part}}
    if answer.type == "quantity":
        quantity: dict[str, Any] = {"value": answer.value}
        if answer.comparator:
            quantity["comparator"] = answer.comparator
        if answer.unit or answer.code:
            quantity["unit"] = answer.unit or answer.code
        if answer.code:
            quantity |= {"system": system_of(answer.code), "code": answer.code}
        return {"valueQuantity": quantity}
    if item.type == "decimal":
        return {"valueDecimal": answer.value}
    return {f"value{answer.type[0].upper()}{answer.type[1:]}": answer.value}


def from_response(questionnaire: Questionnaire, document: Mapping[str, Any]) -> dict[str, tuple[Answer, ...]]:
    """The answers in a QuestionnaireResponse, unchecked beyond their shape (`check` does the rest).

    Raises Invalid naming the linkId: unknown-item, duplicate-item, malformed-answer, and for the whole document
    not-a-response, wrong-questionnaire, too-deep, too-many-items.
    """
    if not isinstance(document, Mapping) or document.get("resourceType") != "QuestionnaireResponse":
        raise Invalid("not-a-response", "this is not a FHIR QuestionnaireResponse", place="resourceType")
    named = document.get("questionnaire")
    if named not in (None, questionnaire.canonical, questionnaire.url):
        raise Invalid("wrong-questionnaire", "the response is for another questionnaire", place="questionnaire")
    answers: dict[str, tuple[Answer, ...]] = {}
    seen: set[str] = set()
    stack = [(raw, 1) for raw in reversed(_children(document))]
    while stack:
        raw, depth = stack.pop()
        link_id = str(raw.get("linkId"))[:200]
        if link_id in seen:
            raise _refuse("duplicate-item", link_id, "this linkId stands here twice")
        seen.add(link_id)
        if depth > MAX_DEPTH or len(seen) > MAX_ITEMS:
            raise _refuse("too-deep" if depth > MAX_DEPTH else "too-many-items", link_id, "the response is too big")
        item = questionnaire.by_id.get(link_id)
        if item is None:
            raise _refuse("unknown-item", link_id, "the questionnaire has no item with this linkId")
        below = _children(raw)
        given = []
        for each in _answers(raw, link_id):
            given.append(_read(item, each))
            below = [*below, *_children(each)]
        if given:
            answers[link_id] = tuple(given)
        stack.extend((child, depth + 1) for child in reversed(below))
    return answers


def _refuse(code: str, link_id: str, message: str) -> Invalid:
    return Invalid(code, f"item {link_id!r}: {message}", place=link_id, link_id=link_id)


def _children(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    children = raw.get("item") or []
    if not isinstance(children, list) or not all(isinstance(child, Mapping) for child in children):
        raise _refuse("malformed-item", str(raw.get("linkId"))[:200], "item must be a list of objects")
    return children


def _answers(raw: Mapping[str, Any], link_id: str) -> list[Mapping[str, Any]]:
    given = raw.get("answer") or []
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given) or len(given) > MAX_ITEMS:
        raise _refuse("malformed-answer", link_id, "answer must be a list of objects")
    return given


def _read(item: Item, raw: Mapping[str, Any]) -> Answer:
    """One answer. A whole number is a decimal's answer too; a coding is taken with the display of its option."""
    for name, (kind, types) in _SIMPLE.items():
        value: Any = raw.get(name)
        if value is None:
            continue
        fits = isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))
        if not fits:
            break
        if isinstance(value, str) and not storable(value):
            raise _refuse("malformed-answer", item.link_id, "a text holds characters that cannot be kept")
        return Answer(kind, value)
    coding, quantity = raw.get("valueCoding"), raw.get("valueQuantity")
    if isinstance(coding, Mapping):
        display, code, system = (str(coding.get(part) or "") for part in ("display", "code", "system"))
        option = item.option_of(Answer("coding", display, code=code, system=system))
        return option.answer() if option else Answer("coding", display, code=code, system=system)
    if isinstance(quantity, Mapping):
        return _read_quantity(item, quantity)
    raise _refuse("malformed-answer", item.link_id, "the answer's value cannot be read")


def _read_quantity(item: Item, raw: Mapping[str, Any]) -> Answer:
    value, comparator = raw.get("value"), str(raw.get("comparator") or "")
    if not isinstance(value, int | float) or isinstance(value, bool) or comparator not in ("", "<", ">", "<=", ">="):
        raise _refuse("malformed-answer", item.link_id, "the quantity's value cannot be read")
    unit, code = str(raw.get("unit") or ""), str(raw.get("code") or raw.get("unit") or "")
    if not code and len(item.units) == 1:
        code = unit = item.units[0]
    return Answer("quantity", float(value), unit=unit or code, comparator=comparator, code=code)
