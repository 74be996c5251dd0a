"""A QuestionnaireResponse against its form: everything wrong with the document, each with the place where it stands.

Stricter than `from_response`, which takes what can be understood, and in one thing milder than `check`: what is
required inside a group that is not there, and need not be, is not missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from care.domain.questionnaire.asking import as_asked
from care.domain.questionnaire.check import together
from care.domain.questionnaire.entries import Entries, Entry, Given, Level, Problem
from care.domain.questionnaire.formulas import Constraint
from care.domain.questionnaire.limits import Wrong, problems_of
from care.domain.questionnaire.model import Item, Questionnaire
from care.domain.questionnaire.places import place
from care.domain.questionnaire.presence import askable, holding
from care.domain.questionnaire.standing import Standing
from care.domain.questionnaire.whole import ROOT, about, as_of

WHOLE = ("completed", "amended")
"""The statuses in which nothing may be missing."""
UNFINISHED = frozenset(("required", "too-few", "too-many", "not-repeating"))
"""What is no error while a response is still being filled in."""


def validate(questionnaire: Questionnaire, document: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with a response as FHIR and its form want it; warnings are among it (see `Problem.severity`).

    Codes: those of `check`, `limits.problems_of` and `from_response`; items-beside-answer, line-break, wrong-display,
    value-set-not-at-hand, no-status, wrong-status, constraint-not-checked; of the form, as warnings: draft, retired,
    not-in-effect, wrong-questionnaire. A form that is only judged by may be read with `to_run` false.
    """
    if not isinstance(document, Mapping) or document.get("resourceType") != ROOT:
        return [Problem(ROOT, "", "not-a-response", "this is not a FHIR QuestionnaireResponse")]
    found: list[Problem] = [*about(questionnaire, document)]
    entries = Entries(questionnaire, document, found.append)
    validation = _Validation(as_of(questionnaire, document.get("authored")), entries)
    for level in entries.levels:
        found.extend(validation.level(level))
    found.extend(validation.constraints(questionnaire.constraints, None, (), ROOT))
    if document.get("status") not in WHOLE:
        found = [_softened(one) if one.code in UNFINISHED else one for one in found]
    return found


def is_valid(problems: list[Problem]) -> bool:
    """Whether none of them is an error."""
    return not any(one.severity == "error" for one in problems)


def _softened(problem: Problem) -> Problem:
    return Problem(problem.expression, problem.link_id, problem.code, problem.message, "warning")


