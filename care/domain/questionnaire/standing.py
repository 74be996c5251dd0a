"""Where a form stands with some answers: what is enabled, and the values of what is never asked."""

from __future__ import annotations

from care.domain.questionnaire.conditions import holds
from care.domain.questionnaire.expressions import Worker
from care.domain.questionnaire.layout import MAX_PLACES, instances
from care.domain.questionnaire.model import Answer, Answers, Condition, Item, Questionnaire
from care.domain.questionnaire.places import place

MAX_ROUNDS = 6
"""Rounds that expressions which look at one another are given to settle."""


class Standing:
    """`on`: the places that are enabled. `values`: the answers, with the initial and calculated values of what is
    never asked; those of disabled places are kept in it and count as no answer."""

    __slots__ = ("_questionnaire", "on", "values", "worker")

    def __init__(self, questionnaire: Questionnaire, answers: Answers) -> None:
        self._questionnaire = questionnaire
        self.on: set[str] = set()
        self.values: dict[str, tuple[Answer, ...]] = dict(answers)
        self.worker = Worker(questionnaire, self.on, self.values)
        rounds = 1 if questionnaire.settles else MAX_ROUNDS
        for _ in range(rounds):
            before = (len(self.on), self.worker.changes) if rounds > 1 else None
            on = set(self.on) if rounds > 1 else self.on
            self._round(answers)
            if rounds > 1 and on == self.on and before is not None and before[1] == self.worker.changes:
                break

    def _round(self, answers: Answers) -> None:
        """Decide every item once, what it depends on first."""
        known: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
        left = MAX_PLACES
        for item in self._questionnaire.sequence:
            if item.loops not in known:
                known[item.loops] = instances(self._questionnaire, item.loops, self.values)
            here = known[item.loops]
            if item.loops:  # what repeats may open so many places and no more, however many are claimed
                here, left = here[:left], max(left - len(here), 0)
            for instance in here:
                at = place(item.link_id, instance)
                if self._is_enabled(item, instance):
                    if at not in self.on:
                        self.on.add(at)
                        self.worker.touched()
                    if item.is_question and not item.is_asked:
                        self._fill(item, instance, at, answers)
                elif at in self.on:
                    self.on.discard(at)
                    self.worker.touched()

    def given(self, at: str) -> tuple[Answer, ...]:
        """The answers of a place; none while it is disabled."""
        return self.values.get(at, ()) if at in self.on else ()

    def _is_enabled(self, item: Item, instance: tuple[int, ...]) -> bool:
        if item.path and not self._is_open(item, instance):
            return False
        if item.enable_when:
            results = (holds(one, self._target(one, item, instance)) for one in item.enable_when)
            if not (any(results) if item.enable_any else all(results)):
                return False
        return item.enable_formula is None or self.worker.truth(item.enable_formula, item, instance, doubt=True)

    def _is_open(self, item: Item, instance: tuple[int, ...]) -> bool:
        """Whether what stands above lets an item be asked: it is enabled, and a question that is asked has an answer
        (in FHIR what stands below a question is a part of its answer). A display is shown with its question."""
        above = self._questionnaire.by_id[item.path[-1]]
        at = place(above.link_id, instance[: len(above.loops)])
        if at not in self.on:
            return False
        if not above.is_question or item.type == "display":
            return True
        return bool(self.values.get(at)) or not above.is_asked

    def _target(self, condition: Condition, item: Item, instance: tuple[int, ...]) -> tuple[Answer, ...]:
        """The answers that a condition looks at: in the same instance of what both stand in, of all further ones.

        Below a question that repeats, its own answer is the one of this instance.
        """
        target = self._questionnaire.by_id[condition.question]
        if not target.loops and target.link_id not in item.loops:
            return self.given(target.link_id)
        if target.link_id in item.loops:
            depth = item.loops.index(target.link_id)
            given = self.given(place(target.link_id, instance[:depth]))
            return given[instance[depth] : instance[depth] + 1]
        shared = 0
        while shared < min(len(target.loops), len(item.loops)) and target.loops[shared] == item.loops[shared]:
            shared += 1
        if shared == len(target.loops):
            return self.given(place(target.link_id, instance[:shared]))
        inside = instances(self._questionnaire, target.loops, self.values, instance[:shared])
        return tuple(answer for one in inside for answer in self.given(place(target.link_id, one)))

    def _fill(self, item: Item, instance: tuple[int, ...], at: str, answers: Answers) -> None:
        """The value of something that is never asked: calculated, else as it was given, else its initial value."""
        if item.calculated is not None and item.calculated.known:
            value = self.worker.answers(item.calculated, item, instance)
        else:
            value = answers.get(at) or suggested(self.worker, item, instance)
        if value != self.values.get(at, ()):
            if value:
                self.values[at] = value
            else:
                self.values.pop(at, None)
            self.worker.touched()


def suggested(worker: Worker, item: Item, instance: tuple[int, ...]) -> tuple[Answer, ...]:
    """What the form itself proposes as an answer: its initial value, or what the expression for it gives."""
    if item.initial or item.initial_formula is None:
        return item.initial
    return worker.answers(item.initial_formula, item, instance)
