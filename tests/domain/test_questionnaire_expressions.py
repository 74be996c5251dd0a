"""What a form computes: when it is evaluated, what it sees, what happens when it fails, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from care.domain.questionnaire import (
    Answer,
    Answers,
    Questionnaire,
    check,
    enabled,
    filled,
    lead,
    next_item,
    read_questionnaire,
    spot_at,
    suggestion,
)
from care.domain.questionnaire.tools import PREFIX, Expression, ExpressionFailed, Tools
from care.errors import Invalid
from tests.domain.forms import choice, document, question

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
YES, NO = (Answer("boolean", True),), (Answer("boolean", False),)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Run = Callable[[Any, Mapping[str, Any]], list[Any]]


class Known:
    """An expression that a test knows: a function, and what it says that it looks at."""

    def __init__(self, run: Run, link_ids: set[str] | None, names: set[str]) -> None:
        self.run, self.calls = run, 0
        self.link_ids = None if link_ids is None else frozenset(link_ids)
        self.names = frozenset(names)

    def __call__(self, context: Any, environment: Mapping[str, Any]) -> list[Any]:
        self.calls += 1
        return self.run(context, environment)


def values(node: Mapping[str, Any], link_id: str) -> list[Any]:
    """The answers with this linkId anywhere below a node."""
    found: list[Any] = []
    waiting = list(node.get("item", []))
    while waiting:
        item = waiting.pop(0)
        entries = item.get("answer", [])
        if item["linkId"] == link_id:
            found += [value for entry in entries for name, value in entry.items() if name != "item"]
        waiting = [*item.get("item", []), *(each for entry in entries for each in entry.get("item", [])), *waiting]
    return found


class Bench:
    """Expressions by the text that a form calls them by."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}

    def has(self, text: str, run: Run, link_ids: set[str] | None = None, names: set[str] | None = None) -> Known:
        self.known[text] = Known(run, link_ids, names or set())
        return self.known[text]

    def sums(self, text: str, *link_ids: str) -> Known:
        """The sum of the answers to these questions."""
        return self.has(
            text, lambda _, env: [sum(n for one in link_ids for n in values(env["resource"], one))], set(link_ids)
        )

    def compile(self, text: str) -> Expression:
        if text not in self.known:
            raise Invalid("unreadable-expression", "nobody knows this one")
        return self.known[text]

    def read(self, *items: dict[str, Any], **more: Any) -> Questionnaire:
        tools = Tools(self.compile, lambda _: None, lambda source: lambda text: text == source)
        return read_questionnaire({**document(*items), **more}, tools)


def extension(name: str, text: str, language: str = "text/fhirpath", **more: Any) -> dict[str, Any]:
    return {"url": SDC + name, "valueExpression": {"language": language, "expression": text, **more}}


def variable(name: str, text: str, language: str = "text/fhirpath") -> dict[str, Any]:
    url = "http://hl7.org/fhir/StructureDefinition/variable"
    return {"url": url, "valueExpression": {"name": name, "language": language, "expression": text}}


def number(link_id: str, **more: Any) -> dict[str, Any]:
    return question(link_id, "integer", **more)


def total(link_id: str, text: str, **more: Any) -> dict[str, Any]:
    return number(link_id, readOnly=True, extension=[extension("calculatedExpression", text)], **more)


def whole(value: int) -> tuple[Answer, ...]:
    return (Answer("integer", value),)


def fails(_: Any, __: Mapping[str, Any]) -> list[Any]:
    raise ExpressionFailed("too-long", "it took too long")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_calculated_value_is_filled_in_and_never_asked(bench: Bench) -> None:
    bench.sums("a + b", "a", "b")
    form = bench.read(total("sum", "a + b"), number("a"), number("b"))
    answers = {"a": whole(2), "b": whole(3)}
    assert filled(form, answers)["sum"] == whole(5)
    assert next_item(form, answers) is None
    assert filled(form, {**answers, "sum": whole(99)})["sum"] == whole(5)