class _Validation:
    """One validation: the document's entries, and how the form stands with the answers in them."""

    def __init__(self, questionnaire: Questionnaire, entries: Entries) -> None:
        self._form = questionnaire
        answers = entries.answers()
        self._standing = Standing(questionnaire, answers)
        self._holding = holding(questionnaire, answers)
        self._askable = askable(questionnaire, self._standing.on)
        self._off: set[tuple[str, tuple[int, ...]]] = set()

    def level(self, level: Level) -> Iterator[Problem]:
        """What is wrong among the entries that stand beside one another, and what is missing among them."""
        beside: dict[str, list[Entry]] = defaultdict(list)
        for entry in level.entries:
            beside[entry.item.link_id].append(entry)
        if (level.above, level.instance) in self._off:
            self._off.update((entry.item.link_id, self._inside(entry)) for entry in level.entries)
            return
        for item in self._form.children.get(level.above, ()):
            entries = beside.pop(item.link_id, [])
            instance = level.instance[: len(item.loops)]
            if place(item.link_id, instance) not in self._standing.on:
                yield from self._disabled(entries)
            elif entries:
                yield from self._present(item, entries)
            elif item.is_asked or (place(item.link_id, instance) in self._askable and not item.hidden):
                yield from self._missing(item, level.expression)
        for entries in beside.values():  # misplaced: told already, and looked at where they stand
            yield from self._present(entries[0].item, entries)

    def _inside(self, entry: Entry) -> tuple[int, ...]:
        """The instance of what stands right below an entry."""
        loops = entry.item.is_loop and not entry.item.is_question
        return (*entry.instance, entry.number) if loops else entry.instance

    def _disabled(self, entries: list[Entry]) -> Iterator[Problem]:
        for entry in entries:
            self._off.add((entry.item.link_id, self._inside(entry)))
            if self._holds(entry):
                message = "this item is not asked after the other answers"
                yield Problem(entry.expression, entry.item.link_id, "not-enabled", message)

    def _holds(self, entry: Entry) -> bool:
        return place(entry.item.link_id, self._inside(entry)) in self._holding

    def _can_be_asked(self, entry: Entry) -> bool:
        return place(entry.item.link_id, entry.instance) in self._askable

    def _missing(self, item: Item, expression: str) -> Iterator[Problem]:
        if item.required:
            kind = "group" if item.type == "group" else "question"
            yield Problem(expression, item.link_id, "required", f"this {kind} needs an answer")
        elif item.min_occurs and (item.is_question or self._asks_for_more(item)):
            yield Problem(expression, item.link_id, "too-few", f"at least {item.min_occurs} are needed")

    def _asks_for_more(self, group: Item) -> bool:
        """Whether a group that must be there has anything in it that must be answered: else it was only left empty."""
        return any(each.required and group.link_id in each.path for each in self._form.questions)

    def _present(self, item: Item, entries: list[Entry]) -> Iterator[Problem]:
        last = entries[-1]
        if item.type == "group":
            if item.required and not any(map(self._holds, entries)) and self._can_be_asked(entries[0]):
                yield from self._missing(item, entries[0].expression)
            elif item.max_occurs is not None and len(entries) > item.max_occurs:
                yield Problem(last.expression, item.link_id, "too-many", f"at most {item.max_occurs} are taken")
            elif item.min_occurs is not None and len(entries) < item.min_occurs:
                yield Problem(last.expression, item.link_id, "too-few", f"at least {item.min_occurs} are needed")
        elif item.is_question:
            yield from self._question(item, [one for entry in entries for one in entry.given], entries)
        for entry in entries:
            yield from self.constraints(item.constraints, item, self._inside(entry), entry.expression)

    def _question(self, item: Item, given: list[Given], entries: list[Entry]) -> Iterator[Problem]:
        if not given:
            if item.is_asked and not any(entry.raw.get("answer") for entry in entries):
                yield from self._missing(item, entries[0].expression)
            return
        item = as_asked(item, entries[0].instance, self._standing)
        answers = tuple(one.answer for one in given)
        for code, message in together(item, answers):
            where = entries[-1].expression if code != "exclusive" else _alone(item, given)
            yield Problem(where, item.link_id, code, message)
        named = self._form.memory.raw(self._form.document, item.link_id).get("answerValueSet")
        for one in given:
            for code, message in (*problems_of(item, one.answer), *_beyond(item, one, bool(named))):
                yield Problem(one.expression, item.link_id, code, message)

    def constraints(
        self, constraints: tuple[Constraint, ...], item: Item | None, instance: tuple[int, ...], expression: str
    ) -> Iterator[Problem]:
        """The form's own rules that do not hold; one that gives no answer is told as a warning."""
        link_id = item.link_id if item else ""
        for rule in constraints:
            result = self._standing.worker.value(rule.formula, item, instance)
            if result is None or len(result) > 1:
                yield Problem(
                    expression, link_id, "constraint-not-checked", f"rule {rule.key} gave no result", "warning"
                )
            elif result and result[0] is False:
                yield Problem(
                    expression, link_id, "constraint", rule.human or f"rule {rule.key} does not hold", rule.severity
                )


def _alone(item: Item, given: list[Given]) -> str:
    """Where the first answer stands that can only be chosen alone."""
    chosen = ((one.expression, item.option_of(one.answer)) for one in given)
    return next(at for at, option in chosen if option is not None and option.exclusive)


def _beyond(item: Item, given: Given, has_value_set: bool) -> Iterator[Wrong]:
    """What is wrong with how an answer is written, though it can be understood."""
    answer = given.answer
    if item.type == "string" and answer.type == "string" and set("\r\n") & set(str(answer.value)):
        yield "line-break", "a string has one line; a text may have several"
    if not has_value_set or answer.type != "coding":
        return
    option = item.option_of(answer)
    if not item.options:
        yield "value-set-not-at-hand", "the value set of this question is not at hand"
    elif option is not None:
        display = given.raw["valueCoding"].get("display")
        known = {text.strip().casefold() for text in option.text.values()}
        if isinstance(display, str) and display.strip().casefold() not in known:
            yield "wrong-display", "this code means something else in its value set"
