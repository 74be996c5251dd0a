"""What a questionnaire is once it has been read: items, options, conditions, answers. Frozen values, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from care.domain.questionnaire.formulas import Constraint, Formula, Pattern, Toggle, Variable
from care.domain.questionnaire.memory import Memory

Text = Mapping[str, str]
"""One sentence by language; the key "" is the language that the form was written in."""

CHOICES = frozenset(("choice", "open-choice"))
QUESTION_TYPES = CHOICES | {
    *("boolean", "integer", "decimal", "string", "text", "quantity", "date", "dateTime", "time", "url"),
    *("attachment", "reference"),
}
ITEM_TYPES = QUESTION_TYPES | {"group", "display"}
ANSWER_TYPES = frozenset(
    ("boolean", "integer", "decimal", "string", "coding", "quantity", "date", "dateTime", "time", "url")
) | {"attachment", "reference", "count"}
MORE = "more"
"""The type of the question whether there is another one of a repeating group; it is never in a form."""

MAX_DEPTH = 20
MAX_ITEMS = 10_000


def in_language(text: Text, language: str) -> str:
    """The text in this language, else as the form was written."""
    return text.get(language) or text.get("") or ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `type` is one of ANSWER_TYPES; dates and times are ISO strings.

    For a coding `value` is the display and `code`/`system` identify it; for a quantity `value` is the number, `unit`
    what a person reads, `code` the UCUM code, and `comparator` '<' or '>' when a meter showed only Lo or Hi. An
    attachment's value is its title or url and a reference's the reference; `content` holds the rest of either, as JSON
    text. A count is how many instances of a repeating group were begun, with the code "closed" when there is no other.
    """

    type: str
    value: bool | int | float | str
    unit: str = ""
    comparator: str = ""
    code: str = ""
    system: str = ""
    content: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object without its empty parts."""
        full = {name: getattr(self, name) for name in ("unit", "comparator", "code", "system", "content")}
        return {"type": self.type, "value": self.value, **{name: part for name, part in full.items() if part}}

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Answer:
        """The answer that to_json wrote."""
        return Answer(**document)


Answers = Mapping[str, tuple[Answer, ...]]
"""Answers by place (see places.py); in a form where nothing repeats, a place is the linkId. An empty tuple counts as
not answered."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be chosen: a coding, a string, an integer, a date, a time … (`type`, as in ANSWER_TYPES).

    `is_event`: choosing it says that something happened, which is a measure under the option's own code. `exclusive`:
    it can be chosen alone only.
    """

    type: str
    text: Text
    code: str = ""
    system: str = ""
    ordinal: float | None = None
    is_event: bool = False
    prefix: str = ""
    exclusive: bool = False

    def answer(self) -> Answer:
        """The answer that choosing this gives."""
        if self.type == "integer":
            return Answer("integer", int(self.text[""]))
        if self.type == "reference":
            return Answer("reference", self.code)
        return Answer(self.type, self.text[""], code=self.code, system=self.system)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two options the same."""
        if self.type == "coding":
            return self.type, self.system, self.code or self.text[""]
        return self.type, "", self.code if self.type == "reference" else self.text[""]


@dataclass(frozen=True, slots=True)
class Condition:
    """One enableWhen: the item is shown when `question` `operator` `expected` holds."""

    question: str
    operator: str
    expected: Answer


