"""FHIRPath's functions on texts. Regular expressions run on RE2, whose time is bounded."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from care.library import patterns
from care.library.fhirpath.nodes import MAX_TEXT, Items, Scope, failed, single_of, text_within, value

_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _on_text(what: str, act: Callable[..., Any]) -> Callable[..., Items]:
    """A function on one text whose arguments are texts; empty when any of them is."""

    def function(scope: Scope, focus: Items, *arguments: Items) -> Items:
        given = [single_of(each, str, what) for each in (focus, *arguments)]
        if None in given:
            return []
        scope.spend(len(given[0]) // 100)
        found = act(*given)
        if isinstance(found, list):
            scope.spend(len(found))
            return found
        return [] if found is None else [text_within(found) if isinstance(found, str) else found]

    return function


def _substring(scope: Scope, focus: Items, start: Items, length: Items | None = None) -> Items:
    text, at = single_of(focus, str, "substring()"), single_of(start, int, "substring()")
    if text is None or at is None or not 0 <= at < len(text):
        return []
    count = None if length is None else single_of(length, int, "substring()")
    return [text[at:] if count is None else text[at : at + max(count, 0)]]


def _replace(text: str, old: str, new: str) -> str:
    if len(text) + text.count(old) * len(new) > MAX_TEXT:
        raise failed("too-big", "a text grows too long")
    return text.replace(old, new)


def _join(scope: Scope, focus: Items, separator: Items | None = None) -> Items:
    between = "" if separator is None else single_of(separator, str, "join()")
    parts = [value(item) for item in focus]
    if not all(isinstance(part, str) for part in parts):
        raise failed("wrong-type", "join() was given a value that is no text")
    return [text_within((between or "").join(parts))] if parts else []


def _encode(text: str, form: str) -> str | None:
    raw = text.encode("utf-8")
    if form == "hex":
        return raw.hex()
    if form == "base64":
        return base64.b64encode(raw).decode()
    return base64.urlsafe_b64encode(raw).decode() if form == "urlbase64" else None


def _decode(text: str, form: str) -> str | None:
    try:
        if form == "hex":
            return bytes.fromhex(text).decode("utf-8")
        if form == "base64":
            return base64.b64decode(text, validate=True).decode("utf-8")
        return base64.urlsafe_b64decode(text).decode("utf-8") if form == "urlbase64" else None
    except (ValueError, binascii.Error):
        raise failed("wrong-value", "decode() was given a text that is not encoded so") from None


def _escape(text: str, form: str) -> str | None:
    if form == "html":
        return html.escape(text)
    return json.dumps(text, ensure_ascii=False)[1:-1] if form == "json" else None


def _unescape(text: str, form: str) -> str | None:
    if form == "html":
        return html.unescape(text)
    if form != "json":
        return None
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPES.get(m[2], m[2]), text)


FUNCTIONS: Mapping[str, tuple[Callable[..., Items], int, int]] = {
    "length": (_on_text("length()", len), 0, 0),
    "upper": (_on_text("upper()", str.upper), 0, 0),
    "lower": (_on_text("lower()", str.lower), 0, 0),
    "trim": (_on_text("trim()", str.strip), 0, 0),
    "toChars": (_on_text("toChars()", list), 0, 0),
    "indexOf": (_on_text("indexOf()", str.find), 1, 1),
    "lastIndexOf": (_on_text("lastIndexOf()", str.rfind), 1, 1),
    "startsWith": (_on_text("startsWith()", str.startswith), 1, 1),
    "endsWith": (_on_text("endsWith()", str.endswith), 1, 1),
    "contains": (_on_text("contains()", str.__contains__), 1, 1),
    "split": (_on_text("split()", lambda text, by: text.split(by) if by else list(text)), 1, 1),
    "replace": (_on_text("replace()", _replace), 2, 2),
    "matches": (_on_text("matches()", patterns.found_in), 1, 2),
    "matchesFull": (_on_text("matchesFull()", lambda text, regex: patterns.pattern(regex)(text)), 1, 2),
    "replaceMatches": (_on_text("replaceMatches()", patterns.replaced), 2, 3),
    "encode": (_on_text("encode()", _encode), 1, 1),
    "decode": (_on_text("decode()", _decode), 1, 1),
    "escape": (_on_text("escape()", _escape), 1, 1),
    "unescape": (_on_text("unescape()", _unescape), 1, 1),
    "substring": (_substring, 1, 2),
    "join": (_join, 0, 1),
}
