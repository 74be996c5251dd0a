"""Triage: rules first, a model may only add, doubt is an alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from care.domain.assessment import Assessment
from care.domain.codes import Priority
from care.domain.rules import Finding
from care.domain.triage import triage

LOW = Finding(
    "glucose-low",
    "1",
    "glucose-low",
    Priority.URGENT,
    "glucose-low",
    {"value": "62"},
    ("m1",),
    timedelta(minutes=20),
    "low-glucose-repeat",
)
FORECAST = Assessment("hypoglycaemia-next-day", "abc", 0.61, "high", "urgent", (), (), (), ("m1", "m2"))


def test_nothing_found_is_nothing_to_do() -> None:
    assert triage((), None, None) == ()


def test_a_protocol_without_a_model_is_judged_by_rules_alone() -> None:
    (alarm,) = triage((LOW,), None, None)
    assert (alarm.source, alarm.cause, alarm.priority, alarm.origin) == (
        "rule",
        "glucose-low",
        Priority.URGENT,
        "glucose-low|1",
    )
    assert (alarm.page_after, alarm.reply, alarm.refs) == (timedelta(minutes=20), "low-glucose-repeat", ("m1",))


def test_a_model_adds_an_alarm_of_its_own_and_takes_none_away() -> None:
    alone = triage((LOW,), None, None)
    both = triage((LOW,), FORECAST, None)
    assert all(alarm in both for alarm in alone)
    (added,) = [alarm for alarm in both if alarm.source == "model"]
    assert (added.cause, added.reason) == ("hypoglycaemia-next-day", "model.hypoglycaemia-next-day")
    assert added.params["percent"] == "61"
    assert added.origin == "hypoglycaemia-next-day|abc"
    assert added.refs == ("m1", "m2")


def test_a_band_that_asks_for_nothing_adds_nothing() -> None:
    assert triage((), replace(FORECAST, priority=None, band="low"), None) == ()


def test_a_model_that_could_not_speak_is_an_urgent_doubt_beside_the_rules() -> None:
    alarms = triage((LOW,), None, "missing-input")
    assert {(alarm.cause, alarm.source, alarm.priority) for alarm in alarms} == {
        ("glucose-low", "rule", Priority.URGENT),
        ("unscorable", "doubt", Priority.URGENT),
    }
    (doubt,) = [alarm for alarm in alarms if alarm.source == "doubt"]
    assert doubt.params == {"failure": "missing-input"}


@pytest.mark.parametrize("broken", [{"risk": float("nan")}, {"risk": 1.2}, {"risk": -0.1}, {"priority": "red"}])
def test_an_assessment_that_makes_no_sense_is_a_doubt_and_never_green(broken: dict[str, object]) -> None:
    (alarm,) = triage((), replace(FORECAST, **broken), None)
    assert (alarm.cause, alarm.priority) == ("unscorable", Priority.URGENT)


def test_a_measure_that_the_rules_could_not_read_is_one_doubt_with_a_failed_model() -> None:
    doubt = Finding("unscorable", "1", "unscorable", Priority.URGENT, "unscorable", {"failure": "unknown-unit"}, ("m",))
    (alarm,) = triage((doubt,), None, "missing-input")
    assert alarm.source == "doubt"


def test_the_most_pressing_comes_first() -> None:
    stat = replace(LOW, cause="a", priority=Priority.STAT, page_after=timedelta())
    routine = replace(LOW, cause="b", priority=Priority.ROUTINE)
    assert [a.priority for a in triage((routine, LOW, stat), FORECAST, None)] == ["stat", "urgent", "urgent", "routine"]
