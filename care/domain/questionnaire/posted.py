"""What an app posts of a form, read as answers. Pure.

The shape is `{place: [value, …]}`. A value is FHIR's value[x] as an object ({"valueCoding": {…}}), or the plain value:
true, 38.5 or "38.5", a text, a date; the `key` of an option; {"value", "unit"} for a quantity; {"title",
"contentType", "data"} for a file; and for a repeating group how many instances there are. "" and null are no answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from care.domain.questionnaire.check import Issue
from care.domain.questionnaire.form import MOST_INSTANCES, key_of
from care.domain.questionnaire.layout import begun
from care.domain.questionnaire.limits import LARGEST_FILE
from care.domain.questionnaire.model import MAX_ITEMS, Answer, Answers, Item, Questionnaire, Spot
from care.domain.questionnaire.places import instance_of, link_id_of, place
from care.domain.questionnaire.text import bare, storable
from care.domain.questionnaire.units import label
from care.domain.questionnaire.walk import answered
from care.errors import Invalid

_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")
_MEDIA = re.compile(r"(image|audio|video|application|text)/[A-Za-z0-9.+-]{1,80}")


class _Unreadable(Exception):
    """A value that its question cannot take: a code, and a sentence without the value."""


def answers_from_form(
    questionnaire: Questionnaire, posted: Mapping[str, Sequence[Any]], zone: str = ""
) -> dict[str, tuple[Answer, ...]]:
    """The answers of a posted form. Raises Invalid naming the first place (`errors` names them all).

    `zone`: whose wall clock a date with a time but without an offset was read from.
    """
    answers, issues = read_posted(questionnaire, posted, zone)
    if issues:
        first = issues[0]
        errors = [{"place": one.link_id, "code": one.code, "message": one.message} for one in issues]
        raise Invalid(first.code, first.message, place=first.link_id, errors=errors)
    return answers


def read_posted(
    questionnaire: Questionnaire, posted: Mapping[str, Sequence[Any]], zone: str = ""
) -> tuple[dict[str, tuple[Answer, ...]], list[Issue]]:
    """Like answers_from_form, for a form that is still being filled in: what can be read, and the rest as issues.

    Raises Invalid for what no form of ours posts: a place that the questionnaire has not, values that are no list.
    """
    answers: dict[str, tuple[Answer, ...]] = {}
    issues: list[Issue] = []
    if len(posted) > MAX_ITEMS:
        raise Invalid("too-many-items", "the form holds too many answers", place="answers")
    for where, values in posted.items():
        item = _item_at(questionnaire, where)
        if isinstance(values, str) or not isinstance(values, Sequence) or len(values) > MAX_ITEMS:
            raise Invalid("malformed-answer", "the answers at a place are a list", place=where)
        try:
            if not item.is_question:
                answers[where] = _count(values)
            elif item.is_asked:
                given = (_read(item, value, zone) for value in values)
                answers[where] = tuple(answer for answer in given if answer is not None)
        except _Unreadable as wrong:
            issues.append(Issue(where, *wrong.args))
    return answers, issues


def without_instance(
    questionnaire: Questionnaire, posted: Mapping[str, Sequence[Any]], where: str, number: int
) -> dict[str, Sequence[Any]]:
    """The posted form after one instance (0-based) of what repeats at `where` was taken away; the later ones move up.

    Raises Invalid when nothing repeats there or there is no such instance.
    """
    item = _item_at(questionnaire, where)
    given = list(posted.get(where, ()))
    count = len(given) if item.is_question else _begun(item, where, given)
    if not item.is_loop or not 0 <= number < count:
        raise Invalid("no-such-instance", "there is nothing to take away here", place=where)
    above = instance_of(where)
    kept: dict[str, Sequence[Any]] = {}
    for at, values in posted.items():
        inner = _item_at(questionnaire, at)
        instance, depth = instance_of(at), len(above)
        inside = len(inner.loops) > depth and inner.loops[depth] == item.link_id and instance[:depth] == above
        if not inside or instance[depth] < number:
            kept[at] = values
        elif instance[depth] > number:
            kept[place(inner.link_id, (*above, instance[depth] - 1, *instance[depth + 1 :]))] = values
    kept[where] = given[:number] + given[number + 1 :] if item.is_question else [count - 1]
    return kept


def _begun(item: Item, where: str, values: Sequence[Any]) -> int:
    try:
        return begun(item, instance_of(where), {where: _count(values)})
    except _Unreadable:
        return 0


def followed(questionnaire: Questionnaire, before: Answers, answers: Answers) -> Answers:
    """The answers after some of those to questions that repeat have changed since `before`: what stands below an answer
    goes with it to its new number.
    """
    for where, given in answers.items():
        item = questionnaire.by_id[link_id_of(where)]
        if item.is_loop and item.is_question and before.get(where) and before[where] != given:
            answers = answered(questionnaire, {**answers, where: before[where]}, Spot(where, item), given)
    return answers


def _item_at(questionnaire: Questionnaire, where: str) -> Item:
    item = questionnaire.by_id.get(link_id_of(where))
    instance = instance_of(where)
    known = item is not None and len(instance) == len(item.loops) and where == place(item.link_id, instance)
    if item is None or not known or not (item.is_question or item.is_loop):
        raise Invalid("unknown-item", "the questionnaire has no question at this place", place=where[:200])
    return item


def _count(values: Sequence[Any]) -> tuple[Answer, ...]:
    if not values:
        return ()
    count = values[0]
    if len(values) > 1 or not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_INSTANCES:
        raise _Unreadable("malformed-answer", f"how many there are is a number up to {MOST_INSTANCES}")
    return (Answer("count", count),)


def _read(item: Item, value: Any, zone: str) -> Answer | None:
    value = _bare(value)
    if value is None or value == "" or value == {}:
        return None
    if isinstance(value, str):
        if not storable(value):
            raise _Unreadable("malformed-answer", "the text holds characters that cannot be kept")
        if not value.strip():
            return None
    reader = _READERS.get(item.type)
    return reader(item, value, zone) if reader else _text(item, value, zone)


def _bare(value: Any) -> Any:
    """FHIR's value[x] without its name; anything else as it is."""
    if isinstance(value, Mapping) and len(value) == 1:
        (name, inner), *_ = value.items()
        if name.startswith("value") and name != "value":
            return inner
    return value


