"""A FHIR Questionnaire as somebody brings it: bytes to a form that can be run, or a refusal in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from care.domain.questionnaire import Questionnaire, read_questionnaire
from care.domain.questionnaire.convert import to_r4
from care.domain.questionnaire.text import storable
from care.errors import Invalid
from care.library.tools import questionnaire_tools
from care.services.content import read_form

LARGEST = 1024 * 1024
"""Bytes. The largest of several hundred real forms has 400,000."""
DEEPEST = 100
"""Levels of JSON; 20 levels of items are 40 of these, and an extension has a few of its own."""
_LARGEST_NUMBER = 1e300
_KINDS = ("Questionnaire", "Bundle", "Parameters")
_MANY = 20  # refusals that are told at once
_PATIENCE = 4_000  # items read again, in all, to find what else is wrong


@dataclass(frozen=True, slots=True)
class Reading:
    """A form that was read: its document as FHIR R4, what had to be changed for that, and the form itself."""

    document: dict[str, Any]
    notes: tuple[str, ...]
    questionnaire: Questionnaire


def read_file(source: bytes) -> Reading:
    """Read one file. Raises Invalid; `detail` has link_id where an item is at fault, and `refusals`: all that is known
    to be wrong, each {code, link_id, message}.
    """
    document, notes = to_r4(document_of(source))
    try:
        return Reading(document, notes, read_form(document))
    except Invalid as first:
        found = [_told(first), *_others(document, first)]
        raise Invalid(first.code, first.message, **{**first.detail, "refusals": found}) from None


def read_to_judge(document: Mapping[str, Any]) -> Questionnaire:
    """The form in a document of any FHIR version, read only to judge the responses of others by it. Raises Invalid."""
    return read_questionnaire(to_r4(document)[0], questionnaire_tools(), to_run=False)


def document_of(source: bytes) -> dict[str, Any]:
    """The FHIR resource in these bytes that is or holds a questionnaire. Raises Invalid: as json_of, and
    not-a-questionnaire.
    """
    document = json_of(source)
    if document.get("resourceType") not in _KINDS:
        raise Invalid("not-a-questionnaire", _what_it_is(document), place="file")
    return document


def json_of(source: bytes) -> dict[str, Any]:
    """The JSON object in these bytes. Raises Invalid: too-large, not-utf-8, empty, xml, not-json, too-deep …"""
    if len(source) > LARGEST:
        raise Invalid("too-large", "the file is larger than a megabyte", place="file")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("not-utf-8", "the file is not UTF-8 text", place="file") from None
    if not text.strip():
        raise Invalid("empty", "the file is empty", place="file")
    if text.lstrip().startswith("<"):
        raise Invalid("xml", "this is XML or a web page; bring the questionnaire as FHIR JSON", place="file")
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise Invalid("too-deep", "the file is nested deeper than any form", place="file") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise Invalid("not-json", f"the file is not JSON: it cannot be read from {at} on", place="file") from None
    except ValueError:
        raise Invalid("not-json", "the file is not JSON: it holds a number that is none", place="file") from None
    if not isinstance(document, dict):
        raise Invalid("not-a-questionnaire", _what_it_is(document), place="file")
    _check_parts(document)
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Invalid("key-twice", f"{key[:60]!r} stands twice in one object: one would be lost", place="file")
        found[key] = value
    return found


def _no_number(_: str) -> Any:
    raise ValueError


def _what_it_is(document: Any) -> str:
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if isinstance(kind, str) and kind:
        return f"this is a FHIR {kind[:60]}, not a Questionnaire"
    return "this is JSON, but not a FHIR Questionnaire"


def _check_parts(document: Any) -> None:
    """Nothing in it that a database cannot keep, and nothing nested without end."""
    waiting = [(document, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise Invalid("too-deep", "the file is nested deeper than any form", place="file")
        if isinstance(part, dict):
            waiting.extend((each, depth + 1) for pair in part.items() for each in pair)
        elif isinstance(part, list):
            waiting.extend((each, depth + 1) for each in part)
        elif isinstance(part, str) and not storable(part):
            raise Invalid("control-character", "the file holds characters that cannot be kept", place="file")
        elif isinstance(part, int | float) and abs(part) > _LARGEST_NUMBER:
            raise Invalid("not-json", "the file holds a number that is too large", place="file")


# -- what else is wrong -----------------------------------------------------------------------------------------------


def _told(refused: Invalid) -> dict[str, str]:
    return {"code": refused.code, "link_id": str(refused.detail.get("link_id") or ""), "message": refused.message}


def _others(document: Mapping[str, Any], first: Invalid) -> list[dict[str, str]]:
    """Further refusals: each item at fault is put aside in a copy, which is read again."""
    copy = deepcopy(dict(document))
    items = list(_items(copy))
    rounds = min(_MANY - 1, _PATIENCE // max(len(items), 1))
    found: list[dict[str, str]] = []
    seen: set[tuple[str, str]] = set()
    last = first
    for _ in range(rounds):
        key = (last.code, str(last.detail.get("link_id") or ""))
        if not key[1] or key in seen or not _put_aside(items, *key):
            break
        seen.add(key)
        try:
            read_form(copy)
            break
        except Invalid as refused:
            last = refused
            if (last.code, str(last.detail.get("link_id") or "")) not in seen:
                found.append(_told(last))
    return found


def _items(document: Any) -> Iterator[dict[str, Any]]:
    waiting = [document]
    while waiting:
        below = waiting.pop().get("item")
        children = [each for each in below if isinstance(each, dict)] if isinstance(below, list) else []
        yield from children
        waiting.extend(children)


def _put_aside(items: list[dict[str, Any]], code: str, link_id: str) -> bool:
    """Leave of the item its name, its words and what is below it; of a name that stands twice, leave one."""
    same = [item for item in items if item.get("linkId") == link_id]
    if code == "duplicate-link-id":
        for number, item in enumerate(same[1:], start=2):
            item["linkId"] = f"{link_id} ({number})"
        return len(same) > 1
    for item in same:
        kept = {name: item[name] for name in ("linkId", "text", "item") if name in item}
        item.clear()
        item.update(kept | {"type": "group" if kept.get("item") else "display"})
    return bool(same)
