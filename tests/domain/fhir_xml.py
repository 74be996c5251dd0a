"""FHIR's XML as FHIR's JSON, as far as forms and their responses go: the published suites use both."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

_FHIR = "{http://hl7.org/fhir}"
_LISTS = frozenset(
    ("item", "answer", "extension", "modifierExtension", "enableWhen", "answerOption", "option", "contained", "coding")
) | {"subjectType", "profile", "derivedFrom", "useContext", "include", "concept", "contact", "telecom", "initial"}
_PLAIN = frozenset(("required", "repeats", "readOnly", "initialSelected", "maxLength", "hasAnswer", "experimental"))
_NUMBERS = frozenset(("Boolean", "Integer", "Decimal", "PositiveInt", "UnsignedInt"))


def document(text: str) -> dict[str, Any]:
    """The resource in a FHIR XML text."""
    root = ElementTree.fromstring(text)
    return {"resourceType": root.tag.removeprefix(_FHIR), **_object(root)}


def _object(element: ElementTree.Element) -> dict[str, Any]:
    found: dict[str, Any] = {"url": element.attrib["url"]} if "url" in element.attrib else {}
    for child in element:
        name = child.tag.removeprefix(_FHIR)
        if name.startswith("{") or (name == "text" and "value" not in child.attrib):
            continue
        value = _value(name, child, element)
        if name in _LISTS or (name in ("code", "identifier") and isinstance(value, dict)):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _value(name: str, element: ElementTree.Element, above: ElementTree.Element) -> Any:
    plain = element.attrib.get("value")
    if plain is None:
        if name == "contained":
            return {"resourceType": element[0].tag.removeprefix(_FHIR), **_object(element[0])}
        return _object(element)
    of_quantity = name == "value" and above.tag.endswith("Quantity")
    if name in _PLAIN or of_quantity or any(name in (f"value{kind}", f"answer{kind}") for kind in _NUMBERS):
        return json.loads(plain)
    return plain