def _boolean(item: Item, value: Any, zone: str) -> Answer:
    if value in ("true", "false"):
        value = value == "true"
    if not isinstance(value, bool):
        raise _Unreadable("wrong-type", "this question takes yes or no")
    return Answer("boolean", value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        plain = unicodedata.normalize("NFKC", value).strip()
        value = float(plain) if _NUMBER.fullmatch(plain) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise _Unreadable("not-a-number", "this is not a number")
    return value


def _is_finite(value: int | float) -> bool:
    """Whether a number is one that can be computed with; JSON lets a whole number have any length."""
    try:
        return isfinite(value)
    except OverflowError:
        return False


def _integer(item: Item, value: Any, zone: str) -> Answer:
    number = _number(value)
    if number != int(number):
        raise _Unreadable("not-a-whole-number", "this question takes a whole number")
    return Answer("integer", int(number))


def _decimal(item: Item, value: Any, zone: str) -> Answer:
    return Answer("decimal", float(_number(value)))


def _quantity(item: Item, value: Any, zone: str) -> Answer | None:
    parts = value if isinstance(value, Mapping) else {"value": value}
    if parts.get("value") in (None, ""):
        return None
    code = str(parts.get("code") or parts.get("unit") or (item.units[0] if item.units else ""))
    comparator = str(parts.get("comparator") or "")
    if comparator not in ("", "<", ">", "<=", ">="):
        raise _Unreadable("malformed-answer", "this is not a comparator")
    return Answer("quantity", float(_number(parts["value"])), label(code, "en"), comparator, code)


def _choice(item: Item, value: Any, zone: str) -> Answer:
    if isinstance(value, Mapping) and "reference" in value:
        pointed = next((option for option in item.options if option.code == value["reference"]), None)
        return pointed.answer() if pointed else Answer("reference", str(value["reference"]))
    if isinstance(value, Mapping):
        display, code, system = (str(value.get(part) or "") for part in ("display", "code", "system"))
        named = Answer("coding", display or code, code=code, system=system)
        option = item.option_of(named)
        return option.answer() if option else named
    key = str(value)
    for option in item.options:
        if key_of(option) == key:
            return option.answer()
    if item.type == "open-choice" and isinstance(value, str):
        meant = [one for one in item.options if bare(key) in map(bare, one.text.values())]
        return meant[0].answer() if len(meant) == 1 else Answer("string", value.strip())
    raise _Unreadable("not-an-option", "this is not one of the options")


def _date_time(item: Item, value: Any, zone: str) -> Answer:
    text = _string(value)
    if "T" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _Unreadable("not-a-date", "this is not a date with a time") from None
        if moment.tzinfo is None and zone:
            text = moment.replace(tzinfo=ZoneInfo(zone)).isoformat(timespec="seconds")
    return Answer("dateTime", text)


def _time(item: Item, value: Any, zone: str) -> Answer:
    text = _string(value)
    return Answer("time", f"{text}:00" if _CLOCK.fullmatch(text) and len(text) == 5 else text)


def _file(item: Item, value: Any, zone: str) -> Answer:
    """A file with its data, or only its name while the form is being filled in."""
    if not isinstance(value, Mapping):
        raise _Unreadable("malformed-answer", "this question takes a file")
    media, data, title = (str(value.get(part) or "") for part in ("contentType", "data", "title"))
    if not _MEDIA.fullmatch(media) or not storable(title) or len(title) > 200:
        raise _Unreadable("unknown-file", "this kind of file cannot be taken")
    if len(data) > LARGEST_FILE * 4 // 3 + 4:
        raise _Unreadable("too-large", "this file is too large")
    try:
        size = len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise _Unreadable("malformed-answer", "the file cannot be read") from None
    rest: dict[str, Any] = {"contentType": media, "data": data, "size": size} if data else {"contentType": media}
    return Answer("attachment", title or media, content=json.dumps(rest, separators=(",", ":")))


def _reference(item: Item, value: Any, zone: str) -> Answer:
    return Answer("reference", _string(value.get("reference") if isinstance(value, Mapping) else value))


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unreadable("wrong-type", "this question takes a text")
    return value.strip()


def _text(item: Item, value: Any, zone: str) -> Answer:
    text = _string(value)
    if item.type == "string":  # one line, as a text message with several is read
        text = " ".join(line.strip() for line in text.split("\n") if line.strip())
    return Answer(item.type if item.type in ("date", "url") else "string", text)


_READERS: Mapping[str, Any] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "quantity": _quantity,
    "choice": _choice,
    "open-choice": _choice,
    "dateTime": _date_time,
    "time": _time,
    "attachment": _file,
    "reference": _reference,
}
