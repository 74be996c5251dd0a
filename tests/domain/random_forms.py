"""Random forms and random answers to them, for property tests: every type, nesting, what repeats, conditions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from care.domain.questionnaire import Answer, Answers, Item, Questionnaire, place, read_questionnaire
from care.domain.questionnaire.values import answer_of
from tests.domain.forms import document

TYPES = (
    *("boolean", "integer", "decimal", "string", "text", "date", "dateTime", "time", "url", "choice", "open-choice"),
    *("quantity", "attachment", "reference"),
)
OPTIONS = [{"valueCoding": {"system": "urn:c", "code": code, "display": code.upper()}} for code in "xyz"]
WORDS = st.text("abc é中🙂", min_size=1, max_size=12).filter(lambda text: text.strip() != "")


@st.composite
def form_documents(
    draw: st.DrawFn, depth: int = 3, conditions: bool = True, repeats: bool = True, required_groups: bool = False
) -> dict[str, Any]:
    """An R4 Questionnaire with up to some thirty items, nested at most `depth` levels."""
    names = (f"i{number}" for number in range(1_000))
    before: list[str] = []

    def item(level: int) -> dict[str, Any]:
        link_id = next(names)
        kind = draw(st.sampled_from(("group", "group", "display", *TYPES) if level < depth else ("display", *TYPES)))
        made: dict[str, Any] = {"linkId": link_id, "type": kind, "text": f"Item {link_id}"}
        if conditions and before and draw(st.integers(0, 3)) == 0:
            wanted = draw(st.booleans())
            operator = draw(st.sampled_from(["=", "!=", "exists"]))
            made["enableWhen"] = [
                {"question": draw(st.sampled_from(before)), "operator": operator, "answerBoolean": wanted}
            ]
        if kind in ("choice", "open-choice"):
            made["answerOption"] = OPTIONS
        if kind not in ("display", "boolean") and repeats and draw(st.integers(0, 2)) == 0:
            made["repeats"] = True
        if kind not in ("display", "group") or (kind == "group" and required_groups):
            made["required"] = draw(st.integers(0, 3)) == 0
        if level < depth and kind != "display" and (kind == "group" or draw(st.integers(0, 3)) == 0):
            made["item"] = [item(level + 1) for _ in range(draw(st.integers(1, 3)))]
        if kind == "boolean":
            before.append(link_id)
        return made

    return document(*[item(1) for _ in range(draw(st.integers(1, 5)))])


@st.composite
def forms(draw: st.DrawFn, **limits: Any) -> Questionnaire:
    """The same, read."""
    return read_questionnaire(draw(form_documents(**limits)))


VALUES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "boolean": st.booleans().map(lambda value: {"valueBoolean": value}),
    "integer": st.integers(-(2**31), 2**31 - 1).map(lambda value: {"valueInteger": value}),
    "decimal": st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: {"valueDecimal": round(value, 3)}),
    "string": WORDS.map(lambda value: {"valueString": value}),
    "text": WORDS.map(lambda value: {"valueString": f"{value}\n{value}"}),
    "date": st.dates().map(lambda value: {"valueDate": value.isoformat()}),
    "dateTime": st.datetimes().map(lambda value: {"valueDateTime": f"{value.isoformat(timespec='seconds')}+08:00"}),
    "time": st.times().map(lambda value: {"valueTime": value.isoformat(timespec="seconds")}),
    "url": st.sampled_from(["https://example.org/a", "urn:oid:1.2.3"]).map(lambda value: {"valueUri": value}),
    "choice": st.sampled_from(OPTIONS),
    "open-choice": st.one_of(st.sampled_from(OPTIONS), WORDS.map(lambda value: {"valueString": value})),
    "quantity": st.floats(0, 1e4).map(
        lambda value: {"valueQuantity": {"value": round(value, 2), "unit": "kg", "code": "kg"}}
    ),
    "attachment": st.binary(min_size=3, max_size=3).map(
        lambda value: {"valueAttachment": {"contentType": "image/png", "title": value.hex(), "data": "AAAA", "size": 3}}
    ),
    "reference": st.sampled_from(["Patient/1", "https://example.org/Device/2"]).map(
        lambda value: {"valueReference": {"reference": value}}
    ),
}


@st.composite
def answers_to(draw: st.DrawFn, form: Questionnaire) -> Answers:
    """Answers by place, without gaps: an instance is there when something in it is answered. Some may be disabled."""
    return _below(draw, form, "", ())


def _below(draw: st.DrawFn, form: Questionnaire, link_id: str, instance: tuple[int, ...]) -> dict[str, Any]:
    found: dict[str, tuple[Answer, ...]] = {}
    for item in form.children.get(link_id, ()):
        if item.is_question:
            found |= _question(draw, form, item, instance)
        elif item.is_loop:
            count = 0
            for _ in range(draw(st.integers(0, 3))):
                inside = _below(draw, form, item.link_id, (*instance, count))
                if any(given and given[0].type != "count" for given in inside.values()):
                    found |= inside
                    count += 1
            if count > 1:
                found[place(item.link_id, instance)] = (Answer("count", count, code="closed"),)
        else:
            found |= _below(draw, form, item.link_id, instance)
    return found


def _question(draw: st.DrawFn, form: Questionnaire, item: Item, instance: tuple[int, ...]) -> dict[str, Any]:
    most = 3 if item.repeats else 1
    raws = draw(st.lists(VALUES[item.type], max_size=most, unique_by=str))
    given = tuple(answer for answer in (answer_of(item, raw) for raw in raws) if answer is not None)
    if not given:
        return {}
    found: dict[str, Any] = {place(item.link_id, instance): given}
    for number in range(len(given) if item.is_loop else 1):
        found |= _below(draw, form, item.link_id, (*instance, number) if item.is_loop else instance)
    return found