def test_an_expression_that_names_the_response_by_its_type_begins_there(bench: Bench) -> None:
    bench.sums("%resource.item.where(linkId = 'QuestionnaireResponse.a')", "a")
    text = "QuestionnaireResponse.item.where(linkId = 'QuestionnaireResponse.a')"
    own = {"url": "http://ehelse.no/fhir/StructureDefinition/sdf-calculatedExpression", "valueString": text}
    form = bench.read(number("a"), number("sum", readOnly=True, extension=[own]))
    assert filled(form, {"a": whole(2)})["sum"] == whole(2)


def test_only_what_looks_at_a_changed_answer_is_evaluated_again(bench: Bench) -> None:
    one, other = bench.sums("a", "a"), bench.sums("b", "b")
    anything = bench.has("any", lambda _, __: [1])
    form = bench.read(number("a"), number("b"), total("A", "a"), total("B", "b"), total("C", "any"))
    filled(form, {"a": whole(1), "b": whole(1)})
    before = one.calls, other.calls
    changed = filled(form, {"a": whole(2), "b": whole(1)})
    assert (changed["A"], changed["B"]) == (whole(2), whole(1))
    assert (one.calls - before[0], other.calls - before[1]) == (1, 0)
    seen = anything.calls
    filled(form, {"a": whole(2), "b": whole(1)})
    assert (one.calls, anything.calls) == (before[0] + 1, seen)


def test_calculated_values_build_on_one_another_whatever_their_order(bench: Bench) -> None:
    bench.sums("a", "a")
    bench.sums("twice", "one", "a")
    form = bench.read(total("two", "twice"), total("one", "a"), number("a"))
    assert filled(form, {"a": whole(4)})["two"] == whole(8)


def test_values_that_are_calculated_in_a_circle_end(bench: Bench) -> None:
    bench.has("up", lambda _, env: [1 + sum(values(env["resource"], "y"))], {"y"})
    bench.has("up again", lambda _, env: [1 + sum(values(env["resource"], "x"))], {"x"})
    form = bench.read(total("x", "up"), total("y", "up again"))
    assert int(filled(form, {})["x"][0].value) < 100


def test_two_values_that_are_computed_from_one_another_are_asked_and_proposed(bench: Bench) -> None:
    bench.has("lb", lambda _, env: [round(n / 2.2) for n in values(env["resource"], "lb")], {"lb"})
    bench.has("kg", lambda _, env: [round(n * 2.2) for n in values(env["resource"], "kg")], {"kg"})
    form = bench.read(
        number("kg", extension=[extension("calculatedExpression", "lb")]),
        number("lb", extension=[extension("calculatedExpression", "kg")]),
    )
    first = next_item(form, {})
    second = next_item(form, {"kg": whole(50)})
    assert first is not None
    assert second is not None
    assert (first.place, second.place) == ("kg", "lb")
    assert suggestion(form, {"kg": whole(50)}, second) == whole(110)
    assert len(form.notes) == 2


def test_what_a_disabled_question_was_answered_counts_as_nothing(bench: Bench) -> None:
    bench.sums("a + b", "a", "b")
    hidden = {"question": "on", "operator": "=", "answerBoolean": True}
    form = bench.read(question("on"), number("a", enableWhen=[hidden]), number("b"), total("sum", "a + b"))
    answers: Answers = {"on": NO, "a": whole(2), "b": whole(3)}
    assert filled(form, answers)["sum"] == whole(3)
    assert filled(form, {**answers, "on": YES})["sum"] == whole(5)


def test_an_expression_hides_and_shows_and_in_doubt_shows(bench: Bench) -> None:
    bench.has("more than 2", lambda _, env: [sum(values(env["resource"], "a")) > 2], {"a"})
    bench.has("nothing", lambda _, __: [], set())
    bench.has("broken", fails, set())
    shown = [
        question(name, extension=[extension("enableWhenExpression", name)])
        for name in ("more than 2", "nothing", "broken")
    ]
    form = bench.read(number("a"), *shown)
    assert enabled(form, {"a": whole(2)}) == {"a", "broken"}
    assert enabled(form, {"a": whole(3)}) == {"a", "more than 2", "broken"}


