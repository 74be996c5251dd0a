"""The names that a form's expressions may use, and each expression compiled once, with what its value depends on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from care.domain.questionnaire.formulas import Formula, Variable
from care.domain.questionnaire.refusal import refuse
from care.domain.questionnaire.tools import PART, PREFIX, SUFFIX, Tools
from care.errors import Invalid

_GIVEN = frozenset(("resource", "rootResource", "context", "questionnaire", "qitem", "sct", "loinc", "ucum"))
"""Names that are always supplied (HL7 FHIRPath and Structured Data Capture)."""
_ALSO_GIVEN = ("vs-", "ext-")
_DESCRIBED: Mapping[str, Callable[[str, str], bool]] = {
    PREFIX: str.startswith,
    SUFFIX: str.endswith,
    PART: str.__contains__,
}
_CLOCK = re.compile(r"\b(?:now|today|timeOfDay)\s*\(")
_RESPONSE = re.compile(r"(?<![\w.'\"`/%])QuestionnaireResponse\.(?=\w)")
_LONGEST = 20_000
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Written:
    """An expression as a form has it: its language, its text, and a name where it is a variable."""

    language: str
    text: str
    name: str = ""

    @property
    def kind(self) -> str:
        """fhirpath, cql, x-fhir-query, or the language itself."""
        language = self.language.casefold()
        if not language or "fhirpath" in language:
            return "fhirpath"
        if "cql" in language or "elm" in language:
            return "cql"
        return "x-fhir-query" if "x-fhir-query" in language else language


def written(value: Any) -> Written | None:
    """A FHIR Expression, or a plain text taken as FHIRPath; None when it is neither."""
    if isinstance(value, str):
        return Written("text/fhirpath", value) if value.strip() else None
    if not isinstance(value, Mapping):
        return None
    language, text = str(value.get("language") or ""), value.get("expression")
    return Written(language, text if isinstance(text, str) else "", str(value.get("name") or ""))


@dataclass(slots=True)
class Scope:
    """The variables of an item, above them those of what it stands in. `paths`: the
    linkIds above each linkId of the form; `inside`: those below it."""

    tools: Tools
    paths: Mapping[str, tuple[str, ...]]
    inside: Mapping[str, set[str]]
    link_id: str = ""
    above: Scope | None = None
    variables: dict[str, Written] = field(default_factory=dict)
    _compiled: dict[str, Formula] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)

    def logic(self, expression: Written, link_id: str, what: str, own: bool = False) -> Formula:
        """An expression that computes, hides or forbids; `own`: it looks at the answer of its own item too.

        Raises Invalid: cql, x-fhir-query, unreadable-expression.
        """
        self._need_fhirpath(expression, link_id, what)
        try:
            formula = self.formula(expression.text, link_id, own)
        except Invalid as bad:
            raise refuse("unreadable-expression", link_id, f"{what} cannot be read: {bad.message}") from None
        for variable in self._used(formula):
            self._need_fhirpath(variable, link_id, f"variable {variable.name!r} of {what}")
        return formula

    def _need_fhirpath(self, expression: Written, link_id: str, what: str) -> None:
        if expression.kind == "fhirpath":
            return
        known = {"cql": "CQL", "x-fhir-query": "a query of a server"}
        code = expression.kind if expression.kind in known else "unreadable-expression"
        raise refuse(code, link_id, f"{what} is {known.get(expression.kind, expression.language)}, which is not run")

    def formula(self, text: str, link_id: str, own: bool = True) -> Formula:
        """A FHIRPath expression of an item, with what its value depends on, through variables too: what it names with
        all below, and what is below its own item; with `own` that item itself too. Raises Invalid."""
        if len(text) > _LONGEST:
            raise Invalid("unreadable-expression", "it is too long")
        # Some forms begin at the response by the name of its type, which an item is not: what they mean is %resource.
        run = self.tools.compile(_RESPONSE.sub("%resource.", text))
        needs = None if run.link_ids is None else self._named(run.link_ids)
        steady, known = _CLOCK.search(text) is None, True
        for name in run.names:
            variable = self._variable(name)
            if variable is None:
                known = known and (name in _GIVEN or name.startswith(_ALSO_GIVEN))
                continue
            steady, known = steady and variable.steady, known and variable.known
            needs = None if needs is None or variable.needs is None else needs | variable.needs
        if needs is not None:
            below = {each for named in (*needs, link_id) for each in self.inside.get(named, ())}
            needs |= below | {each for named in needs for each in self.paths.get(named, ())}
            needs |= {link_id} if own and link_id else set()
        return Formula(text, run, None if needs is None else frozenset(needs), steady, known)

    def _named(self, link_ids: frozenset[str]) -> set[str]:
        """The linkIds of the form that an expression names or describes."""
        found: set[str] = set()
        for named in link_ids:
            fits = _DESCRIBED.get(named[:2])
            found |= {each for each in self.paths if fits(each, named[2:])} if fits is not None else {named}
        return found

    def read(self) -> tuple[Variable, ...]:
        """The variables defined here that can be run."""
        found = ((name, self._variable(name)) for name in self.variables)
        return tuple(Variable(name, formula) for name, formula in found if formula is not None and formula.known)

    def _variable(self, name: str) -> Formula | None:
        """The formula of a variable; one that cannot be run is not known; None when there is no such variable."""
        if name not in self.variables or name in self._busy:
            return self.above._variable(name) if self.above is not None else None
        if name not in self._compiled:
            self._busy.add(name)
            try:
                self._compiled[name] = self._of_variable(self.variables[name])
            finally:
                self._busy.discard(name)
        return self._compiled[name]

    def _of_variable(self, expression: Written) -> Formula:
        if expression.kind == "fhirpath" and len(self._busy) <= _DEEPEST:
            try:
                return self.formula(expression.text, self.link_id)
            except Invalid as bad:
                if expression.text.strip():
                    message = f"variable {expression.name!r} cannot be read: {bad.message}"
                    raise refuse("unreadable-expression", self.link_id, message) from None
        return Formula(expression.text, _nothing, frozenset(), known=False)

    def _used(self, formula: Formula) -> list[Written]:
        """The variables that a formula uses, also through others."""
        found: dict[tuple[int, str], Written] = {}
        waiting: list[tuple[Scope | None, str]] = [(self, name) for name in formula.run.names]
        while waiting:
            scope, name = waiting.pop()
            while scope is not None and name not in scope.variables:
                scope = scope.above
            if scope is None or (id(scope), name) in found:
                continue
            found[id(scope), name] = scope.variables[name]
            compiled = scope._compiled.get(name)
            waiting.extend((scope, other) for other in (compiled.run.names if compiled is not None else ()))
        return list(found.values())


class _Nothing:
    """An expression that is never run."""

    link_ids: frozenset[str] | None = frozenset()
    names: frozenset[str] = frozenset()

    def __call__(self, context: Any, environment: Mapping[str, Any]) -> list[Any]:
        return []


_nothing = _Nothing()
