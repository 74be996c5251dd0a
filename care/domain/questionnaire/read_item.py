"""One item of a FHIR R4 Questionnaire to an Item, or a refusal that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from care.domain.questionnaire import extensions as ext
from care.domain.questionnaire.extensions import extension_value, span_of, translated
from care.domain.questionnaire.formulas import Pattern
from care.domain.questionnaire.model import CHOICES, ITEM_TYPES, Answer, Item, Option
from care.domain.questionnaire.read_conditions import read_conditions
from care.domain.questionnaire.read_expressions import read_formulas, read_toggles, variables_of
from care.domain.questionnaire.read_limits import read_limits
from care.domain.questionnaire.read_options import options_of, read_options
from care.domain.questionnaire.refusal import flag, objects, refuse
from care.domain.questionnaire.scopes import Scope, written
from care.domain.questionnaire.tools import Tools
from care.domain.questionnaire.value_sets import Find
from care.domain.questionnaire.values import Malformed, answer_of
from care.errors import Invalid

_AS_CHOICE = frozenset(("string", "integer", "date", "time"))


@dataclass(slots=True)
class Source:
    """What the items of one form are read with: tools, the value sets within reach, and what is noted on the way."""

    tools: Tools
    find: Find
    notes: list[str]
    scopes: dict[str, Scope]
    expanded: dict[str, tuple[Option, ...]] = field(default_factory=dict)
    to_run: bool = True


def read_item(raw: Mapping[str, Any], path: tuple[str, ...], hidden: bool, source: Source) -> Item:
    """The item. `path`: the linkIds above it; `hidden`: whether one of these is. Raises Invalid."""
    link_id = str(raw["linkId"])
    kind = _kind(raw, link_id, source)
    scope = _scope(raw, link_id, path, source)
    conditions, enable_any = read_conditions(raw, link_id, source.notes)
    hidden = hidden or extension_value(raw, ext.HIDDEN) is True
    item = Item(
        link_id=link_id,
        type=kind,
        text=translated(raw, "text"),
        required=flag(raw, "required", link_id),
        repeats=flag(raw, "repeats", link_id),
        hidden=hidden,
        path=path,
        prefix=str(raw.get("prefix") or ""),
        enable_when=conditions,
        enable_any=enable_any,
        usual=span_of(extension_value(raw, ext.USUAL_RANGE)),
        meter=span_of(extension_value(raw, ext.METER_RANGE)),
        code=_first_code(raw),
        context_from=str(extension_value(raw, ext.CONTEXT_FROM) or ""),
        read_only=flag(raw, "readOnly", link_id),
        control=_code_of(extension_value(raw, ext.CONTROL)),
        category=_code_of(extension_value(raw, ext.CATEGORY)),
        short_text=_said(raw, ext.SHORT_TEXT),
        entry_format=str(extension_value(raw, ext.ENTRY_FORMAT) or ""),
        pattern=_pattern(raw, link_id, source.tools),
        **read_limits(raw, link_id, kind, source.find, source.notes),
        **read_formulas(raw, link_id, kind, scope, source.notes, source.to_run),
    )
    return _with_options(raw, item, scope, source)


def _kind(raw: Mapping[str, Any], link_id: str, source: Source) -> str:
    """The type of an item; one that lists its answers is a choice, whatever it is called."""
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in ITEM_TYPES:
        raise refuse("unknown-type", link_id, f"items of type {kind!r} cannot be asked")
    if extension_value(raw, *ext.SUB_QUESTIONNAIRE) is not None:
        raise refuse("sub-questionnaire", link_id, "it stands for another questionnaire that is not put in yet")
    if objects(raw, "answerOption", link_id) and kind not in CHOICES:
        if kind in _AS_CHOICE:
            source.notes.append(f"item {link_id!r}: a {kind} with listed answers is asked as a choice")
            return "choice"
        source.notes.append(f"item {link_id!r}: listed answers do not fit a {kind} and are left out")
    return str(kind)


def _scope(raw: Mapping[str, Any], link_id: str, path: tuple[str, ...], source: Source) -> Scope:
    """The variables that the item's expressions see; an item without its own sees those above it."""
    above = source.scopes[path[-1] if path else ""]
    own = variables_of(raw)
    scope = Scope(source.tools, above.paths, above.inside, link_id, above, own) if own else above
    source.scopes[link_id] = scope
    return scope


