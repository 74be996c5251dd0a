"""Fields that mean what they say: strict numbers, text that a database can keep, times that say their zone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

DEEPEST = 60


def why_not_text(value: str) -> str | None:
    """What makes a text impossible to keep, or None."""
    if "\x00" in value:
        return "The character U+0000 is not allowed."
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "A lone surrogate is not a character."
    return None


class Text(ma.fields.String):
    """A string without U+0000 and lone surrogates, which PostgreSQL and UTF-8 cannot hold."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        wrong = why_not_text(text)
        if wrong:
            raise ma.ValidationError(wrong)
        return text


class JsonInt(ma.fields.Integer):
    """An integer as JSON Schema means it: 2 and 2.0, but not "2", not true, not 2.6e-42."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        whole = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value) and value == int(value))
        if isinstance(value, bool) or not whole:
            raise self.make_error("invalid", input="")
        return int(value)


class FhirDateTime(Text):
    """FHIR's dateTime with a time and a zone, kept as the text it is. A time without a zone could be any hour."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"metadata": {"format": "date-time"}, **kwargs})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            moment = datetime.fromisoformat(text)
            aware = moment.tzinfo is not None and "T" in text and moment.utcoffset() is not None
        except ValueError:
            aware = False
        if not aware:
            raise ma.ValidationError("Not a date-time with a time zone, like 2026-03-02T08:00:00+08:00.")
        return text


class StrictParser(FlaskParser):
    """Reads JSON bodies; what no JSON document may hold is refused with its place, before anything looks at it."""

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """The body, or `missing`. Answers 400 for what is no JSON, 422 for text that can't be kept."""
        if not req.is_json:
            return ma.missing
        body = req.get_data(cache=True)
        if not body:
            return ma.missing
        try:
            document = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):  # also NaN, and numbers of thousands of digits
            flaw = json.JSONDecodeError("not JSON", "", 0)
            return self._handle_invalid_json_error(flaw, req)
        wrong = _flaw(document)
        if wrong:
            error = ma.ValidationError({"json": {wrong[0]: [wrong[1]]}})
            self.handle_error(error, req, schema, error_status_code=422, error_headers=None)
        return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _flaw(document: Any) -> tuple[str, str] | None:
    """The first place that can't be kept, and why; without recursion, however deep the document is."""
    waiting: list[tuple[Any, str, int]] = [(document, "", 0)]
    while waiting:
        value, place, depth = waiting.pop()
        if depth > DEEPEST:
            return place, "Nested too deeply."
        if isinstance(value, str):
            wrong = why_not_text(value)
            if wrong:
                return place or "body", wrong
        elif isinstance(value, float) and not math.isfinite(value):
            return place or "body", "Not a finite number."
        elif isinstance(value, list):
            waiting.extend((inner, f"{place}/{at}".lstrip("/"), depth + 1) for at, inner in enumerate(value))
        elif isinstance(value, dict):
            for key, inner in value.items():
                if why_not_text(key):
                    return place or "body", "A name in the document is not text."
                waiting.append((inner, f"{place}/{key}".lstrip("/"), depth + 1))
    return None
