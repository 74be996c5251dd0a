"""The form face in HTML: how fields are named, what stands in them, and how they are read back.

A field's name is its kind, a dot and the place, escaped; `p` names each question that the form showed, so that one
which was left empty is told from one which was not shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from werkzeug.datastructures import MultiDict

from care.domain.questionnaire import Answer, Answers, Issue, Item, Questionnaire, answer_text, link_id_of
from care.domain.questionnaire.posted import followed, read_posted, without_instance
from dashboard import blueprint

V = TypeVar("V")
SHOWN, ANSWER, OWN, UNIT, COUNT = "p", "a.", "o.", "u.", "c."
PRETENDED, KEPT = "pretended", "kept"  # of a file: none is uploaded in a walk
_PICTURE = {"title": "picture", "contentType": "image/jpeg"}


@blueprint.app_template_filter("place_name")
def place_name(place: str) -> str:
    """A place as a part of a field's name: without spaces and control characters."""
    return quote(place, safe="")


@blueprint.app_template_filter("field_values")
def field_values(node: Mapping[str, Any]) -> list[str]:
    """What stands in the fields of a question, each answer as its input takes it."""
    return [_plain(node, value) for value in node.get("values", ())]


@blueprint.app_template_filter("own_words")
def own_words(node: Mapping[str, Any]) -> str:
    """The answer to an open choice that is none of its options; "" without one."""
    keys = {option["text"] for option in node.get("options", ()) if option["selected"]}
    said = (value.get("valueString", "") for value in node.get("values", ()))
    return next((str(text) for text in said if text and text not in keys), "")


@blueprint.app_template_filter("unit_of")
def unit_of(node: Mapping[str, Any]) -> str:
    """The code of the unit that the answer is in; "" without an answer."""
    values: Sequence[Mapping[str, Any]] = node.get("values") or ({},)
    return str(values[0].get("valueQuantity", {}).get("code", ""))


@blueprint.app_template_global()
def yes_no(language: str) -> tuple[str, str]:
    """The words for yes and no in a language, as the conversation has them."""
    asked = Item("", "boolean", {})
    yes, no = (answer_text(asked, Answer("boolean", value), language) for value in (True, False))
    return yes, no


def filled_in(
    form: Questionnaire, before: Answers, fields: MultiDict[str, str], act: str, rest: str, zone: str
) -> tuple[dict[str, tuple[Answer, ...]], list[Issue]]:
    """The answers after a form came back, and what of it could not be read: what it did not show stays as it was.

    A question that was left empty has an empty answer: what the form proposes for it is not proposed again.

    `act` may be add (`rest`: the place of a group, one instance more) or remove (`rest`: its place, a colon and the
    number of the instance). Raises Invalid for what no form of ours posts.
    """
    posted, unseen = _sorted(form, before, fields, act, rest)
    read, issues = read_posted(form, posted, zone)
    answers = unseen | {place: _as_before(given, before.get(place, ())) for place, given in read.items()}
    return dict(followed(form, before, answers)), issues


def written_in(
    form: Questionnaire, before: Mapping[str, Sequence[Any]], fields: MultiDict[str, str], act: str, rest: str
) -> dict[str, Sequence[Any]]:
    """All that stands in a form after it came back, as it was typed: also what cannot be read, and what was not shown.

    `before` is what stood in it; `act` and `rest` as for filled_in. Raises Invalid for what no form of ours posts.
    """
    posted, unseen = _sorted(form, before, fields, act, rest)
    return {**unseen, **posted}


def _sorted(
    form: Questionnaire, before: Mapping[str, V], fields: MultiDict[str, str], act: str, rest: str
) -> tuple[dict[str, list[Any]], dict[str, V]]:
    """(what the form showed, as it came back; what of before it did not show)."""
    posted: dict[str, list[Any]] = {}
    for name in fields.getlist(SHOWN):
        given = _given(fields, name)
        if given != [KEPT]:
            posted[unquote(name)] = given
    for name in fields:
        if name.startswith(COUNT):
            count = fields.get(name, "")
            posted[unquote(name[len(COUNT) :])] = [int(count) if count.isdecimal() and len(count) < 6 else 1]
    if act == "add":
        counted = [each for each in posted.get(unquote(rest), [1]) if isinstance(each, int)]
        posted[unquote(rest)] = [1 + each for each in counted]
    unseen = {place: given for place, given in before.items() if place not in posted}
    if act == "remove":
        name, _, number = rest.rpartition(":")
        which = int(number) if number.isdecimal() and len(number) < 6 else -1
        posted = {at: list(values) for at, values in without_instance(form, posted, unquote(name), which).items()}
        group = link_id_of(unquote(name))  # what was not shown in its instances has no number any more
        unseen = {at: given for at, given in unseen.items() if group not in form.by_id[link_id_of(at)].loops}
    return posted, unseen


def _given(fields: MultiDict[str, str], name: str) -> list[Any]:
    given: list[Any] = [value.replace("\r\n", "\n") for value in fields.getlist(ANSWER + name) if value.strip()]
    own, unit = fields.get(OWN + name, "").strip(), fields.get(UNIT + name)
    if unit is not None:
        return [{"value": value, "code": unit} for value in given]
    if given == [PRETENDED]:
        return [_PICTURE]
    return [*given, own] if own else given


def _as_before(given: tuple[Answer, ...], before: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """What a form says again is as it was: the order in which somebody chose, that a group was closed."""
    if len(given) == len(before) and Counter(map(_bare, given)) == Counter(map(_bare, before)):
        return before
    begun_once = given and given[0].type == "count" and given[0].value == 1 and not before
    return () if begun_once else given


def _bare(answer: Answer) -> Answer:
    return replace(answer, code="") if answer.type == "count" else answer


def _plain(node: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    (kind, inner), *_ = value.items()
    if isinstance(inner, Mapping):
        inner = next((inner[name] for name in ("value", "display", "title", "reference", "code") if name in inner), "")
    if isinstance(inner, bool):
        return "true" if inner else "false"
    if isinstance(inner, float):
        return f"{inner:.10g}"
    if kind == "valueDateTime" and node.get("control") == "date-time":
        return f"{inner}T00:00"[:16] if len(str(inner)) == 10 else str(inner)[:16]
    return str(inner)
