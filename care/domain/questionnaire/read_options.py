"""Reading what can be chosen: answerOption, answerValueSet, and what is chosen from the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from care.domain.questionnaire.extensions import (
    MEASURE_OPTION,
    OPTION_EXCLUSIVE,
    OPTION_PREFIX,
    OPTION_REFERENCE,
    ORDINALS,
    extension_value,
    extension_values,
    language_of,
    shadow_of,
    translated,
)
from care.domain.questionnaire.model import Option
from care.domain.questionnaire.refusal import objects, refuse
from care.domain.questionnaire.tools import ValueSet

_PLAIN = {"valueDate": "date", "valueTime": "time", "valueDateTime": "dateTime", "valueUri": "url"}


def read_options(
    raw: Mapping[str, Any], link_id: str, notes: list[str]
) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    """The options listed in an item, and those of them that are chosen from the start. One listed twice counts once."""
    found: dict[tuple[str, str, str], Option] = {}
    chosen: list[Option] = []
    listed = objects(raw, "answerOption", link_id) or [
        {"valueReference": value} for value in extension_values(raw, *OPTION_REFERENCE)
    ]
    for each in listed:
        option = _option(each, link_id)
        if option.key in found:
            notes.append(f"item {link_id!r}: an option is listed twice and offered once")
            continue
        found[option.key] = option
        if each.get("initialSelected") is True:
            chosen.append(option)
    return tuple(found.values()), tuple(chosen)


def options_of(found: ValueSet) -> tuple[Option, ...]:
    """The concepts of a value set as options."""
    options: dict[tuple[str, str, str], Option] = {}
    for concept in found.concepts:
        option = _coded(concept, concept)
        texts = dict(option.text)
        for each in _designations(concept):
            texts.setdefault(each["language"], each["value"])
            texts.setdefault(language_of(each["language"]), each["value"])
        options.setdefault(option.key, Option("coding", texts, option.code, option.system, option.ordinal))
    return tuple(options.values())


def _designations(concept: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
    given = concept.get("designations")
    return given if isinstance(given, list | tuple) else ()


def _option(raw: Mapping[str, Any], link_id: str) -> Option:
    coding, reference = raw.get("valueCoding"), raw.get("valueReference")
    if isinstance(coding, Mapping):
        if not coding.get("code") and not translated(coding, "display").get(""):
            raise refuse("malformed-option", link_id, "an option has neither code nor display")
        return _coded(coding, raw)
    if isinstance(raw.get("valueString"), str):
        return Option("string", translated(raw, "valueString"), **_details(raw, shadow_of(raw, "valueString")))
    number = raw.get("valueInteger")
    if isinstance(number, int) and not isinstance(number, bool):
        details = _details(raw, shadow_of(raw, "valueInteger"))
        if details["ordinal"] is None:
            details["ordinal"] = float(number)
        return Option("integer", {"": str(number)}, **details)
    for name, kind in _PLAIN.items():
        if isinstance(raw.get(name), str):
            return Option(kind, {"": raw[name]}, **_details(raw, shadow_of(raw, name)))
    if isinstance(reference, Mapping) and isinstance(reference.get("reference"), str):
        text = translated(reference, "display") or {"": reference["reference"]}
        return Option("reference", text, reference["reference"], **_details(raw, reference))
    raise refuse("malformed-option", link_id, "an option must be a coding, a text, a number, a date or a time")


def _coded(coding: Mapping[str, Any], raw: Mapping[str, Any]) -> Option:
    code, text = str(coding.get("code") or ""), translated(coding, "display")
    shown = text if text.get("") else {"": code}
    return Option("coding", shown, code, str(coding.get("system") or ""), **_details(raw, coding))


def _details(raw: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """What extensions say of an option: they stand on the option or on its value."""
    score = extension_value(raw, *ORDINALS)
    if score is None:
        score = extension_value(value, *ORDINALS)
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    prefix = extension_value(raw, *OPTION_PREFIX) or extension_value(value, *OPTION_PREFIX)
    return {
        "ordinal": float(score) if is_number else None,
        "is_event": extension_value(raw, MEASURE_OPTION) is True,
        "prefix": prefix if isinstance(prefix, str) else "",
        "exclusive": extension_value(raw, OPTION_EXCLUSIVE) is True,
    }
