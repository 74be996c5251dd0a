"""Reading what keeps an answer within bounds: smallest and largest, lengths, decimals, how often, units, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire import extensions as ext
from care.domain.questionnaire.extensions import extension_value, extension_values, span_of
from care.domain.questionnaire.formats import is_date_time, is_time
from care.domain.questionnaire.model import Span
from care.domain.questionnaire.refusal import refuse, whole
from care.domain.questionnaire.value_sets import Find

_NUMBERS = frozenset(("integer", "decimal", "quantity"))
_WRITTEN = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_MOMENTS = frozenset(("date", "dateTime", "time"))


def read_limits(raw: Mapping[str, Any], link_id: str, kind: str, find: Find, notes: list[str]) -> dict[str, Any]:
    """The limits of an item, by the names of the Item's fields. Raises Invalid: malformed-bound, malformed-item."""
    step = extension_value(raw, ext.SLIDER_STEP)
    size = extension_value(raw, ext.MAX_SIZE)
    units = _units(raw)
    return {
        "minimum": _bound(raw, ext.MIN_VALUE, link_id, kind, notes),
        "maximum": _bound(raw, ext.MAX_VALUE, link_id, kind, notes),
        "max_length": whole(raw.get("maxLength"), "maxLength", link_id, 1),
        "min_length": whole(extension_value(raw, ext.MIN_LENGTH), "minLength", link_id),
        "max_decimals": whole(extension_value(raw, ext.MAX_DECIMALS), "maxDecimalPlaces", link_id),
        "min_occurs": whole(extension_value(raw, ext.MIN_OCCURS), "minOccurs", link_id),
        "max_occurs": whole(extension_value(raw, ext.MAX_OCCURS), "maxOccurs", link_id),
        "slider_step": float(step) if _is_number(step) and step > 0 else None,
        "units": units,
        "unit_set": _unit_set(raw, find) if not units else None,
        "limits": _limits(raw),
        "media": tuple(value for value in extension_values(raw, ext.MIME_TYPE) if isinstance(value, str)),
        "max_size": _bytes(size),
        "resources": tuple(value for value in extension_values(raw, *ext.RESOURCES) if isinstance(value, str)),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bound(raw: Mapping[str, Any], url: str, link_id: str, kind: str, notes: list[str]) -> float | str | None:
    found = ext.extensions_of(raw, url)
    value = extension_value(raw, url)
    if found and value is None and any(name.startswith("_value") for name in found[0]):
        return None  # it is computed: read_expressions
    if found and value is None:
        raise refuse("malformed-bound", link_id, "a minimum or maximum has no value")
    if value is None:
        return None
    if kind in _MOMENTS and isinstance(value, str) and _is_moment(value):
        return value
    if kind in _NUMBERS and isinstance(value, Mapping) and _is_number(value.get("value")):
        value = value["value"]
    if kind in _NUMBERS and isinstance(value, str) and _WRITTEN.fullmatch(value):
        notes.append(f"item {link_id!r}: a minimum or maximum is written as a text and read as a number")
        value = float(value)
    if kind in _NUMBERS and _is_number(value):
        return float(value)
    if kind not in _NUMBERS | _MOMENTS:
        notes.append(f"item {link_id!r}: a minimum or maximum means nothing for a {kind} and is left out")
        return None
    raise refuse("malformed-bound", link_id, "a minimum or maximum does not fit the item's type")


def _is_moment(text: str) -> bool:
    return is_date_time(text) or is_time(text) or is_time(f"{text}:00")


def _units(raw: Mapping[str, Any]) -> tuple[str, ...]:
    codings = [one for one in extension_values(raw, ext.UNIT, ext.UNIT_OPTION) if isinstance(one, Mapping)]
    codes = [str(coding.get("code") or coding.get("display") or "") for coding in codings]
    return tuple(dict.fromkeys(code for code in codes if code))


def _unit_set(raw: Mapping[str, Any], find: Find) -> frozenset[tuple[str, str]] | None:
    """The units of the value set that the item names; None where there is none at hand, and any unit will do."""
    canonical = extension_value(raw, ext.UNIT_SET)
    found = find(canonical) if isinstance(canonical, str) else None
    if found is None:
        return None
    return frozenset((str(one.get("system") or ""), str(one.get("code") or "")) for one in found.concepts)


def _limits(raw: Mapping[str, Any]) -> Span | None:
    low, high = extension_value(raw, ext.MIN_QUANTITY), extension_value(raw, ext.MAX_QUANTITY)
    return span_of({"low": low, "high": high}) if low or high else None


def _bytes(size: Any) -> float | None:
    """maxSize was in megabytes at first and is in bytes by now; nobody limits a file to less than a thousand bytes."""
    if not _is_number(size) or size <= 0:
        return None
    return float(size) * (1_000_000 if size < 1_000 else 1)