def test_an_expression_that_fails_or_does_not_fit_gives_no_value(bench: Bench) -> None:
    bench.has("broken", fails, set())
    bench.has("words", lambda _, __: ["many"], set())
    bench.has("several", lambda _, __: [1, 2], set())
    form = bench.read(total("a", "broken"), total("b", "words"), total("c", "several"))
    assert filled(form, {}) == {}


def test_variables_are_seen_below_where_they_are_defined(bench: Bench) -> None:
    bench.sums("a", "a")
    bench.has("10", lambda _, __: [10], set())
    bench.has("var", lambda _, env: [sum(env["score"])], set(), {"score"})
    inner = {"linkId": "g", "type": "group", "extension": [variable("score", "10")], "item": [total("below", "var")]}
    form = bench.read(number("a"), total("beside", "var"), inner, extension=[variable("score", "a")])
    answers = filled(form, {"a": whole(3)})
    assert (answers["beside"], answers["below"]) == (whole(3), whole(10))


def test_an_expression_sees_its_own_item_the_form_and_the_answers(bench: Bench) -> None:
    seen: dict[str, Any] = {}

    def look(context: Any, environment: Mapping[str, Any]) -> list[Any]:
        seen.update(environment, focus=context)
        return []

    bench.has("look", look, set(), {"qitem", "context", "questionnaire", "resource"})
    scored = choice("a", "x") | {"extension": [extension("enableWhenExpression", "look")]}
    ordinal = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 3}
    scored["answerOption"][0]["extension"] = [ordinal]
    form = bench.read(scored, question("b", extension=[extension("enableWhenExpression", "look")]))
    enabled(form, {"a": (form.by_id["a"].options[0].answer(),)})
    assert seen["focus"] is seen["context"]
    assert seen["focus"]["linkId"] == "b"
    assert seen["qitem"]["type"] == "boolean"
    assert seen["questionnaire"]["resourceType"] == "Questionnaire"
    assert seen["resource"]["resourceType"] == "QuestionnaireResponse"


def test_a_chosen_coding_carries_its_score_where_expressions_look_for_it(bench: Bench) -> None:
    seen: list[Any] = []

    def look(_: Any, environment: Mapping[str, Any]) -> list[Any]:
        seen.extend(values(environment["resource"], "a"))
        return []

    bench.has("look", look, {"a"})
    scored = choice("a", "x")
    scored["answerOption"][0]["extension"] = [
        {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 3}
    ]
    form = bench.read(scored, total("sum", "look"))
    filled(form, {"a": (form.by_id["a"].options[0].answer(),)})
    assert {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 3} in seen[0]["extension"]


def test_an_expression_in_an_instance_sees_that_instance(bench: Bench) -> None:
    bench.has("own", lambda context, _: [context["answer"][0]["valueInteger"] > 5], set())
    bench.has("all", lambda _, env: [sum(values(env["resource"], "n"))], {"n"})
    group = {
        "linkId": "g",
        "type": "group",
        "repeats": True,
        "item": [number("n", item=[question("why", "string", extension=[extension("enableWhenExpression", "above")])])],
    }
    bench.has("above", lambda context, _: [context["linkId"] == "why"], set())
    form = bench.read(group, total("sum", "all"))
    answers = {"g": (Answer("count", 2),), "n\x1f0": whole(3), "n\x1f1": whole(4)}
    assert filled(form, answers)["sum"] == whole(7)
    assert {"why\x1f0", "why\x1f1"} <= enabled(form, answers)


def test_an_initial_value_is_proposed_where_it_is_asked_and_filled_in_where_it_is_not(bench: Bench) -> None:
    bench.has("today()", lambda _, env: [env["now"].date().isoformat()] if "now" in env else fails(_, env), set())
    first = extension("initialExpression", "today()")
    form = bench.read(
        question("asked", "date", extension=[first]),
        question("kept", "date", readOnly=True, extension=[first]),
        number("one", initial=[{"valueInteger": 1}]),
        number("hidden", readOnly=True, initial=[{"valueInteger": 7}]),
    )
    at = form.at(NOON)
    spot = next_item(at, {})
    assert spot is not None
    assert suggestion(at, {}, spot) == (Answer("date", "2026-03-02"),)
    assert filled(at, {}) == {"kept": (Answer("date", "2026-03-02"),), "hidden": whole(7)}
    assert filled(form, {}) == {"hidden": whole(7)}
    one = spot_at(form, {}, "one")
    assert one is not None
    assert suggestion(form, {}, one) == whole(1)


