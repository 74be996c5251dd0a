"""The form in a call by Twilio: its fields as they came, and what is read out of them."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote
from uuid import UUID

from care.domain.message import Medium, MediumKind, WebhookCall
from care.errors import Invalid

Fields = Mapping[str, list[str]]

PREFIX = "whatsapp:"
IDENTIFIER = re.compile(r"[!-~]{1,64}")  # printable ASCII: what an index may hold, whatever a caller makes up
_ADDRESS = re.compile(r"[!-~]{1,160}")
_FIELDS = 500
_MEDIA = 10
_WORDS = ("Body", "ButtonText", "ListTitle", "ButtonPayload", "ListId")  # of a tapped button, what stood on it
_KINDS: tuple[tuple[str, MediumKind], ...] = (
    ("image/", "image"),
    ("audio/", "voice"),
    ("video/", "video"),
    ("application/", "file"),
    ("text/", "file"),
)
_LONGEST_NOTE = 300
_CODED, _CODED_LEAST = re.compile(r"[A-Za-z0-9+/]+={0,2}"), 60


def fields_of(call: WebhookCall) -> Fields:
    """The form's fields, blank ones kept, since they are part of what is signed. Raises Invalid."""
    if "form" not in call.read:
        call.read["form"] = _parsed(call)
    fields: Fields = call.read["form"]
    return fields


def _parsed(call: WebhookCall) -> Fields:
    if header(call, "content-type").split(";")[0].strip().lower() == "application/json":
        return {}
    try:
        return read_form(call.body.decode("utf-8"))
    except ValueError:  # bad UTF-8, escaped or not, and too many fields
        raise Invalid("body", "the body is not a form in UTF-8") from None


def read_form(body: str) -> dict[str, list[str]]:
    """What urllib's parse_qs reads with blank values kept, in a quarter of its time: most fields have no escape.

    Each text has some twenty fields, and reading them was a tenth of what a text costs. Raises ValueError for bad UTF-8
    and for more fields than any call of Twilio's has.
    """
    if body.count("&") >= _FIELDS:
        raise ValueError("too many fields")
    fields: dict[str, list[str]] = {}
    for pair in body.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            fields.setdefault(_plain(name), []).append(_plain(value))
    return fields


def _plain(escaped: str) -> str:
    spaced = escaped.replace("+", " ")
    return unquote(spaced, errors="strict") if "%" in spaced else spaced


def header(call: WebhookCall, name: str) -> str:
    """A header by its name in small letters; "" without it."""
    found = call.headers.get(name)  # what Flask gives does not mind capitals; any other mapping is looked through
    return found if found is not None else next((v for key, v in call.headers.items() if key.lower() == name), "")


def one(fields: Fields, name: str) -> str:
    """The first value of a field; "" without it."""
    return fields.get(name, [""])[0]


def identifier(fields: Fields, name: str) -> str:
    """A value that is looked things up by. Raises Invalid for none and for one that cannot be read."""
    value = one(fields, name)
    if not IDENTIFIER.fullmatch(value):
        raise Invalid("field", f"{name} is missing or cannot be read", place=name)
    return value


def sender(fields: Fields) -> str:
    """Who wrote: a number, or WhatsApp's id of somebody who keeps theirs to themselves. Raises Invalid."""
    value = one(fields, "From") or one(fields, "ExternalUserId")
    if not _ADDRESS.fullmatch(value) or value == PREFIX:
        raise Invalid("field", "From is missing or cannot be read", place="From")
    return value.removeprefix(PREFIX)


def is_whatsapp(fields: Fields) -> bool:
    """Whether a call is about a message of WhatsApp."""
    return any(one(fields, name).startswith(PREFIX) for name in ("From", "To"))


def words(fields: Fields) -> str:
    """What the person wrote, exactly; of a button or a list without a text, what they tapped."""
    return next((value for value in (one(fields, name) for name in _WORDS) if value), "")


def oddity(text: str) -> str:
    """ "maybe-base64" for a long text that would be readable if it were decoded: Twilio sometimes sends one so.

    It is not decoded, for it may be what the person wrote.
    """
    if len(text) < _CODED_LEAST or len(text) % 4 or not _CODED.fullmatch(text):
        return ""
    try:
        plain = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return "maybe-base64" if all(char.isprintable() or char in "\r\n\t" for char in plain) else ""


def media(fields: Fields) -> tuple[Medium, ...]:
    """What came with the text: pictures, voices, films, files, and a place."""
    number = one(fields, "NumMedia")
    many = min(int(number), _MEDIA) if number.isascii() and number.isdigit() and len(number) < 4 else 0
    found = [_medium(fields, index) for index in range(many)]
    place = _place(fields)
    return tuple([medium for medium in found if medium.reference] + ([place] if place else []))


def _medium(fields: Fields, number: int) -> Medium:
    content_type = one(fields, f"MediaContentType{number}")[:100]
    kind: MediumKind = next((kind for prefix, kind in _KINDS if content_type.startswith(prefix)), "other")
    return Medium(kind, one(fields, f"MediaUrl{number}"), content_type)


def _place(fields: Fields) -> Medium | None:
    """A place that was shared: its coordinates and, where it has them, name and address."""
    given = [one(fields, name)[:32].strip() for name in ("Latitude", "Longitude")]
    if not any(given):
        return None
    if not all(_number(value) for value in given):
        return Medium("location", note="?")
    named = [value for value in (one(fields, name).strip() for name in ("Label", "Address")) if value]
    return Medium("location", note=", ".join([", ".join(given), *named])[:_LONGEST_NOTE])


def _number(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and abs(float(value)) <= 180
    except ValueError:
        return False


def our_id(query: str) -> UUID | None:
    """Our message's id in the address that was called; None without one."""
    try:
        return UUID(parse_qs(query).get("id", [""])[0])
    except ValueError:
        return None
