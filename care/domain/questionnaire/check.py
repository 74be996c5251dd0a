"""Whether answers may stand as a report: the same rules for the app's form and for a conversation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from care.domain.questionnaire.asking import as_asked
from care.domain.questionnaire.formulas import Constraint
from care.domain.questionnaire.layout import begun
from care.domain.questionnaire.limits import Wrong, problems_of
from care.domain.questionnaire.model import Answer, Answers, Item, Questionnaire
from care.domain.questionnaire.places import instance_of, link_id_of, place
from care.domain.questionnaire.presence import askable, holding
from care.domain.questionnaire.standing import Standing


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a report: where (a place; the linkId where nothing repeats), a stable code, and a sentence
    without any of the patient's words.
    """

    link_id: str
    code: str
    message: str


def check(questionnaire: Questionnaire, answers: Answers) -> list[Issue]:
    """Everything that keeps these answers from being a complete report, in the form's order; empty when nothing does.

    Codes: unknown-item, not-enabled, required, not-repeating, too-few, too-many, exclusive, constraint (a rule of the
    form's own that does not hold), and those of `limits.problems_of`.
    """
    standing = Standing(questionnaire, answers)
    order = {item.link_id: number for number, item in enumerate(questionnaire.items)}
    checking = _Checking(questionnaire, standing)
    issues = list(_strangers(questionnaire, answers, standing.on))
    for at in sorted(standing.on, key=lambda at: (order[link_id_of(at)], instance_of(at))):
        issues.extend(Issue(at, *wrong) for wrong in checking.at(at))
    return issues + [Issue("", *wrong) for wrong in checking.rules(questionnaire.constraints, None, ())]


def _strangers(questionnaire: Questionnaire, answers: Answers, on: AbstractSet[str]) -> Iterator[Issue]:
    for at, given in answers.items():
        item = questionnaire.by_id.get(link_id_of(at))
        if item is None or not (item.is_question or item.is_loop):
            yield Issue(at, "unknown-item", "the questionnaire has no question with this linkId")
        elif given and at not in on:
            yield Issue(at, "not-enabled", "this question is not asked after the other answers")


class _Checking:
    """One check: how the form stands with the answers, and what holds any of them."""

    def __init__(self, questionnaire: Questionnaire, standing: Standing) -> None:
        self._form, self._standing = questionnaire, standing
        self._holding = holding(questionnaire, standing.values, standing.on)
        self._askable = askable(questionnaire, standing.on)
        self._counts = Counter(
            place(link_id_of(at), instance_of(at)[:-1])
            for at in self._holding
            if len(instance_of(at)) > len(questionnaire.by_id[link_id_of(at)].loops)
        )

    def at(self, at: str) -> Iterator[Wrong]:
        """What is wrong at one enabled place."""
        item = self._form.by_id[link_id_of(at)]
        if item.is_question:
            yield from self._question(item, at)
        elif item.type == "group" and not (item.hidden or item.read_only):
            if at in self._holding:
                yield from _counted(item, self._counts[at]) if item.is_loop else ()
            elif item.required and at in self._askable and self._is_begun(item, instance_of(at)):
                yield "required", "this group needs an answer"
        if item.constraints:
            for instance in self._instances(item, at):
                yield from self.rules(item.constraints, item, instance)

    def _instances(self, item: Item, at: str) -> Iterator[tuple[int, ...]]:
        """Where the rules of an item are looked at: in it, or in every instance of a group that repeats, if it holds
        an answer.
        """
        instance = instance_of(at)
        if at not in self._holding:
            return
        if not item.is_loop or item.is_question:
            yield instance
            return
        every = ((*instance, number) for number in range(begun(item, instance, self._standing.values)))
        yield from (one for one in every if place(item.link_id, one) in self._holding)

    def rules(
        self, constraints: tuple[Constraint, ...], item: Item | None, instance: tuple[int, ...]
    ) -> Iterator[Wrong]:
        """The form's own rules that do not hold. A warning is none, nor is a rule that gives no result."""
        for rule in constraints:
            if rule.severity == "error" and self._standing.worker.value(rule.formula, item, instance) == [False]:
                yield "constraint", rule.human or f"rule {rule.key} does not hold"

    def _question(self, item: Item, at: str) -> Iterator[Wrong]:
        given = self._standing.values.get(at, ())
        item = as_asked(item, instance_of(at), self._standing)
        if not given:
            if item.is_asked and self._is_begun(item, instance_of(at)):
                yield from _missing(item)
            return
        yield from together(item, given)
        for answer in given:
            yield from problems_of(item, answer)

    def _is_begun(self, item: Item, instance: tuple[int, ...]) -> bool:
        """Whether what is required here is really wanted: an instance in which nobody filled in anything is none,
        unless there must be one.
        """
        for depth, link_id in enumerate(item.loops):
            loop = self._form.by_id[link_id]
            least = max(loop.min_occurs or 0, 1 if loop.required else 0)
            if place(link_id, instance[: depth + 1]) not in self._holding and instance[depth] >= least:
                return False
        return True


def together(item: Item, given: tuple[Answer, ...]) -> Iterator[Wrong]:
    """What is wrong with these answers to one question as a whole."""
    if len(given) > 1 and not item.repeats:
        yield "not-repeating", "this question takes one answer"
    else:
        yield from _counted(item, len(given))
    if len(given) > 1 and any(option is not None and option.exclusive for option in map(item.option_of, given)):
        yield "exclusive", "one of these can only be chosen alone"


def _missing(item: Item) -> Iterator[Wrong]:
    if item.required:
        yield "required", "this question needs an answer"
    else:
        yield from _counted(item, 0)


def _counted(item: Item, count: int) -> Iterator[Wrong]:
    least = (item.min_occurs or 0) if item.repeats else min(item.min_occurs or 0, 1)
    if count < least:
        yield "too-few", f"at least {least} are needed"
    if item.max_occurs is not None and count > item.max_occurs:
        yield "too-many", f"at most {item.max_occurs} are taken"


def problem_of(item: Item, answer: Answer) -> Wrong | None:
    """(code, sentence) for an answer that this item cannot take, or None."""
    return next(problems_of(item, answer), None)
