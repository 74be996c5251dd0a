"""What FHIR R4 says of an element: its type, its choices, its kind. The tables are fhirpathpy's."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

from fhirpathpy.models import models

_PATHS: dict[str, str] = models["r4"]["pathsDefinedElsewhere"]
_TYPES: dict[str, str] = models["r4"]["path2Type"]
_CHOICES: dict[str, list[str]] = models["r4"]["choiceTypePaths"]
_PARENTS: dict[str, str] = models["r4"]["type2Parent"]

PRIMITIVES = frozenset(
    (
        *("base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer"),
        *("markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid", "xhtml"),
    )
)
MOMENTS = frozenset(("date", "dateTime", "instant", "time"))
SYSTEM = frozenset(("Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"))


class Field(NamedTuple):
    """One name under which JSON may hold an element: its path, and its type where the path has one."""

    name: str
    path: str
    type: str


def _typed(suffix: str) -> str:
    lower = suffix[0].lower() + suffix[1:]
    return lower if lower in PRIMITIVES else suffix


@cache
def _choice_types() -> frozenset[str]:
    return frozenset(suffix for suffixes in _CHOICES.values() for suffix in suffixes)


@lru_cache(maxsize=4096)
def fields(path: str, name: str) -> tuple[Field, ...]:
    """Where the JSON of an element at `path` may hold its child `name`: once, or once for every type it may have.

    `value` of an answer is held in valueCoding, valueInteger …; FHIRPath says `value`, and forms in the wild also
    name the field itself. An unknown path gives the name alone.
    """
    full = _PATHS.get(f"{path}.{name}", f"{path}.{name}") if path else ""
    suffixes = _CHOICES.get(full)
    if suffixes:
        return tuple(Field(name + suffix, _typed(suffix), _typed(suffix)) for suffix in suffixes)
    kind = _TYPES.get(full, "").removeprefix("System.")
    if kind:
        return (Field(name, kind, "string" if kind == "String" else kind),)
    split = "" if path else _suffixed(name)
    if split:
        return (Field(name, split, split),)
    if name in ("extension", "modifierExtension"):
        return (Field(name, "Extension", "Extension"),)
    return (Field(name, full, "BackboneElement" if full else ""),)


def _suffixed(name: str) -> str:
    """The type that a field such as valueInteger says itself, else ""."""
    suffix = next((name[at:] for at in range(1, len(name)) if name[at:] in _choice_types()), "")
    return _typed(suffix) if suffix else ""


def open_fields(name: str, data: dict[str, Any]) -> tuple[Field, ...]:
    """For an element whose path is not known: the name itself, or the name with a type behind it."""
    if name in data or f"_{name}" in data:
        return fields("", name)
    return tuple(
        Field(key, _typed(key[len(name) :]), _typed(key[len(name) :]))
        for key in data
        if key.startswith(name) and key[len(name) :] in _choice_types()
    )


def path_of(data: dict[str, Any]) -> str:
    """The path of a JSON object that comes without one: a resource says it, the parts of forms are recognised."""
    if "resourceType" in data:
        return str(data["resourceType"])
    if "linkId" in data:
        return "Questionnaire.item" if "type" in data else "QuestionnaireResponse.item"
    if any(key.startswith("value") for key in data) and "url" not in data and "value" not in data:
        return "QuestionnaireResponse.item.answer"
    return "Extension" if "url" in data and "extension" not in data else ""


def is_a(kind: str, wanted: str) -> bool:
    """Whether a FHIR type is another one or a kind of it (Age is a Quantity, a code is a string)."""
    while kind:
        if kind == wanted:
            return True
        kind = _PARENTS.get(kind, "")
    return False


def known(kind: str) -> bool:
    """Whether FHIR R4 has a type of this name."""
    return kind in _PARENTS or kind in PRIMITIVES or kind in ("Resource", "Element", "BackboneElement")
