"""The FHIR extensions that are read, and how: translations, units, bounds, ordinal values, and four of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.model import Span, Text

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_OLDER_SDC = "http://hl7.org/fhir/us/sdc/StructureDefinition/"
_OWN = "https://care.invalid/fhir/StructureDefinition/"


def _sdc(name: str) -> tuple[str, ...]:
    """The urls of an SDC extension: as it is now, and as it was in the guide before."""
    full = "sdc-questionnaire-" + name
    return (_SDC + full, _OLDER_SDC + full, _CORE + full, _CORE + "questionnaire-" + name)


TRANSLATION = _CORE + "translation"
HIDDEN = _CORE + "questionnaire-hidden"
CONTROL = _CORE + "questionnaire-itemControl"
CATEGORY = _CORE + "questionnaire-displayCategory"
UNIT = _CORE + "questionnaire-unit"
UNIT_OPTION = _CORE + "questionnaire-unitOption"
UNIT_SET = _CORE + "questionnaire-unitValueSet"
ORDINAL = _CORE + "ordinalValue"
ITEM_WEIGHT = _CORE + "itemWeight"
ORDINALS = (ORDINAL, ITEM_WEIGHT, _SDC + "itemWeight", _CORE + "questionnaire-ordinalValue")
OPTION_PREFIX = (_CORE + "questionnaire-optionPrefix", _SDC + "sdc-questionnaire-optionPrefix")
OPTION_EXCLUSIVE = _CORE + "questionnaire-optionExclusive"
MIN_VALUE = _CORE + "minValue"
MAX_VALUE = _CORE + "maxValue"
MIN_QUANTITY = _SDC + "sdc-questionnaire-minQuantity"
MAX_QUANTITY = _SDC + "sdc-questionnaire-maxQuantity"
MIN_LENGTH = _CORE + "minLength"
REGEX = _CORE + "regex"
ENTRY_FORMAT = _CORE + "entryFormat"
MAX_DECIMALS = _CORE + "maxDecimalPlaces"
MIN_OCCURS = _CORE + "questionnaire-minOccurs"
MAX_OCCURS = _CORE + "questionnaire-maxOccurs"
SLIDER_STEP = _CORE + "questionnaire-sliderStepValue"
MAX_SIZE = _CORE + "maxSize"
MIME_TYPE = _CORE + "mimeType"
RESOURCES = (_CORE + "questionnaire-referenceResource", _CORE + "questionnaire-allowedResource")
VALIDATION_TEXT = ("http://ehelse.no/fhir/StructureDefinition/validationtext",)
OPTION_REFERENCE = ("http://ehelse.no/fhir/StructureDefinition/sdf-optionReference",)
SHORT_TEXT = _sdc("shortText")

CALCULATED = (
    *_sdc("calculatedExpression"),
    "http://ehelse.no/fhir/StructureDefinition/sdf-calculatedExpression",  # the same, as the Norwegian forms have it
)
ENABLE_EXPRESSION = _sdc("enableWhenExpression")
INITIAL_EXPRESSION = _sdc("initialExpression")
ANSWER_EXPRESSION = _sdc("answerExpression")
TOGGLE = _sdc("answerOptionsToggleExpression")
SUB_QUESTIONNAIRE = _sdc("subQuestionnaire")
ADAPTIVE = _sdc("questionnaireAdaptive")
VARIABLE = (_CORE + "variable",)
TEXT_EXPRESSION = _CORE + "cqf-expression"
COMPUTED_VALUE = (TEXT_EXPRESSION, _CORE + "cqf-calculatedValue")
CONSTRAINTS = (_CORE + "questionnaire-constraint", _CORE + "targetConstraint", *_sdc("targetConstraint"))

USUAL_RANGE = _OWN + "usual-range"
"""valueRange: where real values lie; a number without a unit is taken only if this leaves one unit possible."""
METER_RANGE = _OWN + "meter-range"
"""valueRange: what the patient's device can show. Lo, Hi and values below it become a comparator and the limit."""
MEASURE_OPTION = _OWN + "measure-option"
"""valueBoolean, on an answerOption: choosing it is an event, measured under the option's own code."""
CONTEXT_FROM = _OWN + "measure-context"
"""valueString: linkId of the choice that refines this item's measure, for example before breakfast."""


def extensions_of(element: Mapping[str, Any], *urls: str) -> list[Mapping[str, Any]]:
    """All extensions with one of these urls, in order."""
    extensions = element.get("extension")
    if not isinstance(extensions, list):
        return []
    return [each for each in extensions if isinstance(each, Mapping) and each.get("url") in urls]


def extension_values(element: Mapping[str, Any], *urls: str) -> list[Any]:
    """The values of all extensions with one of these urls, in order."""
    return [_value(each) for each in extensions_of(element, *urls)]


def extension_value(element: Mapping[str, Any], *urls: str) -> Any:
    """The value of the first extension with one of these urls, or None."""
    return next(iter(extension_values(element, *urls)), None)


def _value(extension: Mapping[str, Any]) -> Any:
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def shadow_of(element: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What stands beside a plain value in FHIR's JSON: the object `_name`, with its extensions; {} without one."""
    shadow = element.get("_" + name)
    return shadow if isinstance(shadow, Mapping) else {}


def translated(element: Mapping[str, Any], name: str) -> Text:
    """element[name] as written (key "") with its translations (extension on _name); {} when there is none."""
    written = element.get(name)
    if not isinstance(written, str):
        return {}
    texts = {"": written}
    for each in extensions_of(shadow_of(element, name), TRANSLATION):
        language, content = extension_value(each, "lang"), extension_value(each, "content")
        if isinstance(language, str) and isinstance(content, str):
            texts[language] = content
            texts.setdefault(language_of(language), content)
    return texts


def language_of(tag: str) -> str:
    """A language tag as Care names its languages: en-GB is en, zh-TW is zh-Hant; what it has not stays as it is."""
    first, *rest = tag.replace("_", "-").split("-")
    if first.casefold() in ("zh", "yue", "cmn"):
        traditional = {"hant", "tw", "hk", "mo"} & {part.casefold() for part in rest} or first.casefold() == "yue"
        return "zh-Hant" if traditional and "hans" not in tag.casefold() else "zh-Hans"
    return "en" if first.casefold() == "en" else tag


def span_of(value: Any) -> Span | None:
    """A Span from a FHIR Range (low and high are quantities); None when there is none."""
    if not isinstance(value, Mapping):
        return None
    low, high = (end if isinstance(end, Mapping) else {} for end in (value.get("low"), value.get("high")))
    unit = str(low.get("code") or high.get("code") or "")
    return Span(_number(low.get("value")), _number(high.get("value")), unit)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
