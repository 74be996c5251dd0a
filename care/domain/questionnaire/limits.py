"""What one answer must be like to be its question's answer: type, options, units, bounds, lengths, patterns, files."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from care.domain.questionnaire.formats import (
    RESOURCES,
    WORDS,
    is_address,
    is_before,
    is_date,
    is_date_time,
    is_time,
    is_uri,
    resource_type,
)
from care.domain.questionnaire.model import CHOICES, Answer, Item
from care.domain.questionnaire.units import convert
from care.domain.questionnaire.values import LARGEST, content_of, fits

Wrong = tuple[str, str]
"""A stable code, and a sentence without any of the patient's words."""

LARGEST_FILE = 600_000
"""Bytes: with its base64 and the other answers it stays below what the API takes in one request."""
_TAKEN = {"text": ("string",), "decimal": ("decimal", "integer")}
_DATES = {"date": is_date, "dateTime": is_date_time, "time": is_time}
_OUTSIDE = ("out-of-range", "this value is outside of what is possible")
_SCRIPTS = ("javascript:", "vbscript:", "data:")


def problems_of(item: Item, answer: Answer) -> Iterator[Wrong]:
    """All that keeps an answer from being one of this item's.

    Codes: wrong-type, not-an-option, unknown-unit, out-of-range, too-many-decimals, too-short, too-long, wrong-format,
    empty, not-a-date, not-a-url, not-a-reference, wrong-resource, wrong-media, wrong-size, too-large.
    """
    if answer.type not in _taken(item) or not fits(answer.type, answer.value):
        yield "wrong-type", f"this question takes {WORDS.get(item.type, item.type)}"
        return
    if item.options and item.option_of(answer) is None and not (item.type == "open-choice" and answer.type == "string"):
        yield "not-an-option", "this is not one of the options"
        return
    if answer.type == "quantity":
        yield from _quantity(item, answer)
    elif answer.type in _DATES:
        yield from _moment(item, answer.type, str(answer.value))
    elif answer.type in ("string", "url"):
        yield from _written(item, answer.type, str(answer.value))
    elif answer.type == "attachment":
        yield from _file(item, answer)
    elif answer.type == "reference":
        yield from _reference(item, answer)
    elif answer.type in ("integer", "decimal"):
        yield from _number(item, answer.value)


def _taken(item: Item) -> tuple[str, ...]:
    """The types of answer that an item takes: those of its options where it is a choice."""
    if item.type in CHOICES:
        own = ("string",) if item.type == "open-choice" else ()
        return ("coding", *(option.type for option in item.options), *own)
    return _TAKEN.get(item.type, (item.type,))


def _number(item: Item, value: bool | int | float | str) -> Iterator[Wrong]:
    low, high = item.minimum, item.maximum
    if isinstance(low, int | float) and isinstance(value, int | float) and value < low:
        yield _OUTSIDE
    if isinstance(high, int | float) and isinstance(value, int | float) and value > high:
        yield _OUTSIDE
    if item.max_decimals is not None and isinstance(value, float) and _decimals(value) > item.max_decimals:
        yield "too-many-decimals", f"at most {item.max_decimals} decimal places"
    if item.pattern is not None and item.type == "integer" and not item.pattern.matches(str(value)):
        yield "wrong-format", item.pattern.says or "this is not in the format that is asked for"


def _decimals(value: float) -> int:
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _quantity(item: Item, answer: Answer) -> Iterator[Wrong]:
    unit, value = answer.code or answer.unit, float(answer.value)
    if item.units and all(convert(1.0, unit, wanted) is None for wanted in item.units):
        yield "unknown-unit", "this question takes another unit"
        return
    if item.unit_set is not None and not any(
        code == answer.code and system in ("", answer.system or system) for system, code in item.unit_set
    ):
        yield "unknown-unit", "this question takes another unit"
        return
    yield from _number(item, answer.value)
    if item.limits is None:
        return
    for bound, low in ((item.limits.low, True), (item.limits.high, False)):
        if bound is None:
            continue
        here = convert(value, unit, item.limits.unit) if item.limits.unit and unit else value
        if here is None:
            yield "unknown-unit", "this unit cannot be compared with what is possible"
        elif (here < bound) if low else (here > bound):
            yield _OUTSIDE


def _moment(item: Item, kind: str, text: str) -> Iterator[Wrong]:
    if not _DATES[kind](text):
        yield "not-a-date", f"this is not {WORDS[kind]}"
        return
    if isinstance(item.minimum, str) and is_before(text, item.minimum):
        yield _OUTSIDE
    if isinstance(item.maximum, str) and is_before(item.maximum, text):
        yield _OUTSIDE


def _written(item: Item, kind: str, text: str) -> Iterator[Wrong]:
    if not text.strip():
        yield "empty", "this question takes at least one character"
        return
    if kind == "url" and (not is_uri(text) or _is_script(text)):
        yield "not-a-url", "this is not an address"
        return
    longest = LARGEST if item.max_length is None else item.max_length
    if item.min_length is not None and len(text) < item.min_length:
        yield "too-short", f"at least {item.min_length} characters"
    if len(text) > longest:
        yield "too-long", f"at most {longest} characters"
    elif item.pattern is not None and not item.pattern.matches(text):
        yield "wrong-format", item.pattern.says or "this is not in the format that is asked for"


def _is_script(address: str) -> bool:
    """Whether opening an address would run it, which a page that shows reports must never do."""
    return address.lower().startswith(_SCRIPTS)


def _file(item: Item, answer: Answer) -> Iterator[Wrong]:
    content = content_of(answer)
    media, data, url = (content.get(part) for part in ("contentType", "data", "url"))
    if item.media and not any(_is_media(str(media or ""), wanted) for wanted in item.media):
        yield "wrong-media", "this kind of file is not asked for"
    if url is not None and (not isinstance(url, str) or not is_address(url) or _is_script(url)):
        yield "not-a-url", "the file's address is not one"
    if data is None:
        return
    size = _size(data) if isinstance(data, str) else None
    if size is None or content.get("size", size) != size:
        yield "wrong-size", "the file cannot be read, or has another size than it says"
    elif size > min(LARGEST_FILE, LARGEST_FILE if item.max_size is None else item.max_size):
        yield "too-large", "this file is too large"


def _is_media(media: str, wanted: str) -> bool:
    return media == wanted or (wanted.endswith("/*") and media.startswith(wanted[:-1]))


def _size(data: str) -> int | None:
    """How many bytes a base64 text holds, without decoding it; None when it is none."""
    plain = "".join(data.split())
    body = plain.rstrip("=")
    padding = len(plain) - len(body)
    if len(plain) % 4 or padding > 2 or not body.replace("+", "0").replace("/", "0").isalnum() or not body.isascii():
        return None
    return len(plain) // 4 * 3 - padding


def _reference(item: Item, answer: Answer) -> Iterator[Wrong]:
    content = content_of(answer)
    to = content.get("reference") if content else answer.value
    if to is None:
        return  # named by its identifier or in words
    kind = resource_type(to) if isinstance(to, str) else None
    if kind is None:
        yield "not-a-reference", "this is not a reference"
    elif kind and kind not in RESOURCES:
        yield "wrong-resource", "there is no such kind of resource"
    elif kind and item.resources and kind not in item.resources:
        yield "wrong-resource", "this question takes another kind of resource"
