"""The FHIR extensions that are read, and how: translations, units, bounds, ordinal values, and four of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.model import Span, Text

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_OWN = "https://care.invalid/fhir/StructureDefinition/"

TRANSLATION = _CORE + "translation"
HIDDEN = _CORE + "questionnaire-hidden"
UNIT = _CORE + "questionnaire-unit"
UNIT_OPTION = _CORE + "questionnaire-unitOption"
ORDINAL = _CORE + "ordinalValue"
MIN_VALUE = _CORE + "minValue"
MAX_VALUE = _CORE + "maxValue"
MIN_QUANTITY = _SDC + "sdc-questionnaire-minQuantity"
MAX_QUANTITY = _SDC + "sdc-questionnaire-maxQuantity"

USUAL_RANGE = _OWN + "usual-range"
"""valueRange: where real values lie; a number without a unit is taken only if this leaves one unit possible."""
METER_RANGE = _OWN + "meter-range"
"""valueRange: what the patient's device can show. Lo, Hi and values below it become a comparator and the limit."""
MEASURE_OPTION = _OWN + "measure-option"
"""valueBoolean, on an answerOption: choosing it is an event, measured under the option's own code."""
CONTEXT_FROM = _OWN + "measure-context"
"""valueString: linkId of the choice that refines this item's measure, for example before breakfast."""


def extension_values(element: Mapping[str, Any], url: str) -> list[Any]:
    """The values of all extensions with this url, in order."""
    extensions = element.get("extension")
    if not isinstance(extensions, list):
        return []
    return [_value(each) for each in extensions if isinstance(each, Mapping) and each.get("url") == url]


def extension_value(element: Mapping[str, Any], url: str) -> Any:
    """The value of the first extension with this url, or None."""
    return next(iter(extension_values(element, url)), None)


def _value(extension: Mapping[str, Any]) -> Any:
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def translated(element: Mapping[str, Any], name: str) -> Text:
    """element[name] as written (key "") with its translations (extension on _name); {} when there is none."""
    written = element.get(name)
    if not isinstance(written, str):
        return {}
    texts = {"": written}
    shadow = element.get("_" + name)
    extensions = shadow.get("extension") if isinstance(shadow, Mapping) else None
    for each in extensions if isinstance(extensions, list) else ():
        if isinstance(each, Mapping) and each.get("url") == TRANSLATION:
            language, content = extension_value(each, "lang"), extension_value(each, "content")
            if isinstance(language, str) and isinstance(content, str):
                texts[language] = content
    return texts


def span_of(value: Any) -> Span | None:
    """A Span from a FHIR Range (low and high are quantities); None when there is none."""
    if not isinstance(value, Mapping):
        return None
    low, high = value.get("low") or {}, value.get("high") or {}
    unit = str(low.get("code") or high.get("code") or "")
    return Span(_number(low.get("value")), _number(high.get("value")), unit)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
