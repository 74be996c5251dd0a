"""One item of a questionnaire of FHIR STU3, R4B or R5 as R4 has it; and what real files write that no version has.

Nothing is lost: what R4 has no place for is kept as HL7's cross-version extension of the same name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.extensions import HIDDEN

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire."

Fields = dict[str, Any]
Counts = Counter[str]

_LISTS = ("item", "extension", "modifierExtension", "code", "enableWhen", "answerOption", "option", "initial")
_VALUE_TYPES = (
    *("Boolean", "Integer", "Decimal", "String", "Coding", "Date", "DateTime", "Time", "Uri", "Quantity"),
    *("Attachment", "Reference"),
)
_SEVERAL = (_CORE + "questionnaire-minOccurs", _CORE + "questionnaire-maxOccurs")
_OLD_SDC = ("http://hl7.org/fhir/us/sdc/StructureDefinition/sdc-questionnaire-", _CORE + "sdc-questionnaire-")
_RENAMED = {
    **dict.fromkeys(
        (_CORE + "questionnaire-ordinalValue", _CORE + "iso21090-CO-value", _CORE + "valueset-ordinalValue"),
        _CORE + "ordinalValue",
    ),
    **{
        f"{_CORE}questionnaire-{name}": _SDC + name
        for name in ("calculatedExpression", "initialExpression", "enableWhenExpression", "answerExpression")
    },
}
_FIRST_CLASS: Mapping[str, tuple[str, str]] = {
    "hidden": (HIDDEN, "valueBoolean"),
    "itemControl": (_CORE + "questionnaire-itemControl", "valueCodeableConcept"),
    "unit": (_CORE + "questionnaire-unit", "valueCoding"),
    "unitOption": (_CORE + "questionnaire-unitOption", "valueCoding"),
    "variable": (_CORE + "variable", "valueExpression"),
    **{
        name: (_SDC + name, "valueExpression")
        for name in ("calculatedExpression", "initialExpression", "enableWhenExpression", "answerExpression")
    },
}
"""What some servers write as an element of its own where FHIR has an extension."""


def converted_form(raw: Mapping[str, Any], counts: Counts) -> Fields:
    """The elements of the form itself; its items are left as they are."""
    found = _with_lists(raw, ("item", "extension", "modifierExtension", "code", "contained"), counts)
    found = _first_class(found, counts, only=("variable",))
    for name in [each for each in found if each == "copyrightLabel" or each.startswith("versionAlgorithm")]:
        _set_aside(found, name, counts)
    return _extensions(found, counts)


def converted_item(raw: Mapping[str, Any], counts: Counts) -> Fields:
    """One item; what is below it is left as it is. `counts` grows by what was changed, in plain words."""
    found = _with_lists(raw, _LISTS, counts)
    found = _extensions(_first_class(found, counts), counts)
    for step in (_options, _option_set, _initial, _typed, _conditions, _repeated):
        step(found, counts)
    return found


def _with_lists(raw: Mapping[str, Any], names: tuple[str, ...], counts: Counts) -> Fields:
    """A copy, in which one object where a list of them belongs is a list of one."""
    found = dict(raw)
    for name in names:
        if isinstance(found.get(name), Mapping):
            found[name] = [found[name]]
            counts[f"{name} was one object, not a list"] += 1
    return found


def _first_class(found: Fields, counts: Counts, only: tuple[str, ...] = tuple(_FIRST_CLASS)) -> Fields:
    for name in only:
        url, kind = _FIRST_CLASS[name]
        value = found.get(name)
        each = value if isinstance(value, list) else [value]
        if name not in found or not all(isinstance(one, Mapping | bool) for one in each):
            continue
        del found[name]
        _extend(found, [{"url": url, kind: one} for one in each])
        counts[f"{name} was an element, not the extension"] += 1
    return found


def _extensions(found: Fields, counts: Counts) -> Fields:
    """Extensions under their R4 names, on the element itself; a formula as an Expression, not as a string."""
    if isinstance(found.get("extension"), list):
        found["extension"] = [_extension(each, counts) for each in found["extension"]]
    return found


def _extension(raw: Any, counts: Counts) -> Any:
    url = raw.get("url") if isinstance(raw, Mapping) else None
    if not isinstance(url, str):
        return raw
    name = _RENAMED.get(url, url)
    for old in _OLD_SDC:
        name = _SDC + name.removeprefix(old) if name.startswith(old) else name
    if name != url:
        counts["an extension has its R4 name now"] += 1
    is_text = name.startswith(_SDC) and name.endswith("Expression") and isinstance(raw.get("valueString"), str)
    if not is_text:
        return raw if name == url else {**raw, "url": name}
    counts["a formula was a string, not an Expression"] += 1
    rest = {key: value for key, value in raw.items() if key != "valueString"}
    return {**rest, "url": name, "valueExpression": {"language": "text/fhirpath", "expression": raw["valueString"]}}


def _options(found: Fields, counts: Counts) -> None:
    """STU3's option is answerOption; options carry their ordinals under the R4 name."""
    if isinstance(found.get("option"), list) and "answerOption" not in found:
        found["answerOption"] = found.pop("option")
        counts["option (STU3) is answerOption"] += 1
    if isinstance(found.get("answerOption"), list):
        found["answerOption"] = [_option(each, counts) for each in found["answerOption"]]