def _with_options(raw: Mapping[str, Any], item: Item, scope: Scope, source: Source) -> Item:
    """The item with what can be chosen, and with its initial value, which is read by it."""
    options, chosen = _options(raw, item, source) if item.type in CHOICES else ((), ())
    item = replace(
        item,
        options=options,
        by_key={option.key: option for option in options},
        toggles=read_toggles(raw, item.link_id, options, scope) if options else (),
        type="text" if item.type == "open-choice" and not options and item.is_asked and source.to_run else item.type,
        variables=item.variables if scope.link_id == item.link_id else (),
    )
    initial = tuple(option.answer() for option in chosen) or _initial(raw, item, source.notes)
    return replace(item, initial=initial) if initial else item


def _options(raw: Mapping[str, Any], item: Item, source: Source) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    options, chosen = read_options(raw, item.link_id, source.notes)
    canonical = raw.get("answerValueSet")
    if not options and isinstance(canonical, str) and canonical:
        options = _of_value_set(canonical, item, source)
    if options or not (item.is_asked and source.to_run):
        return options, chosen
    expression = written(extension_value(raw, *ext.ANSWER_EXPRESSION))
    if expression is not None:
        code = expression.kind if expression.kind in ("cql", "x-fhir-query") else "answer-expression"
        raise refuse(code, item.link_id, "its options come from an expression, which is not run")
    if item.type == "choice":
        raise refuse("choice-without-options", item.link_id, "a choice needs options")
    source.notes.append(f"item {item.link_id!r}: an open choice without options is asked as a text")
    return (), ()


def _of_value_set(canonical: str, item: Item, source: Source) -> tuple[Option, ...]:
    """The options of a value set, read once a form. What is never asked can do without."""
    if canonical not in source.expanded:
        found = source.find(canonical)
        if found is None and not (item.is_asked and source.to_run):
            source.notes.append(f"item {item.link_id!r}: its value set is not at hand; it is not asked")
            return ()
        if found is None:
            where = "in the form" if canonical.startswith("#") else "at hand"
            raise refuse("value-set-not-at-hand", item.link_id, f"its value set {canonical} is not {where}")
        source.expanded[canonical] = options_of(found)
    return source.expanded[canonical]


def _initial(raw: Mapping[str, Any], item: Item, notes: list[str]) -> tuple[Answer, ...]:
    """What is filled in from the start; what does not fit the item is left out, with a note."""
    if not item.is_question or "initial" not in raw:
        return ()
    found: list[Answer] = []
    for each in objects(raw, "initial", item.link_id):
        try:
            answer = answer_of(item, each)
        except Malformed:
            answer = None
        if answer is not None and item.options and item.type == "choice" and item.option_of(answer) is None:
            answer = None
        if answer is None:
            notes.append(f"item {item.link_id!r}: an initial value that does not fit is left out")
        else:
            found.append(answer)
    return tuple(found if item.repeats else found[:1])


def _pattern(raw: Mapping[str, Any], link_id: str, tools: Tools) -> Pattern | None:
    source = extension_value(raw, ext.REGEX)
    if source is None:
        return None
    if not isinstance(source, str) or len(source) > 2_000:
        raise refuse("unreadable-regex", link_id, "its regular expression is no text of a possible length")
    try:
        matches = tools.pattern(source)
    except Invalid as bad:
        raise refuse("unreadable-regex", link_id, f"its regular expression cannot be read: {bad.message}") from None
    return Pattern(source, matches, str(extension_value(raw, *ext.VALIDATION_TEXT) or ""))


def _said(raw: Mapping[str, Any], urls: tuple[str, ...]) -> dict[str, str]:
    """The sentence of an extension, with its translations."""
    for each in ext.extensions_of(raw, *urls):
        return dict(translated(each, "valueString"))
    return {}


def _code_of(concept: Any) -> str:
    """The first code of a CodeableConcept, else its text."""
    if not isinstance(concept, Mapping):
        return ""
    codings = concept.get("coding")
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, Mapping) and coding.get("code"):
            return str(coding["code"])
    return str(concept.get("text") or "")


def _first_code(raw: Mapping[str, Any]) -> str:
    codes = raw.get("code")
    first = codes[0] if isinstance(codes, list) and codes else None
    return str(first.get("code") or "") if isinstance(first, Mapping) else ""
