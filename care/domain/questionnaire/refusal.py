"""Refusing a form by the item at fault, and reading its plain parts with that refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.errors import Invalid


def refuse(code: str, link_id: str, message: str) -> Invalid:
    """The refusal of one item ("": of the form as a whole)."""
    if not link_id:
        return Invalid(code, message, place="Questionnaire")
    return Invalid(code, f"item {link_id!r}: {message}", place=link_id, link_id=link_id)


def flag(raw: Mapping[str, Any], name: str, link_id: str) -> bool:
    """raw[name] as true or false; false where it is not there."""
    value = raw.get(name, False)
    if not isinstance(value, bool):
        raise refuse("malformed-item", link_id, f"{name} must be true or false")
    return value


def objects(raw: Mapping[str, Any], name: str, link_id: str) -> list[Mapping[str, Any]]:
    """raw[name] as a list of objects; empty where it is not there."""
    value = raw.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise refuse("malformed-item", link_id, f"{name} must be a list of objects")
    return value


def whole(value: Any, what: str, link_id: str, least: int = 0) -> int | None:
    """A whole number that is at least `least`, or None where there is none."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        kind = "positive whole number" if least else "whole number"
        raise refuse("malformed-item", link_id, f"{what} must be a {kind}")
    return value