def _option(raw: Any, counts: Counts) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    made = _extensions(_plain_value(dict(raw), "value", counts), counts)
    coding = made.get("valueCoding")
    if isinstance(coding, Mapping) and "extension" in coding:
        made["valueCoding"] = _extensions(dict(coding), counts)
    return made


def _option_set(found: Fields, counts: Counts) -> None:
    """STU3's options is answerValueSet: a Reference (or its text) to a canonical."""
    options = found.get("options")
    target = options.get("reference") if isinstance(options, Mapping) else options
    if isinstance(target, str) and "answerValueSet" not in found:
        del found["options"]
        found["answerValueSet"] = target
        if isinstance(options, Mapping) and isinstance(options.get("display"), str):
            found["_answerValueSet"] = {"extension": [{"url": _CORE + "display", "valueString": options["display"]}]}
        counts["options (STU3) is answerValueSet"] += 1


def _initial(found: Fields, counts: Counts) -> None:
    """STU3's initial[x] is a list of values."""
    for kind in _VALUE_TYPES:
        if f"initial{kind}" in found and "initial" not in found:
            found["initial"] = [{f"value{kind}": found.pop(f"initial{kind}")}]
            counts["initial[x] (STU3) is initial"] += 1
    if isinstance(found.get("initial"), list):
        values = found["initial"]
        found["initial"] = [
            _plain_value(dict(one), "value", counts) if isinstance(one, Mapping) else one for one in values
        ]


def _typed(found: Fields, counts: Counts) -> None:
    """R5's coding and its answerConstraint, and STU3's question with options, are choice or open-choice."""
    kind, constraint = found.get("type"), found.get("answerConstraint")
    has_options = bool(found.get("answerOption") or found.get("answerValueSet"))
    is_open = constraint in ("optionsOrType", "optionsOrString")
    if constraint == "optionsOrType" and kind not in ("coding", "string", "text"):
        is_open = has_options = False  # the options are suggestions: any value of the type may be given
    for name in ("answerConstraint", "disabledDisplay"):
        if name in found:
            _set_aside(found, name, counts)
    if kind == "coding" or (kind == "question" and has_options):
        found["type"] = "open-choice" if is_open else "choice"
        counts[f"type {kind} is {found['type']}"] += 1
    elif constraint is not None and has_options and kind not in ("choice", "open-choice", "group", "display"):
        found["type"] = "open-choice" if is_open else "choice"
        counts[f"type {kind} with options is {found['type']}"] += 1


def _repeated(found: Fields, counts: Counts) -> None:
    """What must or may have several answers repeats (an invariant of both extensions)."""
    for each in found.get("extension") or () if isinstance(found.get("extension"), list) else ():
        several = isinstance(each, Mapping) and each.get("url") in _SEVERAL and _several(each.get("valueInteger"))
        if several and "repeats" not in found and found.get("type") != "display":
            found["repeats"] = True
            counts["several answers are wanted, so it repeats"] += 1


def _several(count: Any) -> bool:
    return isinstance(count, int) and count > 1


def _conditions(found: Fields, counts: Counts) -> None:
    conditions = found.get("enableWhen")
    if not isinstance(conditions, list):
        return
    found["enableWhen"] = [_condition(one, counts) for one in conditions]
    if len(conditions) > 1 and "enableBehavior" not in found:
        found["enableBehavior"] = "any"
        counts["several enableWhen without enableBehavior: any of them"] += 1


def _condition(raw: Any, counts: Counts) -> Any:
    """STU3 has hasAnswer for exists, and no operator where it means =."""
    if not isinstance(raw, Mapping):
        return raw
    found = _plain_value(dict(raw), "answer", counts)
    answers = [name for name in found if name.startswith("answer")]
    if "operator" not in found and "hasAnswer" in found and not answers:
        found |= {"operator": "exists", "answerBoolean": found.pop("hasAnswer")}
        counts["hasAnswer (STU3) is the operator exists"] += 1
    elif "operator" not in found and answers:
        found["operator"] = "="
        counts["enableWhen without an operator (STU3): ="] += 1
    return found


def _plain_value(found: Fields, stem: str, counts: Counts) -> Fields:
    """`value: {"string": "a"}` or `value: true`, as some write it, is valueString and valueBoolean."""
    value = found.get(stem)
    if isinstance(value, bool):
        value = {"boolean": value}
    if isinstance(value, Mapping) and len(value) == 1:
        kind, inner = next(iter(value.items()))
        kind = str(kind)[:1].upper() + str(kind)[1:]
        if kind in _VALUE_TYPES:
            del found[stem]
            found[stem + kind] = inner
            counts[f"{stem} without its type is {stem}{kind}"] += 1
    return found


def _set_aside(found: Fields, name: str, counts: Counts) -> None:
    """Keep an element that R4 has not as the cross-version extension of R5."""
    stem = "versionAlgorithm" if name.startswith("versionAlgorithm") else name
    kind = {"answerConstraint": "Code", "disabledDisplay": "Code", "copyrightLabel": "String"}.get(name, "")
    kind = kind or name.removeprefix(stem)
    path = stem if stem in ("versionAlgorithm", "copyrightLabel") else f"item.{stem}"
    _extend(found, [{"url": _R5 + path, f"value{kind}": found.pop(name)}])
    counts[f"{stem} (R5) is kept as an extension"] += 1


def _extend(found: Fields, extensions: list[Fields]) -> None:
    known = found.get("extension", [])
    found["extension"] = [*(known if isinstance(known, list) else [known]), *extensions]
