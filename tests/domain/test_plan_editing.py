"""Editing a protocol: what is not changed stays, what is changed is read back, and the difference names that."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.plan import Action, PlanDefinition, difference, read_plan
from care.domain.plan.editing import ActionForm, edited, form_of, place_of
from care.errors import Invalid
from care.library import calendars
from care.library.files import documents
from tests.domain.plans import action, plan
from tests.domain.test_plan_random import actions

SEEDS = [found for _, found in documents("protocols")]


def forms(document: dict[str, Any]) -> list[ActionForm]:
    return [form_of(one) for one in read(document).actions]


def read(document: dict[str, Any]) -> PlanDefinition:
    return read_plan(document, calendars())


@pytest.mark.parametrize("document", SEEDS, ids=lambda one: one["id"])
def test_a_protocol_saved_as_it_is_asks_the_same(document: dict[str, Any]):
    again = edited(document, forms(document))
    assert read(again) == read(document)
    assert difference(read(document), read(again)) == ()


def test_what_the_form_does_not_show_stays():
    document = plan(action("a", gap="skip", fold="second"), action("b"))
    document["action"][0]["documentation"] = [{"type": "citation", "citation": "a guideline"}]
    changed = edited(document, [replace(forms(document)[0], times="9:30")])
    one = read(changed).actions[0]
    assert (one.gap, one.fold, one.times) == ("skip", "second", (time(9, 30),))
    assert changed["action"][0]["documentation"] == document["action"][0]["documentation"]
    assert len(document["action"]) == 2, "what was given is not touched"


@settings(deadline=None, max_examples=100)
@given(actions())
def test_every_action_that_can_be_written_down_survives_the_form(one: Action):
    one = replace(one, title={"en": "T", "zh-Hans": "题"}, calendar=None, holiday="skip", gap="next", fold="first")
    assert read(edited(plan(), [form_of(replace(one, id=""))])).actions == (replace(one, id="t"),)


@settings(deadline=None, max_examples=100)
@given(st.lists(actions(), min_size=1, max_size=4), st.lists(actions(), min_size=1, max_size=4))
def test_the_difference_names_every_change_and_nothing_else(old: list[Action], new: list[Action]):
    before, after = (
        PlanDefinition("p", "1", {}, {}, tuple(replace(one, id=f"a{n}") for n, one in enumerate(some)))
        for some in (old, new)
    )
    found = difference(before, after)
    names = {one.id for one in before.actions}, {one.id for one in after.actions}
    assert {one.action for one in found if one.kind == "removed"} == names[0] - names[1]
    assert {one.action for one in found if one.kind == "added"} == names[1] - names[0]
    for name in names[0] & names[1]:
        first, second = before.action(name), after.action(name)
        differ = {one.name for one in fields(Action) if getattr(first, one.name) != getattr(second, one.name)}
        assert {one.field for one in found if one.action == name and one.kind == "changed"} == differ
    assert difference(before, before) == ()
    assert (found == ()) == (before.actions == after.actions)


def test_an_order_that_changed_is_a_change():
    before, after = read(plan(action("a"), action("b"))), read(plan(action("b"), action("a"), version="2"))
    assert {(one.kind, one.action, one.before, one.after) for one in difference(before, after)} == {
        ("moved", "a", 1, 2),
        ("moved", "b", 2, 1),
    }


def test_a_new_action_gets_a_name_of_its_own():
    new = ActionForm("", {"en": "Evening Weight!"}, "q|1", "20:00")
    document = edited(plan(), [new, new])
    assert [one["id"] for one in document["action"]] == ["evening-weight", "evening-weight-2"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"times": "8 o'clock"}, "0-times"),
        ({"times": "25:00"}, "0-times"),
        ({"times": ""}, "0-times"),
        ({"times": "08:00, 8:00"}, "0-times"),
        ({"every": "0"}, "0-every"),
        ({"every": "2", "weekdays": ("mon",)}, "0-every"),
        ({"last_day": "3", "first_day": "4"}, "0-last_day"),
        ({"first_day": "x"}, "0-first_day"),
        ({"expires": "soon"}, "0-expires"),
        ({"nudges": "3 hours"}, "0-nudges"),
        ({"nudges": "40 d"}, "0-expires"),
        ({"questionnaire": "unpinned"}, "0-questionnaire"),
        ({"titles": {"en": " "}}, "0-title"),
        ({"completion": "never"}, "0-expires"),
        ({"weekdays": ("someday",)}, "0-weekdays"),
        ({"holiday": "mars:skip"}, "0-expires"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(change: dict[str, Any], place: str):
    form = replace(forms(plan())[0], **change)
    with pytest.raises(Invalid) as wrong:
        read(edited(plan(), [form]))
    told = str(wrong.value.detail["place"])
    assert (told if "-" in told and "[" not in told else place_of(told)) == place


def test_lists_are_taken_as_people_write_them():
    form = replace(forms(plan())[0], times="8:00、18:30；21.15", nudges="30 min,2h", expires="4 h", spread="10min")
    one = read(edited(plan(), [form])).actions[0]
    assert one.times == (time(8), time(18, 30), time(21, 15))
    assert one.remind_after == (timedelta(), timedelta(minutes=30), timedelta(hours=2))
    assert one.spread == timedelta(minutes=10)
