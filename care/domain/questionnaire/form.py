"""The form face: what an app draws of a questionnaire, as plain JSON. What it posts back is read in `posted`. Pure.

The same engine as the conversation's: what is enabled, filled in and wrong is decided by `walk` and `check`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from care.domain.questionnaire.check import Issue, check
from care.domain.questionnaire.model import Answer, Answers, Item, Option, Questionnaire, in_language
from care.domain.questionnaire.places import place
from care.domain.questionnaire.units import convert, label, system_of
from care.domain.questionnaire.walk import enabled, filled, progress, spot_at

MANY_OPTIONS = 12  # more are folded into a list to pick from
MOST_INSTANCES = 50
ASIDE = {"help": "help", "flyover": "help", "prompt": "help", "unit": "unitText", "lower": "lower", "upper": "upper"}
"""Displays below a question that are said with it, by their itemControl: the key they are said under."""
_FOLDED = ("drop-down", "autocomplete", "lookup")
_PLAIN = {"text": "lines", "date": "date", "dateTime": "date-time", "time": "time", "attachment": "file"}


def form(
    questionnaire: Questionnaire, answers: Answers, language: str, problems: Sequence[Issue] = ()
) -> dict[str, Any]:
    """The form as it stands with these answers: only what is enabled and not hidden, texts in this language.

    {"questionnaire", "title", "language", "items": [node], "progress": {"done", "of"}, "can_complete",
    "problems": {place: [{"code", "message"}]}}. A node has place, linkId, type, text and control (what to draw), and
    where it applies: prefix, help, required, readOnly, repeats, options [{key, text, prefix, exclusive, selected}],
    open (a text of one's own is taken too), values (FHIR's value[x]; a file without its data), units [{code, text}],
    min, max, minLength, maxLength, pattern, decimals, step, lower, upper, hint, problems, and below it `items`, or
    `instances` [{items, removable}] with `addable` where it repeats.
    """
    full = standing(questionnaire, answers)
    told: dict[str, list[dict[str, str]]] = {}
    for one in problems:
        told.setdefault(one.link_id, []).append({"code": one.code, "message": one.message})
    done, of = progress(questionnaire, full)
    drawn = _Drawing(questionnaire, full, language, told)
    return {
        "questionnaire": questionnaire.canonical,
        "title": in_language(questionnaire.title, language),
        "language": language,
        "items": drawn.below("", ()),
        "progress": {"done": done, "of": of},
        "can_complete": any(full.values()) and not check(questionnaire, full),
        "problems": told,
    }


def standing(questionnaire: Questionnaire, answers: Answers) -> Answers:
    """The answers that count: with what is filled in by the form itself, without those to what is not enabled.

    A form that is being filled in may still hold an answer to a question that another answer has taken away.
    """
    full = filled(questionnaire, answers)
    on = enabled(questionnaire, full)
    return full if on.issuperset(full) else {at: given for at, given in full.items() if at in on}


class _Drawing:
    """One drawing of a form: what is enabled, and in which instance we are."""

    def __init__(
        self, questionnaire: Questionnaire, answers: Answers, language: str, told: Mapping[str, list[dict[str, str]]]
    ) -> None:
        self.questionnaire, self.answers, self.language, self.told = questionnaire, answers, language, told
        self.children = dict(questionnaire.children)
        for item in () if self.children else questionnaire.items:
            above = item.path[-1] if item.path else ""
            self.children[above] = (*self.children.get(above, ()), item)
        self.on = enabled(questionnaire, answers)

    def below(self, parent: str, instance: tuple[int, ...]) -> list[dict[str, Any]]:
        """The nodes below an item (or "": the form itself) in one instance of what repeats above them."""
        return [
            self._node(item, where, instance)
            for item, where in self._shown(parent, instance)
            if not (parent and item.type == "display" and item.control in ASIDE)
        ]

    def _shown(self, parent: str, instance: tuple[int, ...]) -> Iterator[tuple[Item, str]]:
        for item in self.children.get(parent, ()):
            where = place(item.link_id, instance)
            if where in self.on and not item.hidden:
                yield item, where

    def _node(self, item: Item, where: str, instance: tuple[int, ...]) -> dict[str, Any]:
        given = self.answers.get(where, ())
        now = spot_at(self.questionnaire, self.answers, where)
        item = now.item if now else item  # its text and options as the answers so far make them
        node: dict[str, Any] = {
            "place": where,
            "linkId": item.link_id,
            "type": item.type,
            "text": in_language(item.text, self.language),
            "control": control_of(item),
        }
        if item.prefix:
            node["prefix"] = item.prefix
        for below, _ in self._shown(item.link_id, instance):
            if below.type == "display" and below.control in ASIDE:
                node[ASIDE[below.control]] = in_language(below.text, self.language)
        if item.is_question:
            node |= {"required": item.required, "readOnly": not item.is_asked, "repeats": item.repeats}
            node |= self._details(item, given)
            node["values"] = [shown(item, answer) for answer in given]
        if self.told.get(where):
            node["problems"] = self.told[where]
        return node | self._inside(item, where, instance, given)

    def _inside(self, item: Item, where: str, instance: tuple[int, ...], given: tuple[Answer, ...]) -> dict[str, Any]:
        """What stands below an item: `items`, or where it repeats an instance each time."""
        if not self.children.get(item.link_id):
            return {}
        if not item.is_loop:
            return {"items": self.below(item.link_id, instance)}
        count = len(given) if item.is_question else count_of(given)
        least = max(item.min_occurs or 0, 0 if item.is_question else 1)
        instances = [
            {"items": self.below(item.link_id, (*instance, number)), "removable": count > least}
            for number in range(count)
        ]
        most = min(item.max_occurs or MOST_INSTANCES, MOST_INSTANCES)
        return {"instances": instances, "addable": count < most and not item.read_only}

    def _details(self, item: Item, given: tuple[Answer, ...]) -> dict[str, Any]:
        """What is needed to draw a question and to help with its answer; nothing that does not apply."""
        details: dict[str, Any] = {}
        if item.options:
            details["options"] = [self._option(item, option, given) for option in item.options]
        if item.type == "open-choice":
            details["open"] = True
        if item.units:
            details["units"] = [{"code": code, "text": label(code, self.language)} for code in item.units]
        least, most = limits_of(item)
        limits: dict[str, Any] = {
            "min": least,
            "max": most,
            "minLength": item.min_length,
            "maxLength": item.max_length,
            "pattern": item.pattern.source if item.pattern else None,
            "decimals": item.max_decimals,
            "step": item.slider_step,
            "hint": item.entry_format or None,
        }
        if item.repeats:
            limits |= {"minOccurs": item.min_occurs, "maxOccurs": item.max_occurs}
        return details | {name: value for name, value in limits.items() if value is not None}

    def _option(self, item: Item, option: Option, given: tuple[Answer, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {"key": key_of(option), "text": in_language(option.text, self.language)}
        if option.prefix:
            made["prefix"] = option.prefix
        if option.exclusive:
            made["exclusive"] = True
        made["selected"] = any(item.option_of(answer) == option for answer in given)
        return made


def control_of(item: Item) -> str:
    """What to draw: the form's own wish where it fits, else what suits the type and the number of options."""
    if item.type in ("group", "display"):
        return item.control or item.type
    if item.type == "boolean":
        return "yes-no"
    if item.type in ("choice", "open-choice"):
        if item.repeats:
            return "check-box"
        return "drop-down" if item.control in _FOLDED or len(item.options) > MANY_OPTIONS else "radio-button"
    if item.type in ("integer", "decimal", "quantity"):
        ended = isinstance(item.minimum, int | float) and isinstance(item.maximum, int | float)
        return "slider" if item.control == "slider" and ended else "number"
    return _PLAIN.get(item.type, "line")