def test_what_only_a_record_could_fill_in_stays_empty_and_is_asked(bench: Bench) -> None:
    bench.has("age", lambda _, __: [70], set(), {"patient"})
    form = bench.read(
        number("age", extension=[extension("calculatedExpression", "age")]),
        number("kept", readOnly=True, extension=[extension("initialExpression", "age")]),
        question("old", extension=[extension("enableWhenExpression", "age")]),
    )
    spot = next_item(form, {})
    assert spot is not None
    assert spot.place == "age"
    assert filled(form, {"age": whole(50)}) == {"age": whole(50)}
    assert "old" in enabled(form, {})


def test_a_text_is_computed_when_it_is_asked(bench: Bench) -> None:
    bench.has("name it", lambda _, env: [f"How bad is {values(env['resource'], 'what')[0]}?"], {"what"})
    shown = [{"url": "http://hl7.org/fhir/StructureDefinition/cqf-expression", **extension("", "name it")}]
    shown[0]["url"] = "http://hl7.org/fhir/StructureDefinition/cqf-expression"
    form = bench.read(question("what", "string"), number("bad", _text={"extension": shown}))
    spot = next_item(form, {"what": (Answer("string", "the pain"),)})
    assert spot is not None
    assert spot.item.text == {"": "How bad is the pain?"}
    assert lead(form, spot, {}) == ()


def test_options_are_switched_off_by_an_expression(bench: Bench) -> None:
    bench.has("adult", lambda _, env: [sum(values(env["resource"], "age")) >= 18], {"age"})
    toggle = {
        "url": SDC + "answerOptionsToggleExpression",
        "extension": [
            {"url": "option", "valueCoding": {"system": "urn:c", "code": "wine"}},
            {"url": "expression", "valueExpression": {"language": "text/fhirpath", "expression": "adult"}},
        ],
    }
    form = bench.read(number("age"), choice("drink", "water", "wine", extension=[toggle]))
    young, old = (next_item(form, {"age": whole(age)}) for age in (12, 40))
    assert young is not None
    assert old is not None
    assert [option.code for option in young.item.options] == ["water"]
    assert [option.code for option in old.item.options] == ["water", "wine"]


def test_a_maximum_may_be_computed(bench: Bench) -> None:
    bench.has("weeks", lambda _, env: [sum(values(env["resource"], "age")) * 52], {"age"})
    computed = {
        "url": "http://hl7.org/fhir/StructureDefinition/maxValue",
        "_valueInteger": {
            "extension": [{**extension("", "weeks"), "url": "http://hl7.org/fhir/StructureDefinition/cqf-expression"}]
        },
    }
    form = bench.read(number("age"), number("ill", extension=[computed]))
    spot = spot_at(form, {"age": whole(2)}, "ill")
    assert spot is not None
    assert spot.item.maximum == 104.0
    assert [issue.code for issue in check(form, {"age": whole(2), "ill": whole(105)})] == ["out-of-range"]
    assert check(form, {"age": whole(2), "ill": whole(104)}) == []
    with pytest.raises(Invalid) as refused:
        bench.read(number("ill", extension=[{"url": computed["url"], "_valueInteger": {"id": "x"}}]))
    assert refused.value.code == "malformed-bound"


def test_a_constraint_is_read_with_its_words(bench: Bench) -> None:
    bench.has("a < b", lambda _, __: [True], {"a", "b"})
    old = {
        "url": "http://hl7.org/fhir/StructureDefinition/questionnaire-constraint",
        "extension": [
            {"url": "key", "valueId": "k"},
            {"url": "severity", "valueCode": "warning"},
            {"url": "human", "valueString": "a must be less than b"},
            {"url": "expression", "valueString": "a < b"},
        ],
    }
    new = {
        "url": "http://hl7.org/fhir/StructureDefinition/targetConstraint",
        "extension": [
            {"url": "key", "valueId": "t"},
            {"url": "human", "valueString": "more"},
            {"url": "expression", "valueExpression": {"language": "text/fhirpath", "expression": "a < b"}},
        ],
    }
    form = bench.read(number("a"), number("b", extension=[old]), extension=[new])
    (mine,), (whole_form,) = form.by_id["b"].constraints, form.constraints
    assert (mine.key, mine.severity, mine.human) == ("k", "warning", "a must be less than b")
    assert (whole_form.key, whole_form.severity) == ("t", "error")


