"""From a FHIR R4 Questionnaire document to a Questionnaire that can be run, or a refusal that names the item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from care.domain.questionnaire.extensions import (
    CONTEXT_FROM,
    HIDDEN,
    MAX_QUANTITY,
    MAX_VALUE,
    MEASURE_OPTION,
    METER_RANGE,
    MIN_QUANTITY,
    MIN_VALUE,
    ORDINAL,
    UNIT,
    UNIT_OPTION,
    USUAL_RANGE,
    extension_value,
    extension_values,
    span_of,
    translated,
)
from care.domain.questionnaire.model import (
    ITEM_TYPES,
    MAX_DEPTH,
    MAX_ITEMS,
    Answer,
    Condition,
    Item,
    Option,
    Questionnaire,
    Span,
)
from care.domain.questionnaire.tools import NO_TOOLS, Tools
from care.errors import Invalid

_FHIR_TYPES_NOT_RUN = frozenset(("time", "url", "open-choice", "attachment", "reference"))
_OPERATORS = frozenset(("exists", "=", "!=", ">", "<", ">=", "<="))
_EXPECTED: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "answerBoolean": ("boolean", (bool,)),
    "answerInteger": ("integer", (int,)),
    "answerDecimal": ("decimal", (int, float)),
    "answerString": ("string", (str,)),
    "answerDate": ("date", (str,)),
    "answerDateTime": ("dateTime", (str,)),
}


def read_questionnaire(document: Mapping[str, Any], tools: Tools = NO_TOOLS) -> Questionnaire:
    """Read and check a FHIR R4 Questionnaire; `tools` are what needs more than the standard library.

    Raises Invalid; `detail` holds `place` (what to look at) and `link_id` where an item is at fault. Refused: a linkId
    twice or missing, an unknown type or operator, a choice without options, an enableWhen that points nowhere or
    runs in a circle, more than MAX_DEPTH levels or MAX_ITEMS items.
    """
    if not isinstance(document, Mapping) or document.get("resourceType") != "Questionnaire":
        raise Invalid("not-a-questionnaire", "this is not a FHIR Questionnaire", place="resourceType")
    items: list[Item] = []
    by_id: dict[str, Item] = {}
    for raw, path in _walk(document):
        item = _read_item(raw, path)
        if item.link_id in by_id:
            raise refuse("duplicate-link-id", item.link_id, "two items have this linkId")
        by_id[item.link_id] = item
        items.append(item)
    if not items:
        raise Invalid("no-items", "the questionnaire has no items", place="item")
    return Questionnaire(
        url=str(document.get("url") or ""),
        version=str(document.get("version") or ""),
        title=translated(document, "title"),
        items=tuple(items),
        by_id=by_id,
        questions=tuple(item for item in items if item.is_asked),
        sequence=_sequence(items, by_id),
    )


def refuse(code: str, link_id: str, message: str) -> Invalid:
    """The refusal of one item."""
    return Invalid(code, f"item {link_id!r}: {message}", place=link_id, link_id=link_id)


def _walk(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
    """Every item with the linkIds above it, in document order; no recursion, so that depth cannot break it."""
    stack: list[tuple[Mapping[str, Any], tuple[str, ...]]] = [
        (raw, ()) for raw in reversed(_children(document, "item"))
    ]
    count = 0
    while stack:
        raw, path = stack.pop()
        count += 1
        if count > MAX_ITEMS:
            raise Invalid("too-many-items", f"more than {MAX_ITEMS} items", place="item")
        yield raw, path
        children = _children(raw, str(raw["linkId"]))
        if children and len(path) + 1 >= MAX_DEPTH:
            raise refuse("too-deep", str(raw["linkId"]), f"items are nested deeper than {MAX_DEPTH}")
        below = (*path, str(raw["linkId"]))
        stack.extend((child, below) for child in reversed(children))


def _children(raw: Mapping[str, Any], place: str) -> list[Mapping[str, Any]]:
    children = raw.get("item", [])
    if not isinstance(children, list) or not all(isinstance(child, Mapping) for child in children):
        raise Invalid("malformed-item", "item must be a list of objects", place=place)
    return children


def _read_item(raw: Mapping[str, Any], path: tuple[str, ...]) -> Item:
    link_id = raw.get("linkId")
    if not isinstance(link_id, str) or not link_id:
        raise Invalid("no-link-id", "an item has no linkId", place=path[-1] if path else "item")
    kind = raw.get("type")
    if kind in _FHIR_TYPES_NOT_RUN or kind not in ITEM_TYPES:
        code = "unsupported-type" if kind in _FHIR_TYPES_NOT_RUN else "unknown-type"
        raise refuse(code, link_id, f"items of type {kind!r} cannot be asked")
    if kind == "group" and raw.get("repeats") is True:
        raise refuse("repeating-group", link_id, "groups that repeat cannot be asked yet")
    options = _read_options(raw, link_id) if kind == "choice" else ()
    low, high = _bound(raw, MIN_VALUE, link_id, str(kind)), _bound(raw, MAX_VALUE, link_id, str(kind))
    return Item(
        link_id=link_id,
        type=str(kind),
        text=translated(raw, "text"),
        required=_flag(raw, "required", link_id),
        repeats=_flag(raw, "repeats", link_id),
        hidden=extension_value(raw, HIDDEN) is True,
        read_only=_flag(raw, "readOnly", link_id),
        path=path,
        prefix=str(raw.get("prefix") or ""),
        options=options,
        enable_when=tuple(_read_condition(each, link_id) for each in _list(raw, "enableWhen", link_id)),
        enable_any=_enable_any(raw, link_id),
        minimum=low,
        maximum=high,
        max_length=_max_length(raw, link_id),
        units=_units(raw),
        limits=_limits(raw),
        usual=span_of(extension_value(raw, USUAL_RANGE)),
        meter=span_of(extension_value(raw, METER_RANGE)),
        code=_first_code(raw),
        context_from=str(extension_value(raw, CONTEXT_FROM) or ""),
        by_key={option.key: option for option in options},
    )


def _flag(raw: Mapping[str, Any], name: str, link_id: str) -> bool:
    value = raw.get(name, False)
    if not isinstance(value, bool):
        raise refuse("malformed-item", link_id, f"{name} must be true or false")
    return value


def _list(raw: Mapping[str, Any], name: str, link_id: str) -> list[Mapping[str, Any]]:
    value = raw.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise refuse("malformed-item", link_id, f"{name} must be a list of objects")
    return value


def _read_options(raw: Mapping[str, Any], link_id: str) -> tuple[Option, ...]:
    if raw.get("answerValueSet"):
        raise refuse("value-set-not-at-hand", link_id, "its value set is not at hand")
    options = tuple(_read_option(each, link_id) for each in _list(raw, "answerOption", link_id))
    if not options:
        raise refuse("choice-without-options", link_id, "a choice needs options")
    if len({option.key for option in options}) != len(options):
        raise refuse("duplicate-option", link_id, "two options are the same")
    return options


def _read_option(raw: Mapping[str, Any], link_id: str) -> Option:
    coding, ordinal = raw.get("valueCoding"), extension_value(raw, ORDINAL)
    if isinstance(coding, Mapping):
        text = translated(coding, "display")
        if ordinal is None:
            ordinal = extension_value(coding, ORDINAL)
        code = str(coding.get("code") or "")
        if not code and not text.get(""):
            raise refuse("malformed-option", link_id, "an option has neither code nor display")
        number = float(ordinal) if isinstance(ordinal, int | float) else None
        system, event = str(coding.get("system") or ""), extension_value(raw, MEASURE_OPTION) is True
        return Option("coding", text if text.get("") else {"": code}, code, system, number, event)
    if isinstance(raw.get("valueString"), str):
        return Option("string", translated(raw, "valueString"))
    if isinstance(raw.get("valueInteger"), int) and not isinstance(raw["valueInteger"], bool):
        return Option("integer", {"": str(raw["valueInteger"])}, ordinal=float(raw["valueInteger"]))
    raise refuse("malformed-option", link_id, "an option must be a coding, a string or an integer")


def _read_condition(raw: Mapping[str, Any], link_id: str) -> Condition:
    question, operator = raw.get("question"), raw.get("operator")
    if operator not in _OPERATORS:
        raise refuse("unknown-operator", link_id, f"enableWhen has the unknown operator {operator!r}")
    if not isinstance(question, str):
        raise refuse("malformed-enable-when", link_id, "enableWhen names no question")
    expected = _expected(raw, link_id)
    if operator == "exists" and expected.type != "boolean":
        raise refuse("malformed-enable-when", link_id, "exists needs answerBoolean")
    return Condition(question, str(operator), expected)


def _expected(raw: Mapping[str, Any], link_id: str) -> Answer:
    for name, (kind, types) in _EXPECTED.items():
        value: Any = raw.get(name)
        fits = isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))
        if fits:
            return Answer(kind, value)
    coding, quantity = raw.get("answerCoding"), raw.get("answerQuantity")
    if isinstance(coding, Mapping):
        display, code, system = (str(coding.get(name) or "") for name in ("display", "code", "system"))
        return Answer("coding", display, code=code, system=system)
    if isinstance(quantity, Mapping) and isinstance(quantity.get("value"), int | float):
        unit, code = str(quantity.get("unit") or ""), str(quantity.get("code") or quantity.get("unit") or "")
        return Answer("quantity", float(quantity["value"]), unit=unit, code=code)
    raise refuse("malformed-enable-when", link_id, "enableWhen has no answer that can be compared")


def _enable_any(raw: Mapping[str, Any], link_id: str) -> bool:
    behavior = raw.get("enableBehavior", "all")
    if behavior not in ("all", "any"):
        raise refuse("unknown-behavior", link_id, f"enableBehavior is {behavior!r}, not all or any")
    return bool(behavior == "any")


def _bound(raw: Mapping[str, Any], url: str, link_id: str, kind: str) -> float | str | None:
    value = extension_value(raw, url)
    if value is None:
        return None
    if kind in ("date", "dateTime") and isinstance(value, str):
        return value
    if kind in ("integer", "decimal", "quantity") and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise refuse("malformed-bound", link_id, "a minimum or maximum does not fit the item's type")


def _max_length(raw: Mapping[str, Any], link_id: str) -> int | None:
    value = raw.get("maxLength")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise refuse("malformed-item", link_id, "maxLength must be a positive whole number")
    return value


def _units(raw: Mapping[str, Any]) -> tuple[str, ...]:
    found = [*extension_values(raw, UNIT), *extension_values(raw, UNIT_OPTION)]
    codings = [coding for coding in found if isinstance(coding, Mapping)]
    codes = [str(coding.get("code") or coding.get("display") or "") for coding in codings]
    return tuple(dict.fromkeys(code for code in codes if code))


def _limits(raw: Mapping[str, Any]) -> Span | None:
    low, high = extension_value(raw, MIN_QUANTITY), extension_value(raw, MAX_QUANTITY)
    return span_of({"low": low, "high": high}) if low or high else None


def _first_code(raw: Mapping[str, Any]) -> str:
    codes = raw.get("code")
    first = codes[0] if isinstance(codes, list) and codes else None
    return str(first.get("code") or "") if isinstance(first, Mapping) else ""


def _sequence(items: list[Item], by_id: Mapping[str, Item]) -> tuple[Item, ...]:
    """The items in an order in which what an item depends on (parent, enableWhen questions) comes first.

    Raises Invalid for a question that is not there and for conditions that run in a circle.
    """
    waiting: dict[str, int] = {}
    dependents: dict[str, list[Item]] = {}
    for item in items:
        needs = {condition.question for condition in item.enable_when} | set(item.path[-1:])
        for needed in needs:
            if needed not in by_id:
                raise refuse("unknown-question", item.link_id, f"enableWhen points to {needed!r}, which is not there")
            dependents.setdefault(needed, []).append(item)
        waiting[item.link_id] = len(needs)
    ready = [item for item in items if waiting[item.link_id] == 0]
    for item in ready:  # grows while it is read
        for dependent in dependents.get(item.link_id, ()):
            waiting[dependent.link_id] -= 1
            if waiting[dependent.link_id] == 0:
                ready.append(dependent)
    if len(ready) != len(items):
        stuck = next(item for item in items if waiting[item.link_id])
        raise refuse("circular-enable-when", stuck.link_id, "its enableWhen conditions run in a circle")
    return tuple(ready)