def limits_of(item: Item) -> tuple[float | str | None, float | str | None]:
    """The least and the greatest value that is taken; for a quantity in its first unit."""
    span = item.limits
    if span is None:
        return item.minimum, item.maximum
    unit = item.units[0] if item.units else span.unit
    ends = (None if end is None else convert(end, span.unit, unit) for end in (span.low, span.high))
    low, high = ends
    return low, high


def key_of(option: Option) -> str:
    """How an app names an option: system|code for a coding, else the value itself."""
    if option.type == "coding":
        return f"{option.system}|{option.code}" if option.code else option.text[""]
    return option.text[""]


def count_of(given: tuple[Answer, ...]) -> int:
    """How many instances of a repeating group were begun; one where nobody said."""
    return max(int(given[0].value), 0) if given else 1


def shown(item: Item, answer: Answer) -> dict[str, Any]:
    """The answer as FHIR's value[x]; of a file only what it is, not its data."""
    if answer.type == "coding":
        parts = {"system": answer.system, "code": answer.code, "display": answer.value}
        return {"valueCoding": {name: part for name, part in parts.items() if part}}
    if answer.type == "quantity":
        quantity: dict[str, Any] = {"value": answer.value, "unit": answer.unit or answer.code}
        quantity |= {"comparator": answer.comparator} if answer.comparator else {}
        quantity |= {"system": system_of(answer.code), "code": answer.code} if answer.code else {}
        return {"valueQuantity": {name: part for name, part in quantity.items() if part != ""}}
    if answer.type == "attachment":
        whole = {"title": answer.value} | (json.loads(answer.content) if answer.content else {})
        return {"valueAttachment": {name: part for name, part in whole.items() if name != "data"}}
    if answer.type == "reference":
        return {"valueReference": {"reference": answer.value}}
    if answer.type == "url":
        return {"valueUri": answer.value}
    if item.type == "decimal":
        return {"valueDecimal": answer.value}
    return {f"value{answer.type[0].upper()}{answer.type[1:]}": answer.value}
