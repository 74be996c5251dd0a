"""Random forms walked at random: always an end, nothing asked that is disabled, nothing lost, back and forth."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.questionnaire import (
    Answer,
    Questionnaire,
    Spot,
    answered,
    enabled,
    filled,
    lead,
    next_item,
    previous_item,
    progress,
    read_questionnaire,
    spot_at,
    taken_back,
)
from care.domain.questionnaire.model import CHOICES, MORE
from tests.domain.forms import choice, document, question

MOST_STEPS = 400
TYPES = ("boolean", "integer", "decimal", "string", "text", "date", "dateTime", "time", "url", "quantity")
MORE_TYPES = (*TYPES, "attachment", "reference", "choice", "open-choice")
OPERATORS = ("=", "!=", ">", "<", ">=", "<=")
SAMPLES: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False),
    "integer": (0, 1, 7),
    "decimal": (0.5, 7.25),
    "string": ("a", "b"),
    "text": ("a", "longer"),
    "date": ("2026-01-01", "2026-02"),
    "dateTime": ("2026-01-01T10:00:00Z", "2026-02"),
    "time": ("08:00:00", "20:15:00"),
    "url": ("https://a.example", "urn:b"),
    "quantity": (1.0, 70.0),
    "attachment": ("a.png",),
    "reference": ("Patient/1",),
}
CODES = ("x", "y", "z")
EXPECTED = {"text": "String", "url": "Uri", "attachment": "String"}


def answers_for(kind: str) -> st.SearchStrategy[Answer]:
    """One answer that an item of this type can take."""
    if kind in CHOICES:
        return st.sampled_from(CODES).map(lambda code: Answer("coding", code.title(), code=code, system="urn:c"))
    own = "string" if kind == "text" else kind
    return st.sampled_from(SAMPLES[kind]).map(lambda value: Answer(own, value))


def expected(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """The answer[x] of a condition on an item of this type."""
    if kind in CHOICES:
        return st.sampled_from(CODES).map(lambda code: {"answerCoding": {"system": "urn:c", "code": code}})
    if kind == "quantity":
        return st.just({"answerQuantity": {"value": 1}})
    if kind == "reference":
        return st.just({"answerReference": {"reference": "Patient/1"}})
    name = "answer" + EXPECTED.get(kind, kind[0].upper() + kind[1:])
    return st.sampled_from(SAMPLES[kind]).map(lambda value: {name: value})


@st.composite
def forms(draw: st.DrawFn) -> Questionnaire:
    """Up to fourteen items of every type, in groups and below one another, some repeating, hidden or read only."""
    items: list[dict[str, Any]] = []
    every: list[dict[str, Any]] = []
    for n in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from((*MORE_TYPES, "group", "group", "display")))
        own = choice(f"q{n}", *CODES) | {"type": kind} if kind in CHOICES else question(f"q{n}", kind)
        flags = draw(st.sets(st.sampled_from(("required", "repeats", "repeats", "readOnly"))))
        if kind != "display":
            own |= dict.fromkeys(flags, True)
        asked = [each for each in every if each["type"] not in ("group", "display")]
        if draw(st.booleans()) and asked:
            on: list[dict[str, Any]] = draw(st.lists(st.sampled_from(asked), max_size=3))
            own["enableWhen"] = [draw(conditions(each)) for each in on]
            own["enableBehavior"] = draw(st.sampled_from(("all", "any")))
        above = draw(st.sampled_from([*every, None, None]))
        into = items if above is None or above["type"] == "display" else above.setdefault("item", [])
        into.append(own)
        every.append(own)
    return read_questionnaire(document(*items))


@st.composite
def conditions(draw: st.DrawFn, on: dict[str, Any]) -> dict[str, Any]:
    """One condition on a question, of any operator."""
    if draw(st.booleans()):
        return {"question": on["linkId"], "operator": "exists", "answerBoolean": draw(st.booleans())}
    return {"question": on["linkId"], "operator": draw(st.sampled_from(OPERATORS)), **draw(expected(on["type"]))}


@st.composite
def replies(draw: st.DrawFn, spot: Spot, left: int) -> tuple[Answer, ...]:
    """What is answered at a spot: one answer, several where it repeats; another instance only a few times."""
    if spot.item.type == MORE:
        return (Answer("boolean", left > 0 and draw(st.booleans())),)
    most = 3 if spot.item.repeats else 1
    return tuple(draw(st.lists(answers_for(spot.item.type), min_size=1, max_size=most)))


@settings(max_examples=100, deadline=None)
@given(forms(), st.data())
def test_a_walk_ends_asks_only_what_is_enabled_and_loses_nothing(form: Questionnaire, data: st.DataObject) -> None:
    answers: dict[str, tuple[Answer, ...]] = {}
    skipped: frozenset[str] = frozenset()
    another = 5
    for _ in range(MOST_STEPS):
        spot = next_item(form, answers, skipped)
        if spot is None:
            break
        assert spot.place in enabled(form, answers)
        assert spot_at(form, answers, spot.place) == spot
        assert not (spot.item.hidden or spot.item.read_only)
        lead(form, spot, answers)
        if not spot.item.required and data.draw(st.booleans(), "skip"):
            skipped |= {spot.place}
            continue
        reply = data.draw(replies(spot, another))
        another -= spot.item.type == MORE
        after = answered(form, answers, spot, reply)
        assert {at: after[at] for at in answers if at != spot.place} == {
            at: one for at, one in answers.items() if at != spot.place
        }
        answers = after
    assert next_item(form, answers, skipped) is None
    done, of = progress(form, answers, skipped)
    assert done == of
    assert set(answers) <= set(filled(form, answers))


@settings(max_examples=80, deadline=None)
@given(forms(), st.data())
def test_back_goes_to_the_very_first_question_one_answer_at_a_time(form: Questionnaire, data: st.DataObject) -> None:
    answers: dict[str, tuple[Answer, ...]] = {}
    another = 4
    for _ in range(MOST_STEPS):
        spot = next_item(form, answers)
        if spot is None:
            break
        another -= spot.item.type == MORE
        answers = answered(form, answers, spot, data.draw(replies(spot, another)))
    for _ in range(len(answers) + 10):
        spot = previous_item(form, answers, frozenset(), None)
        if spot is None:
            break
        earlier = taken_back(form, answers, spot)
        assert sum(earlier.get(at) != one for at, one in answers.items()) == 1
        assert earlier.get(spot.place) != answers[spot.place]
        answers = earlier
    assert not any(given for at, given in answers.items() if at in enabled(form, answers))


@settings(max_examples=80, deadline=None)
@given(forms(), st.data())
def test_any_answers_at_any_places_are_taken_without_a_fault(form: Questionnaire, data: st.DataObject) -> None:
    places = st.builds(
        lambda link_id, instance: link_id + ("\x1f" + ".".join(map(str, instance)) if instance else ""),
        st.sampled_from([item.link_id for item in form.items] + ["stranger", ""]),
        st.lists(st.integers(0, 3), max_size=3),
    )
    one = st.one_of(*(answers_for(kind) for kind in MORE_TYPES), st.integers(-2, 6).map(lambda n: Answer("count", n)))
    answers = data.draw(st.dictionaries(places, st.lists(one, max_size=3).map(tuple), max_size=12))
    on = enabled(form, answers)
    assert filled(form, filled(form, answers)) == filled(form, answers)
    spot = next_item(form, answers)
    assert spot is None or spot.place in on
    for at in answers:
        spot_at(form, answers, at)
    previous_item(form, answers, frozenset(), None)
    progress(form, answers)
