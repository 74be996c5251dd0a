"""One answer as FHIR R4's value[x] and back; and a document as bytes that are always the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from care.domain.questionnaire.formats import WORDS
from care.domain.questionnaire.model import Answer, Item
from care.domain.questionnaire.text import storable
from care.domain.questionnaire.units import UNITS, system_of

TYPES: Mapping[str, str] = {
    "valueBoolean": "boolean",
    "valueDecimal": "decimal",
    "valueInteger": "integer",
    "valueDate": "date",
    "valueDateTime": "dateTime",
    "valueTime": "time",
    "valueString": "string",
    "valueUri": "url",
    "valueAttachment": "attachment",
    "valueCoding": "coding",
    "valueQuantity": "quantity",
    "valueReference": "reference",
}
"""The value[x] that R4 lets an answer have, and the type of answer that each is."""
_NAMES = {kind: name for name, kind in TYPES.items()}
_COMPARATORS = ("", "<", ">", "<=", ">=")
LARGEST = 1_048_576
"""Characters: what FHIR R4 lets a string have."""


class Malformed(Exception):
    """A value that cannot be read; the text says why, without the value."""


def canonical(document: Any) -> bytes:
    """A JSON document as UTF-8 bytes that are the same whoever wrote it: keys in order, nothing between the parts.

    Raises ValueError for what JSON has no word for (NaN, a lone surrogate).
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def value_of(item: Item, answer: Answer) -> dict[str, Any]:
    """An answer as FHIR writes it: {"valueCoding": {…}}. A decimal question's whole number is a decimal."""
    if answer.type == "coding":
        option = item.option_of(answer)
        parts = {"system": option.system if option else answer.system, "code": answer.code, "display": answer.value}
        return {"valueCoding": {name: part for name, part in parts.items() if part}}
    if answer.type == "quantity":
        return {"valueQuantity": _quantity(answer)}
    if answer.type == "attachment":
        rest = content_of(answer)
        named = answer.value and answer.value not in (rest.get("url"), rest.get("contentType"))
        return {"valueAttachment": rest | ({"title": answer.value} if named else {})}
    if answer.type == "reference":
        return {"valueReference": content_of(answer) or {"reference": answer.value}}
    kind = "decimal" if item.type == "decimal" and answer.type == "integer" else answer.type
    return {_NAMES.get(kind, "valueString"): answer.value}


def _quantity(answer: Answer) -> dict[str, Any]:
    written: dict[str, Any] = {"value": answer.value}
    if answer.comparator:
        written["comparator"] = answer.comparator
    if answer.unit or answer.code:
        written["unit"] = answer.unit or answer.code
    if answer.code:
        written |= {"system": answer.system or system_of(answer.code), "code": answer.code}
    return written


def content_of(answer: Answer) -> dict[str, Any]:
    """What an attachment or a reference holds beside its value, as FHIR writes it; {} for nothing."""
    try:
        rest = json.loads(answer.content) if answer.content else {}
    except (ValueError, RecursionError):
        return {}
    return rest if isinstance(rest, dict) else {}


def answer_of(item: Item, raw: Mapping[str, Any]) -> Answer | None:
    """The answer in one entry of QuestionnaireResponse.item.answer; None when the entry has no value.

    A coding is taken with the display of its option, a bare number with the one unit that its question has, a whole
    number as a decimal where one is asked for. Raises Malformed.
    """
    named = [name for name in raw if name.startswith("value") and raw[name] is not None]
    if not named:
        return None
    kind = TYPES.get(named[0])
    if kind is None or len(named) > 1:
        raise Malformed("an answer has one value of a type that FHIR knows")
    value = raw[named[0]]
    if kind == "coding":
        return _coding_of(item, _object(value))
    if kind == "quantity":
        return _quantity_of(item, _object(value))
    if kind == "attachment":
        return _attachment_of(_object(value))
    if kind == "reference":
        return _reference_of(_object(value))
    if not fits(kind, value):
        raise Malformed(f"this is not {WORDS[kind]}")
    if isinstance(value, str):
        _text(value)
    return Answer("decimal" if item.type == "decimal" and kind == "integer" else kind, value)


def fits(kind: str, value: Any) -> bool:
    """Whether a Python value is one that this type of answer can hold; numbers are finite and of a possible size."""
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind in ("integer", "count"):
        return isinstance(value, int) and -(2**31) <= value < 2**31
    if kind in ("decimal", "quantity"):
        return isinstance(value, int | float) and abs(value) < 1e300 and isfinite(value)
    return isinstance(value, str)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed("the value must be an object")
    return value


def _text(value: Any) -> str:
    """A text that can be kept; "" for none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed("a part of the value must be a text")
    if len(value) > LARGEST or not storable(value):
        raise Malformed("a text is too long or holds characters that cannot be kept")
    return value


def _coding_of(item: Item, raw: Mapping[str, Any]) -> Answer:
    display, code, system = (_text(raw.get(part)) for part in ("display", "code", "system"))
    if not display and not code:
        raise Malformed("the coding has neither code nor display")
    given = Answer("coding", display, code=code, system=system)
    option = item.option_of(given)
    return option.answer() if option else given


def _quantity_of(item: Item, raw: Mapping[str, Any]) -> Answer:
    value, comparator = raw.get("value"), _text(raw.get("comparator"))
    if not fits("quantity", value) or comparator not in _COMPARATORS:
        raise Malformed("the quantity's value cannot be read")
    unit, code, system = (_text(raw.get(part)) for part in ("unit", "code", "system"))
    if not code and (unit in UNITS or unit in item.units):
        code = unit
    if not code and not unit and len(item.units) == 1:
        code = unit = item.units[0]
    kept = system if code and system != system_of(code) else ""
    return Answer("quantity", value, unit or code, comparator, code, kept)  # type: ignore[arg-type]  # fits looked


def _attachment_of(raw: Mapping[str, Any]) -> Answer:
    rest = _plain(raw)
    title = _text(rest.pop("title", None))
    value = title or _text(rest.get("url")) or _text(rest.get("contentType"))
    if not value and not rest.get("data"):
        raise Malformed("the file has neither name nor content")
    return Answer("attachment", value, content=canonical(rest).decode())


def _reference_of(raw: Mapping[str, Any]) -> Answer:
    whole = _plain(raw)
    value = _text(whole.get("reference")) or _text(whole.get("display"))
    if not value and not whole.get("identifier"):
        raise Malformed("the reference points to nothing")
    return Answer("reference", value, content="" if set(whole) == {"reference"} else canonical(whole).decode())


def _plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that is sound JSON: every text in it can be kept, every number written."""
    try:
        text = canonical(raw).decode()
    except (TypeError, ValueError, RecursionError):
        raise Malformed("the value cannot be written as JSON") from None
    if "\\u0000" in text or not storable(text):
        raise Malformed("a text holds characters that cannot be kept")
    found: dict[str, Any] = json.loads(text)
    return found
