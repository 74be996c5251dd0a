"""Plans: read from FHIR with a place for every refusal, and expanded so that each moment comes exactly once."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.civil import instant, zone_of
from care.domain.codes import LANGUAGES
from care.domain.plan import Action, Occurrence, PlanDefinition, expand, read_plan
from care.errors import Invalid

LIBRARY = Path(__file__).parent.parent.parent / "care" / "library" / "protocols"
DOCUMENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(LIBRARY.glob("*.json"))}
DIABETES = DOCUMENTS["diabetes-diary"]
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo"]
ZONES += ["Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns"]
YEAR = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def action(*times: time, **changes: Any) -> Action:
    return Action("a", {"en": "A"}, "https://care.invalid/fhir/Questionnaire/q|1", times or (time(8),), **changes)


def plan(*actions: Action) -> PlanDefinition:
    return PlanDefinition("https://care.invalid/fhir/PlanDefinition/p", "1", {"en": "P"}, {}, actions)


def dues(one: Action, start: date, zone: str) -> list[Occurrence]:
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    return expand(plan(one), start, zone, begin - timedelta(days=3), begin + timedelta(days=400))


def wall(occurrence: Occurrence, zone: str) -> datetime:
    return occurrence.due_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def test_the_three_protocols_read_in_three_languages() -> None:
    assert sorted(DOCUMENTS) == ["cancer-treatment-symptoms", "diabetes-diary", "heart-failure-daily"]
    for name, document in DOCUMENTS.items():
        read = read_plan(document)
        assert read.canonical == f"https://care.invalid/fhir/PlanDefinition/{name}|1.0.0"
        for texts in (read.title, read.description, *(one.title for one in read.actions)):
            assert set(texts) == set(LANGUAGES)


def test_the_diabetes_diary_asks_before_breakfast_and_before_supper_for_twelve_weeks() -> None:
    read = read_plan(DIABETES)
    assert (read.rules, read.bundle) == (("diabetes",), "hypoglycaemia-next-day")
    assert read.diary == "https://care.invalid/fhir/Questionnaire/glucose-diary-entry|1.0.0"
    found = expand(read, date(2025, 9, 1), "Asia/Hong_Kong", *YEAR)
    assert len(found) == 2 * 84
    assert [o.nominal.time() for o in found[:2]] == [time(8), time(18)]
    assert found[0].due_at == datetime(2025, 9, 1, 0, 0, tzinfo=UTC)
    assert found[0].expires_at - found[0].due_at == timedelta(hours=6)
    assert read.actions[0].remind_after == (timedelta(), timedelta(hours=2))
    assert read.action("glucose-before-supper") is read.actions[1]
    assert read.action("nonsense") is None


def test_the_heart_failure_check_is_every_morning_and_has_no_model() -> None:
    read = read_plan(DOCUMENTS["heart-failure-daily"])
    assert (read.rules, read.bundle, read.diary) == (("heart-failure",), None, None)
    assert len(expand(read, date(2025, 9, 1), "Europe/London", *YEAR)) == 90


def test_the_cancer_check_comes_on_mondays_and_thursdays() -> None:
    found = expand(read_plan(DOCUMENTS["cancer-treatment-symptoms"]), date(2025, 9, 3), "Asia/Shanghai", *YEAR)
    assert {o.nominal.weekday() for o in found} == {0, 3}
    assert found[0].nominal == datetime(2025, 9, 4, 10)
    assert len(found) == 52


def test_the_wall_clock_holds_when_the_clocks_change() -> None:
    found = dues(action(time(8)), date(2026, 3, 1), "America/New_York")
    assert {wall(o, "America/New_York").time() for o in found} == {time(8)}
    assert {o.due_at.hour for o in found} == {12, 13}


def test_a_time_that_does_not_exist_is_the_first_moment_after_the_gap() -> None:
    (found,) = dues(action(time(2, 30), last_day=0), date(2026, 3, 8), "America/New_York")
    assert found.due_at == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)  # 03:00 there
    assert found.nominal == datetime(2026, 3, 8, 2, 30)
    assert dues(action(time(2, 30), last_day=0, gap="skip"), date(2026, 3, 8), "America/New_York") == []


def test_two_times_in_one_gap_stay_two_occurrences() -> None:
    found = dues(action(time(2, 15), time(2, 45), last_day=0), date(2026, 3, 8), "America/New_York")
    assert len({(o.action_id, o.nominal) for o in found}) == 2
    assert len({o.due_at for o in found}) == 1


def test_a_time_that_exists_twice_is_the_first_of_the_two() -> None:
    (first,) = dues(action(time(1, 30), last_day=0), date(2026, 11, 1), "America/New_York")
    (second,) = dues(action(time(1, 30), last_day=0, fold="second"), date(2026, 11, 1), "America/New_York")
    assert first.due_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert second.due_at - first.due_at == timedelta(hours=1)


def test_a_gap_of_half_an_hour_and_a_gap_of_a_day_end_where_they_end() -> None:
    (half,) = dues(action(time(2, 10), last_day=0), date(2026, 10, 4), "Australia/Lord_Howe")
    assert wall(half, "Australia/Lord_Howe") == datetime(2026, 10, 4, 2, 30)
    (day,) = dues(action(time(9), last_day=0), date(2011, 12, 30), "Pacific/Apia")  # the day that Samoa left out
    assert wall(day, "Pacific/Apia") == datetime(2011, 12, 31, 0, 0)


def test_weeks_fortnights_and_later_days_are_counted_from_the_start() -> None:
    weekly = dues(action(every_days=7, first_day=3, last_day=30), date(2025, 9, 1), "UTC")
    assert [(o.nominal.date() - date(2025, 9, 1)).days for o in weekly] == [3, 10, 17, 24]


def test_an_unknown_zone_is_refused_and_never_guessed() -> None:
    for zone in ("Mars/Olympus", "", "America", "../etc/passwd", "\0"):
        with pytest.raises(Invalid) as refused:
            expand(plan(action()), date(2025, 9, 1), zone, *YEAR)
        assert refused.value.code == "unknown-zone"


actions = st.builds(
    lambda times, every, first, length, weekdays: action(
        *sorted(times),
        every_days=1 if weekdays else every,
        first_day=first,
        last_day=None if length is None else first + length,
        weekdays=tuple(sorted(weekdays)),
    ),
    st.sets(st.times().map(lambda at: at.replace(second=0, microsecond=0)), min_size=1, max_size=3),
    st.integers(1, 15),
    st.integers(0, 9),
    st.none() | st.integers(0, 60),
    st.sets(st.integers(0, 6), max_size=3),
)
moments = st.datetimes(datetime(2025, 2, 1), datetime(2025, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


@settings(deadline=None)
@given(actions, st.dates(date(2025, 2, 1), date(2025, 11, 30)), st.sampled_from(ZONES), st.lists(moments, max_size=4))
def test_asking_in_pieces_gives_each_occurrence_once(one: Action, start: date, zone: str, cuts: list[datetime]) -> None:
    since, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    whole = expand(plan(one), start, zone, since, until)
    edges = [since, *sorted(cuts), until]
    pieces = [o for a, b in pairwise(edges) for o in expand(plan(one), start, zone, a, b)]
    assert sorted(pieces, key=lambda o: o.nominal) == sorted(whole, key=lambda o: o.nominal)
    assert len({(o.action_id, o.nominal) for o in whole}) == len(whole)


@settings(deadline=None)
@given(actions, st.dates(date(2025, 2, 1), date(2025, 11, 30)), st.sampled_from(ZONES))
def test_every_day_that_is_asked_for_comes_and_no_other(one: Action, start: date, zone: str) -> None:
    since, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    found = expand(plan(one), start, zone, since, until)
    expected = set()
    for number in range(400):
        day = start + timedelta(days=number)
        inside = number >= one.first_day and (one.last_day is None or number <= one.last_day)
        inside = inside and (number - one.first_day) % one.every_days == 0
        if inside and (not one.weekdays or day.weekday() in one.weekdays):
            expected |= {datetime.combine(day, at) for at in one.times}
    assert {o.nominal for o in found} == {n for n in expected if since <= _due(n, zone) < until}
    for occurrence in found:
        late = wall(occurrence, zone) - occurrence.nominal
        assert timedelta() <= late <= timedelta(hours=1)  # later only where the clocks go forward


def _due(nominal: datetime, zone: str) -> datetime:
    due = instant(nominal, zone_of(zone))
    assert due is not None
    return due


REPEAT = ("action", 1, "timingTiming", "repeat")
TIMING = "action[1].timingTiming.repeat"
GONE = object()


@pytest.mark.parametrize(
    ("path", "value", "code", "place"),
    [
        (("resourceType",), "Questionnaire", "not-a-plan", "resourceType"),
        (("url",), GONE, "missing", "url"),
        (("version",), 1, "missing", "version"),
        (("title",), " ", "missing", "title"),
        (("_title", "extension"), "x", "not-a-list", "_title.extension"),
        (("_title", "extension", 0, "extension"), [], "bad-translation", "_title"),
        (("action",), [], "no-actions", "action"),
        (("action",), GONE, "no-actions", "action"),
        (("action",), {}, "not-a-list", "action"),
        (("action", 1), 7, "not-an-object", "action[1]"),
        (("action", 1, "id"), "glucose-before-breakfast", "duplicate-action", "action[1].id"),
        (("action", 1, "id"), GONE, "missing", "action[1].id"),
        (("action", 1, "definitionCanonical"), GONE, "missing-definition", "action[1].definitionCanonical"),
        (("action", 1, "definitionCanonical"), "https://q", "unpinned-definition", "action[1].definitionCanonical"),
        (("action", 1, "relatedAction"), [], "unsupported", "action[1].relatedAction"),
        (("action", 1, "timingTiming"), GONE, "not-an-object", "action[1].timingTiming"),
        ((*REPEAT, "periodUnit"), "s", "recurs-too-often", f"{TIMING}.periodUnit"),
        ((*REPEAT, "periodUnit"), "min", "recurs-too-often", f"{TIMING}.periodUnit"),
        ((*REPEAT, "periodUnit"), "h", "recurs-too-often", f"{TIMING}.periodUnit"),
        ((*REPEAT, "periodUnit"), "mo", "unsupported", f"{TIMING}.periodUnit"),
        ((*REPEAT, "period"), 0, "bad-number", f"{TIMING}.period"),
        ((*REPEAT, "period"), 0.5, "bad-number", f"{TIMING}.period"),
        ((*REPEAT, "period"), True, "bad-number", f"{TIMING}.period"),
        ((*REPEAT, "frequency"), 3, "frequency-mismatch", f"{TIMING}.frequency"),
        ((*REPEAT, "timeOfDay"), GONE, "missing-time", f"{TIMING}.timeOfDay"),
        ((*REPEAT, "timeOfDay"), ["25:00:00"], "bad-time", f"{TIMING}.timeOfDay[0]"),
        ((*REPEAT, "timeOfDay"), ["8 am"], "bad-time", f"{TIMING}.timeOfDay[0]"),
        ((*REPEAT, "timeOfDay"), ["08:00:00+08:00"], "bad-time", f"{TIMING}.timeOfDay[0]"),
        ((*REPEAT, "timeOfDay"), ["08:00:00", "08:00:00"], "duplicate-time", f"{TIMING}.timeOfDay"),
        ((*REPEAT, "dayOfWeek"), ["monday"], "bad-weekday", f"{TIMING}.dayOfWeek"),
        ((*REPEAT, "dayOfWeek"), ["mon"], "unsupported", f"{TIMING}.dayOfWeek"),
        ((*REPEAT, "boundsDuration", "value"), 0, "ends-before-start", f"{TIMING}.boundsDuration"),
        ((*REPEAT, "boundsDuration", "value"), -3, "ends-before-start", f"{TIMING}.boundsDuration"),
        ((*REPEAT, "boundsDuration", "value"), 1e9, "bad-number", f"{TIMING}.boundsDuration.value"),
        ((*REPEAT, "boundsDuration", "code"), "h", "unsupported", f"{TIMING}.boundsDuration.code"),
        ((*REPEAT, "boundsPeriod"), {}, "unsupported", f"{TIMING}.boundsPeriod"),
        (
            ("action", 1, "extension", 2, "valueCode"),
            "whenever",
            "unknown-completion",
            "action[1].extension[2].valueCode",
        ),
        (
            ("action", 1, "extension", 0, "valueDuration", "value"),
            6,
            "reminder-after-expiry",
            "action[1].extension",
        ),
        (
            ("action", 1, "extension", 0, "valueDuration", "code"),
            "s",
            "bad-duration",
            "action[1].extension[0].valueDuration.code",
        ),
        (
            ("action", 1, "extension", 0, "url"),
            "https://care.invalid/fhir/StructureDefinition/surprise",
            "unknown-extension",
            "action[1].extension[0]",
        ),
        (("extension", 2, "valueCanonical"), "q", "unpinned-definition", "extension[2]"),
    ],
)
def test_a_plan_that_cannot_be_done_as_written_is_refused_with_its_place(
    path: tuple[Any, ...], value: object, code: str, place: str
) -> None:
    with pytest.raises(Invalid) as refused:
        read_plan(changed(DIABETES, path, value))
    assert (refused.value.code, refused.value.detail["place"]) == (code, place)


def changed(document: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    copied = copy.deepcopy(document)
    holder: Any = copied
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copied


@pytest.mark.parametrize("document", [None, [], "plan", 7])
def test_what_is_no_object_is_no_plan(document: Any) -> None:
    with pytest.raises(Invalid):
        read_plan(document)


def test_a_range_of_days_has_a_first_and_a_last_one() -> None:
    def days(low: int, high: int) -> dict[str, Any]:
        bounds = {"low": {"value": low, "code": "d"}, "high": {"value": high, "code": "wk"}}
        document = changed(DIABETES, (*REPEAT, "boundsDuration"), GONE)
        return changed(document, (*REPEAT, "boundsRange"), bounds)

    read = read_plan(days(3, 2)).actions[1]
    assert (read.first_day, read.last_day) == (3, 14)
    with pytest.raises(Invalid) as refused:
        read_plan(days(8, 1))
    assert (refused.value.code, refused.value.detail["place"]) == ("ends-before-start", f"{TIMING}.boundsRange")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        found += places(inner, (*path, key))
    return found


junk = st.sampled_from(
    [None, True, -1, 0, 1.5, 1e308, float("nan"), "", "x", "|", [], [[]], {}, {"url": []}, [{}], [None]]
)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(DOCUMENTS)), st.data())
def test_junk_anywhere_in_a_plan_is_read_or_refused_and_never_a_crash(name: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(places(DOCUMENTS[name])))
    document = changed(DOCUMENTS[name], path, data.draw(junk | st.just(GONE)))
    try:
        read = read_plan(document)
    except Invalid as refused:
        place = refused.detail.get("place")
    else:
        place = read.actions[0].id
    assert place is not None
