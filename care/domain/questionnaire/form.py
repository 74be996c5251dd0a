"""The form face: what an app draws of a questionnaire, as plain JSON. What it posts back is read in `posted`. Pure.

The same engine as the conversation's: what is enabled, filled in and wrong is decided by `walk` and `check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from care.domain.questionnaire.asking import as_asked
from care.domain.questionnaire.check import Issue, check
from care.domain.questionnaire.layout import begun, positions
from care.domain.questionnaire.model import Answer, Answers, Item, Option, Questionnaire, in_language
from care.domain.questionnaire.places import place
from care.domain.questionnaire.standing import Standing, suggested
from care.domain.questionnaire.units import convert, label
from care.domain.questionnaire.values import value_of
from care.domain.questionnaire.walk import progress

MANY_OPTIONS = 12  # more are folded into a list to pick from
MOST_INSTANCES = 50
MOST_ROUNDS = 4
ASIDE = {"help": "help", "flyover": "help", "unit": "unitText", "lower": "lower", "upper": "upper"}
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

    A question that is at no place of `answers` yet is drawn with what the form itself proposes; with an empty answer
    it stays empty.
    """
    full = standing(questionnaire, proposed(questionnaire, answers))
    told: dict[str, list[dict[str, str]]] = {}
    for one in problems:
        told.setdefault(one.link_id, []).append({"code": one.code, "message": one.message})
    done, of = progress(questionnaire, full)
    return {
        "questionnaire": questionnaire.canonical,
        "title": in_language(questionnaire.title, language),
        "language": language,
        "items": _Drawing(questionnaire, full, language, told).below("", ()),
        "progress": {"done": done, "of": of},
        "can_complete": holds_answer(full) and not check(questionnaire, full),
        "problems": told,
    }


def proposed(questionnaire: Questionnaire, answers: Answers) -> Answers:
    """The answers, with what the form proposes where nobody has said anything, not even that it is empty."""
    if not any(item.initial or item.initial_formula for item in questionnaire.items):
        return answers
    found = dict(answers)
    for _ in range(MOST_ROUNDS):  # a proposal may enable a question that has one too
        now = Standing(questionnaire, found)
        before = len(found)
        for here in positions(questionnaire, now.values):
            at = place(here.item.link_id, here.instance)
            if here.after is None and here.item.is_asked and at in now.on and at not in found:
                given = suggested(now.worker, here.item, here.instance)
                if given:
                    found[at] = given
        if len(found) == before:
            break
    return found


def standing(questionnaire: Questionnaire, answers: Answers) -> Answers:
    """The answers that count: with what is filled in by the form itself, without those to what is not enabled.

    A form that is being filled in may still hold an answer to a question that another answer has taken away.
    """
    now = Standing(questionnaire, answers)
    return {at: given for at, given in now.values.items() if given and at in now.on}


def holds_answer(answers: Answers) -> bool:
    """Whether anything is answered; how many instances there are is no answer."""
    return any(given and given[0].type != "count" for given in answers.values())


class _Drawing:
    """One drawing of a form: what is enabled, and in which instance we are."""

    def __init__(
        self, questionnaire: Questionnaire, answers: Answers, language: str, told: Mapping[str, list[dict[str, str]]]
    ) -> None:
        self.now = Standing(questionnaire, answers)
        self.children, self.language, self.told = questionnaire.children, language, told

    def below(self, parent: str, instance: tuple[int, ...]) -> list[dict[str, Any]]:
        """The nodes below an item (or "": the form itself) in one instance of what repeats above them."""
        return [
            self._node(item, where, instance)
            for item, where in self._shown(parent, instance)
            if not (parent and item.type == "display" and item.control in ASIDE)
        ]

    def _shown(self, parent: str, instance: tuple[int, ...]) -> Iterator[tuple[Item, str]]:
        """What is enabled below an item, with its text and options as the answers so far make them."""
        for item in self.children.get(parent, ()):
            where = place(item.link_id, instance)
            if where in self.now.on and not item.hidden:
                yield as_asked(item, instance, self.now), where

    def _node(self, item: Item, where: str, instance: tuple[int, ...]) -> dict[str, Any]:
        given = self.now.values.get(where, ())
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
        return node | self._inside(item, instance)

    def _inside(self, item: Item, instance: tuple[int, ...]) -> dict[str, Any]:
        """What stands below an item: `items`, or where it repeats an instance each time."""
        if not self.children.get(item.link_id):
            return {}
        if not item.is_loop:
            return {"items": self.below(item.link_id, instance)}
        count = min(begun(item, instance, self.now.values), MOST_INSTANCES)
        least = max(item.min_occurs or 0, 0 if item.is_question else 1)
        most = min(item.max_occurs or MOST_INSTANCES, MOST_INSTANCES)
        instances = [
            {"items": self.below(item.link_id, (*instance, number)), "removable": count > least}
            for number in range(count)
        ]
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


def shown(item: Item, answer: Answer) -> dict[str, Any]:
    """The answer as FHIR's value[x]; of a file only what it is, not its data."""
    value = value_of(item, answer)
    file = value.get("valueAttachment")
    return {"valueAttachment": {name: part for name, part in file.items() if name != "data"}} if file else value
