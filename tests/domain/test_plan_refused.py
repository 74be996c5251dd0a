"""What a plan or a calendar may not say, each refused when it is read, with the place in the file."""

from __future__ import annotations

from typing import Any

import pytest

from care.domain.plan import read_calendar, read_plan
from care.domain.plan.calendar import WEEKDAYS
from care.errors import Invalid
from care.library import calendars
from tests.domain.plans import action, extension, plan

RELATED = [{"actionId": "second", "relationship": "after"}]
UNKNOWN = [RELATED[0], {"actionId": "third", "relationship": "after"}]


def refused(document: dict[str, Any]) -> tuple[str, object]:
    with pytest.raises(Invalid) as caught:
        read_plan(document, calendars())
    return caught.value.code, caught.value.detail["place"]


@pytest.mark.parametrize(
    ("own", "code", "place"),
    [
        ({"calendar": "mars-federal"}, "unknown-calendar", "extension[0].valueCode"),
        ({"calendar": ""}, "missing", "extension[0].valueCode"),
        ({"holiday": "skip"}, "unknown-calendar", "extension[0]"),
        ({"calendar": "us-federal", "holiday": "ignore"}, "unknown-holiday", "extension[1].valueCode"),
        ({"catch_up": "twice"}, "unknown-catch-up", "extension[0].valueCode"),
        ({"gap": "sometimes"}, "unknown-gap", "extension[0].valueCode"),
        ({"fold": "third"}, "unknown-fold", "extension[0].valueCode"),
        ({"completion": "never"}, "unknown-completion", "extension[0].valueCode"),
        ({"spread": (0, "min")}, "bad-number", "extension[0].valueDuration.value"),
        ({"spread": (30, "s")}, "bad-duration", "extension[0].valueDuration.code"),
        ({"expires_after": (2, "h"), "spread": (2, "h")}, "spread-too-wide", "extension[1].valueDuration"),
        ({"expires_after": (1, "h"), "spread": (2, "h")}, "spread-too-wide", "extension[1].valueDuration"),
        (
            {"expires_after": (3, "h"), "remind_after": (2, "h"), "spread": (1, "h")},
            "reminder-after-expiry",
            "extension",
        ),
    ],
)
def test_a_policy_that_cannot_be_done_is_refused_with_its_place(own: dict[str, Any], code: str, place: str) -> None:
    document = plan(action("first"), action("second", **own))
    assert refused(document) == (code, f"action[1].{place}")


def test_a_reminder_and_a_spread_end_with_the_day_of_a_task_that_closes_with_it() -> None:
    late = {"completion": "sameDay", "expires_after": (6, "h")}
    assert refused(plan(action("a", "22:00", spread=(2, "h"), **late)))[0] == "spread-too-wide"
    assert refused(plan(action("a", "22:00", remind_after=(2, "h"), **late)))[0] == "reminder-after-expiry"
    read_plan(plan(action("a", "22:00", remind_after=(1, "h"), spread=(30, "min"), **late)))
    read_plan(plan(action("a", "22:00", remind_after=(2, "h"), **{**late, "completion": "duringEvent"})))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "utc+8", "../../etc/passwd", "\0"])
def test_an_unknown_zone_is_refused_when_the_plan_is_read(zone: str) -> None:
    assert refused(plan(time_zone=zone)) == ("unknown-zone", "extension[0].valueCode")


def test_a_relation_to_an_action_that_is_not_there_is_told_from_one_that_is_not_supported() -> None:
    second = action("second")
    there = {**action("first"), "relatedAction": RELATED}
    absent = {**action("first"), "relatedAction": UNKNOWN}
    assert refused(plan(there, second)) == ("unsupported", "action[0].relatedAction")
    assert refused(plan(absent, second)) == ("unknown-action", "action[0].relatedAction[1].actionId")


def test_a_plan_that_recurs_every_second_or_ends_before_it_starts_is_refused() -> None:
    often, ended = action(), action(days=0)
    often["timingTiming"]["repeat"]["periodUnit"] = "s"
    assert refused(plan(often)) == ("recurs-too-often", "action[0].timingTiming.repeat.periodUnit")
    assert refused(plan(ended)) == ("ends-before-start", "action[0].timingTiming.repeat.boundsDuration")


def test_without_calendars_none_can_be_named() -> None:
    with pytest.raises(Invalid) as caught:
        read_plan(plan(action(calendar="us-federal")))
    assert caught.value.code == "unknown-calendar"


def test_all_policies_together_are_read() -> None:
    own = {"expires_after": (8, "h"), "spread": (30, "min"), "catch_up": "once"}
    one = read_plan(plan(action(calendar="cn-public", holiday="next-working-day", **own)), calendars()).actions[0]
    assert one.calendar is calendars()["cn-public"]
    assert (one.holiday, one.catch_up, one.spread.total_seconds()) == ("next-working-day", "once", 1800)
    assert read_plan(plan(time_zone="Asia/Shanghai")).time_zone == "Asia/Shanghai"
    plain = read_plan(plan()).actions[0]
    assert (plain.calendar, plain.catch_up, plain.spread.total_seconds()) == (None, "skip", 0)
    assert extension("spread", (1, "h"))["valueDuration"] == {"value": 1, "code": "h"}


GOOD = {"id": "x", "title": {"en": "X"}, "years": [2026, 2026], "weekend": ["sat", "sun"]}


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"years": [2026]}, "bad-years", "years"),
        ({"years": [2026, 2025]}, "ends-before-start", "years"),
        ({"years": [2026, "x"]}, "bad-number", "years[1]"),
        ({"weekend": ["so"]}, "bad-weekday", "weekend[0]"),
        ({"id": ""}, "missing", "id"),
        ({"title": "X"}, "not-an-object", "title"),
        ({"days": [{"from": "2026-02-30"}]}, "bad-date", "days[0].from"),
        ({"days": [{"from": "2026-02-03", "to": "2026-02-01"}]}, "ends-before-start", "days[0]"),
        ({"days": [{"from": "2027-02-03"}]}, "outside-years", "days[0]"),
        ({"days": [7]}, "not-an-object", "days[0]"),
        ({"days": [{"from": "2026-02-03"}], "working": ["2026-02-03"]}, "both", "working: 2026-02-03"),
        ({"rules": [{"month": 13, "day": 1}]}, "bad-number", "rules[0].month"),
        ({"rules": [{"month": 2, "day": 30}]}, "bad-date", "rules[0]"),
        ({"rules": [{"month": 2, "day": 3, "observed": "someday"}]}, "unknown-observed", "rules[0].observed"),
        ({"rules": [{"month": 2, "weekday": "mon", "nth": 0}]}, "bad-number", "rules[0].nth"),
        ({"rules": [{"month": 2, "weekday": "mon", "nth": 5}]}, "bad-number", "rules[0].nth"),
        ({"weekend": list(WEEKDAYS), "days": [{"from": "2026-02-03"}]}, "no-working-day", "2026-02-03"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_its_place(
    change: dict[str, Any], code: str, place: str
) -> None:
    with pytest.raises(Invalid) as caught:
        read_calendar({**GOOD, **change})
    assert (caught.value.code, caught.value.detail["place"]) == (code, place)
