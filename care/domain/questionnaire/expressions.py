"""Running a form's expressions over the answers so far, each again only when what it looks at has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.formulas import Formula, Variable
from care.domain.questionnaire.layout import instances
from care.domain.questionnaire.model import Answer, Item, Questionnaire
from care.domain.questionnaire.places import place
from care.domain.questionnaire.results import answers_of
from care.domain.questionnaire.tools import ExpressionFailed
from care.domain.questionnaire.view import View

MAX_VARIABLES = 40
"""Variables that may use one another before the last of them has no value."""


class Worker:
    """Evaluates the formulas of a form on a state (`on` the enabled places, `values` the answers) that may go on to
    change: whoever changes it calls `touched`."""

    __slots__ = ("_full", "_now", "_questionnaire", "_stamp", "changes", "on", "values")

    def __init__(self, questionnaire: Questionnaire, on: set[str], values: dict[str, tuple[Answer, ...]]) -> None:
        self._questionnaire, self.on, self.values = questionnaire, on, values
        self.changes = 0
        self._full: View | None = None
        self._stamp: int | None = None
        self._now: dict[Any, list[Any] | None] = {}

    def touched(self) -> None:
        """What is enabled, or a value, has changed."""
        self.changes += 1
        self._full = self._stamp = None

    def given(self, at: str) -> tuple[Answer, ...]:
        """The answers of a place; none while it is disabled."""
        return self.values.get(at, ()) if at in self.on else ()

    def truth(self, formula: Formula, item: Item | None, instance: tuple[int, ...], doubt: bool) -> bool:
        """Whether a formula holds: nothing is false, one value that is no boolean is true; `doubt` when it fails."""
        found = self.value(formula, item, instance)
        if found is None or len(found) > 1:
            return doubt
        return bool(found) and found[0] is not False

    def answers(self, formula: Formula, item: Item, instance: tuple[int, ...]) -> tuple[Answer, ...]:
        """What a formula gives as answers of this item; () when it fails or gives nothing that the item can take."""
        found = self.value(formula, item, instance)
        return answers_of(item, found) if found else ()

    def text(self, formula: Formula, item: Item, instance: tuple[int, ...]) -> str | None:
        """What a formula gives as a sentence; None when it gives none."""
        found = self.value(formula, item, instance)
        return str(found[0]) if found and isinstance(found[0], str | int | float) else None

    def value(self, formula: Formula, item: Item | None, instance: tuple[int, ...], depth: int = 0) -> list[Any] | None:
        """The value of a formula for an item (None: for the whole form) in an instance; None when it fails."""
        if not formula.known:
            return None
        kept = self._questionnaire.memory.results if formula.steady else self._now
        key = (id(formula), instance, self._state(formula))
        if key in kept:
            return kept[key]
        try:
            found = self._evaluate(formula, item, instance, depth)
        except ExpressionFailed:
            found = None
        if formula.steady:
            self._questionnaire.memory.make_room()
        kept[key] = found
        return found

    def _state(self, formula: Formula) -> Any:
        """What the value of a formula depends on, as it is now."""
        if formula.needs is None:
            if self._stamp is None:
                now = tuple((at, given) for at, given in self.values.items() if at in self.on and given)
                self._stamp = self._questionnaire.memory.stamp(now)
            return self._stamp
        parts: list[Any] = []
        for link_id in formula.needs:
            item = self._questionnaire.by_id.get(link_id)
            if item is not None and item.loops:
                every = instances(self._questionnaire, item.loops, self.values)
                parts.append(tuple(self.given(place(link_id, one)) for one in every))
            elif item is not None:
                parts.append(self.given(link_id))
        return tuple(parts)

    def _evaluate(self, formula: Formula, item: Item | None, instance: tuple[int, ...], depth: int) -> list[Any]:
        view = self._view(formula)
        node = view.resource if item is None else view.node(item, instance)
        environment: dict[str, Any] = {
            "resource": view.resource,
            "rootResource": view.resource,
            "context": node,
            "questionnaire": self._questionnaire.document,
        }
        if item is not None:
            environment["qitem"] = self._questionnaire.memory.raw(self._questionnaire.document, item.link_id)
        if self._questionnaire.now is not None:
            environment["now"] = self._questionnaire.now
        environment |= self._variables(formula, item, instance, depth)
        return formula.run(node, environment)

    def _view(self, formula: Formula) -> View:
        """The response that a formula looks at: all of it, or the part that it can see."""
        if formula.needs is not None and not self._questionnaire.has_loops:
            return View(self._questionnaire, self.on, self.values, formula.needs)
        if self._full is None:
            self._full = View(self._questionnaire, self.on, self.values)
        return self._full

    def _variables(
        self, formula: Formula, item: Item | None, instance: tuple[int, ...], depth: int
    ) -> Mapping[str, list[Any]]:
        """The variables that a formula names, each on what it was defined on; one without a value is empty."""
        found: dict[str, list[Any]] = {}
        for name in formula.run.names:
            defined = self._defined(name, formula, item)
            if defined is not None:
                variable, owner = defined
                at = instance[: len(owner.loops)] if owner is not None else ()
                value = self.value(variable.formula, owner, at, depth + 1) if depth < MAX_VARIABLES else None
                found[name] = value or []
        return found

    def _defined(self, name: str, formula: Formula, item: Item | None) -> tuple[Variable, Item | None] | None:
        """The nearest definition of a variable: on the item, on what stands above it, on the form."""
        above = (self._questionnaire.by_id[link_id] for link_id in reversed(item.path)) if item is not None else ()
        for owner in (*((item,) if item is not None else ()), *above):
            for variable in reversed(owner.variables):
                if variable.name == name and variable.formula is not formula:
                    return variable, owner
        for variable in reversed(self._questionnaire.variables):
            if variable.name == name and variable.formula is not formula:
                return variable, None
        return None
