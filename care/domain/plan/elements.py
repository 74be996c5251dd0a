"""Elements of a FHIR document, each read with its place: what is wrong is refused, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from care.errors import Invalid

EXTENSIONS = "https://care.invalid/fhir/StructureDefinition/"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"

Extensions = dict[str, list[tuple[Mapping[str, Any], str]]]

_DURATIONS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "wk": timedelta(weeks=1)}


def object_at(value: object, place: str) -> Mapping[str, Any]:
    """The value, which is an object. Raises Invalid("not-an-object")."""
    if not isinstance(value, Mapping):
        raise Invalid("not-an-object", "an object is missing here", place=place)
    return value


def list_at(holder: Mapping[str, Any], name: str, place: str) -> list[Any]:
    """The list of this name, empty when there is none. Raises Invalid("not-a-list")."""
    value = holder.get(name, [])
    if not isinstance(value, list):
        raise Invalid("not-a-list", "a list belongs here", place=f"{place}.{name}".lstrip("."))
    return value


def whole(value: object, place: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`. Raises Invalid("bad-number")."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not least <= number <= most or number != int(number):
        raise Invalid("bad-number", f"a whole number from {least} to {most} is missing here", place=place)
    return int(number)


def text_at(holder: Mapping[str, Any], name: str, place: str) -> str:
    """The text of this name, which is not blank. Raises Invalid("missing")."""
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}".lstrip("."))
    return value


def pinned(value: object, place: str) -> str:
    """A canonical with its version, url|version. Raises Invalid("missing-definition" or "unpinned-definition")."""
    if not isinstance(value, str) or not value:
        raise Invalid("missing-definition", "the questionnaire is missing", place=place)
    url, bar, version = value.partition("|")
    if not (url and bar and version):
        raise Invalid("unpinned-definition", "a questionnaire is named with its version: url|version", place=place)
    return value


def translated(holder: Mapping[str, Any], name: str, place: str, required: bool = True) -> dict[str, str]:
    """A text in its languages: the element itself is English, FHIR's translation extension has the others."""
    if not required and name not in holder:
        return {}
    texts = {"en": text_at(holder, name, place)}
    beside = holder.get(f"_{name}", {})
    at = f"{place}._{name}".lstrip(".")
    for extension in list_at(object_at(beside, at), "extension", at):
        if isinstance(extension, Mapping) and extension.get("url") == TRANSLATION:
            parts = {
                str(part.get("url")): part for part in list_at(extension, "extension", at) if isinstance(part, Mapping)
            }
            language = parts.get("lang", {}).get("valueCode")
            content = parts.get("content", {}).get("valueString")
            if not isinstance(language, str) or not isinstance(content, str):
                raise Invalid("bad-translation", "a translation has lang and content", place=at)
            texts[language] = content
    return texts


def extensions(holder: Mapping[str, Any], place: str, known: tuple[str, ...]) -> Extensions:
    """Our own extensions of an element by short name, each with its place. One we do not know is refused."""
    found: Extensions = {}
    for number, extension in enumerate(list_at(holder, "extension", place)):
        at = f"{place}.extension[{number}]".lstrip(".")
        url = text_at(object_at(extension, at), "url", at)
        if url.startswith(EXTENSIONS):
            name = url.removeprefix(EXTENSIONS)
            if name not in known:
                raise Invalid("unknown-extension", "this extension is not known here", place=at)
            found.setdefault(name, []).append((extension, at))
    return found


def extension_text(extension: Mapping[str, Any], place: str) -> str:
    """The valueString of an extension. Raises Invalid("missing")."""
    return text_at(extension, "valueString", place)


def extension_duration(extension: Mapping[str, Any], place: str) -> timedelta:
    """The valueDuration of an extension, in min, h, d or wk. Raises Invalid("bad-duration" or "bad-number")."""
    place = f"{place}.valueDuration"
    duration = object_at(extension.get("valueDuration"), place)
    unit = str(duration.get("code", duration.get("unit")))
    if unit not in _DURATIONS:
        raise Invalid("bad-duration", "a duration is counted in min, h, d or wk", place=f"{place}.code")
    return whole(duration.get("value"), f"{place}.value", 1, 24 * 366) * _DURATIONS[unit]


def extension_code(own: Extensions, name: str, default: str, allowed: tuple[str, ...]) -> Any:
    """The valueCode of the extension of this name, or `default`. Raises Invalid("unknown-<name>")."""
    for extension, place in own.get(name, ()):
        code = extension.get("valueCode")
        if code not in allowed:
            raise Invalid(f"unknown-{name}", f"{name} is one of {', '.join(allowed)}", place=f"{place}.valueCode")
        return code
    return default