@dataclass(frozen=True, slots=True)
class Span:
    """A closed range in one unit (a UCUM code); either end may be open."""

    low: float | None = None
    high: float | None = None
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Whether a value in this span's unit lies inside."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `path` is the chain of groups above it, outermost first; `units` are UCUM codes, the asked one first.

    `usual`: the range that tells which unit a number without one is in. `meter`: what the device can show; below and
    above it an answer is kept with a comparator. `limits`: outside of it a value is not believed. `loops`: the linkIds
    of the ancestors that repeat, outermost first; `is_loop`: it is one itself (a group that repeats, or a question that
    repeats and has questions or groups below it, one instance an answer). `hidden` also when a group above it is.
    `control`: the code of its itemControl; `category`: its displayCategory. `media`: the content types a file may have,
    `max_size` its bytes; `resources`: the types a reference may point to; `unit_set`: (system, code) of every unit that
    a quantity may have, where a value set says so.
    """

    link_id: str
    type: str
    text: Text
    required: bool = False
    repeats: bool = False
    hidden: bool = False
    path: tuple[str, ...] = ()
    prefix: str = ""
    options: tuple[Option, ...] = ()
    enable_when: tuple[Condition, ...] = ()
    enable_any: bool = False
    minimum: float | str | None = None
    maximum: float | str | None = None
    max_length: int | None = None
    units: tuple[str, ...] = ()
    limits: Span | None = None
    usual: Span | None = None
    meter: Span | None = None
    code: str = ""
    context_from: str = ""
    by_key: Mapping[tuple[str, str, str], Option] = field(default_factory=dict)
    read_only: bool = False
    loops: tuple[str, ...] = ()
    is_loop: bool = False
    initial: tuple[Answer, ...] = ()
    control: str = ""
    category: str = ""
    short_text: Text = field(default_factory=dict)
    entry_format: str = ""
    min_length: int | None = None
    pattern: Pattern | None = None
    max_decimals: int | None = None
    min_occurs: int | None = None
    max_occurs: int | None = None
    slider_step: float | None = None
    calculated: Formula | None = None
    enable_formula: Formula | None = None
    initial_formula: Formula | None = None
    text_formula: Formula | None = None
    min_formula: Formula | None = None
    max_formula: Formula | None = None
    variables: tuple[Variable, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    toggles: tuple[Toggle, ...] = ()
    media: tuple[str, ...] = ()
    max_size: float | None = None
    resources: tuple[str, ...] = ()
    unit_set: frozenset[tuple[str, str]] | None = None

    @property
    def is_question(self) -> bool:
        """Whether it takes an answer (groups and displays do not)."""
        return self.type in QUESTION_TYPES

    @property
    def is_asked(self) -> bool:
        """Whether a patient may be asked it: a question that is not hidden, read only or computed, and takes an answer
        at all (a form made of parts switches one off with a maxOccurs of 0)."""
        calculated = self.calculated is not None and self.calculated.known
        return self.is_question and not (self.hidden or self.read_only or calculated or self.max_occurs == 0)

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """Its expressions, those of its variables, options and constraints too."""
        own = (self.calculated, self.enable_formula, self.initial_formula, self.text_formula)
        parts: tuple[Variable | Toggle | Constraint, ...] = (*self.variables, *self.toggles, *self.constraints)
        every = (*own, self.min_formula, self.max_formula, *(part.formula for part in parts))
        return tuple(formula for formula in every if formula is not None)

    @property
    def changes(self) -> bool:
        """Whether its text, options or bounds depend on other answers."""
        return bool(self.toggles or self.text_formula or self.min_formula or self.max_formula)

    def option_of(self, answer: Answer) -> Option | None:
        """The option that this answer chose, if it is one of ours; a coding without a system fits any system."""
        if answer.type != "coding":
            return self.by_key.get((answer.type, "", str(answer.value)))
        code = answer.code or str(answer.value)
        found = self.by_key.get(("coding", answer.system, code))
        if found is None and not answer.system:
            return next((option for option in self.options if option.key[2] == code), None)
        return found


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A questionnaire that can be run. `items` are all items in document order; `sequence` is an order in which every
    item comes after all that its being enabled depends on; `questions` are those that a patient may be asked.
    `now` (aware) is the clock of its expressions; without it one that asks for the time has no value.

    `children`: the items right below a linkId ("" for those at the top). `document`: the form as it was read; `notes`:
    what was read leniently, in plain words. `settles`: one round of deciding is enough. `asking`: the linkIds of what
    repeats and has a question to ask inside; `optional`: those of them that may be left out but ask what is required.
    """

    url: str
    version: str
    title: Text
    items: tuple[Item, ...]
    by_id: Mapping[str, Item]
    questions: tuple[Item, ...]
    sequence: tuple[Item, ...]
    children: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    has_loops: bool = False
    settles: bool = True
    asking: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    now: datetime | None = None

    def at(self, now: datetime) -> Questionnaire:
        """The same form at a moment, as its expressions see it; what is remembered of it stays shared."""
        return replace(self, now=now)

    @property
    def canonical(self) -> str:
        """url|version: how a QuestionnaireResponse names its form."""
        return f"{self.url}|{self.version}" if self.version else self.url


class Spot(NamedTuple):
    """One question as it is asked: where its answer is kept, and the item (its text and options as they are now).

    For "another one?" of a repeating group the item is made up: type MORE, with the group's linkId and text.
    """

    place: str
    item: Item