CQL, QUERY = "text/cql", "application/x-fhir-query"
REFUSED = [
    ("cql", number("a", extension=[extension("calculatedExpression", "x", CQL)]), {}),
    ("cql", number("a", extension=[extension("enableWhenExpression", "x", CQL)]), {}),
    (
        "cql",
        number("a", extension=[extension("calculatedExpression", "uses")]),
        {"extension": [variable("v", "x", CQL)]},
    ),
    (
        "x-fhir-query",
        number("a", extension=[extension("calculatedExpression", "uses")]),
        {"extension": [variable("v", "Patient?name=x", QUERY)]},
    ),
    ("x-fhir-query", question("a", "choice", extension=[extension("answerExpression", "Patient?x", QUERY)]), {}),
    ("answer-expression", question("a", "choice", extension=[extension("answerExpression", "uses")]), {}),
    ("unreadable-expression", number("a", extension=[extension("calculatedExpression", "what?")]), {}),
    (
        "unreadable-expression",
        number("a", extension=[extension("calculatedExpression", "uses", "text/javascript")]),
        {},
    ),
    ("adaptive", number("a"), {"extension": [{"url": SDC + "questionnaireAdaptive", "valueBoolean": True}]}),
]


@pytest.mark.parametrize(("code", "item", "more"), REFUSED, ids=[f"{n} {each[0]}" for n, each in enumerate(REFUSED)])
def test_what_cannot_be_run_faithfully_is_refused_by_name(
    bench: Bench, code: str, item: dict[str, Any], more: dict[str, Any]
) -> None:
    bench.has("uses", lambda _, __: [], set(), {"v"})
    with pytest.raises(Invalid) as refused:
        bench.read(item, **more)
    assert refused.value.code == code


def test_more_expressions_than_can_be_computed_in_time_are_refused(bench: Bench) -> None:
    bench.has("anything", lambda _, __: [1])
    with pytest.raises(Invalid) as refused:
        bench.read(*(total(f"t{n}", "anything") for n in range(400)))
    assert refused.value.code == "too-many-items"
    assert bench.read(*(total(f"t{n}", "anything") for n in range(100))).items


def test_what_only_proposes_may_be_in_another_language_and_is_noted(bench: Bench) -> None:
    form = bench.read(
        number("a", extension=[extension("initialExpression", "x", CQL)]), extension=[variable("v", "Patient?x", QUERY)]
    )
    assert any("text/cql" in note for note in form.notes)
    assert form.variables == ()


def test_variables_that_use_one_another_in_a_circle_or_without_end_are_unknown(bench: Bench) -> None:
    for n in range(200):
        bench.has(f"v{n}", lambda _, __: [1], set(), {f"v{n + 1}"})
    bench.has("v200", lambda _, __: [1], set(), {"v0"})
    form = bench.read(number("a"), extension=[variable(f"v{n}", f"v{n}") for n in range(201)])
    assert form.items


def test_expressions_that_describe_linkids_look_at_those_of_the_form(bench: Bench) -> None:
    counted = bench.has("all of p", lambda _, env: [len(values(env["resource"], "p.1"))], {PREFIX + "p."})
    form = bench.read(number("p.1"), number("q"), total("sum", "all of p"))
    filled(form, {"p.1": whole(1)})
    calls = counted.calls
    assert filled(form, {"p.1": whole(1), "q": whole(2)})["sum"] == whole(1)
    assert counted.calls == calls


def test_what_is_computed_can_be_written_as_json(bench: Bench) -> None:
    bench.has("third", lambda _, __: [1 / 3], set())
    form = bench.read(question("a", "decimal", readOnly=True, extension=[extension("calculatedExpression", "third")]))
    assert json.dumps(filled(form, {})["a"][0].value) == "0.33333333"
