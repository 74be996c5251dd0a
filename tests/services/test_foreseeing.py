"""Foreseeing: what a preview promises is what the horizon writes, what the reminders do, and what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Capabilities
from care.domain.plan import read_plan
from care.errors import Invalid
from care.records.definitions import Definition
from care.records.ids import new_id
from care.records.tasks import Task
from care.services import content, foreseeing, reminders
from care.services.foreseeing import Reader
from care.services.plans import start_plan, stop_plan
from tests.conftest import Clinic, Clock, FakeChannel
from tests.domain.plans import action, plan
from tests.services.world import DIABETES, HEART, World, make_world

PRICES = {"US": (Decimal("0.01"), "USD")}
READER = Reader("en", "America/New_York", "US", ("sms",))


@pytest.fixture
def world(session: Session, rt: Any, clock: Clock, clinic: Clinic) -> World:
    made = make_world(session, rt, clock, clinic)
    made.rt.channels["sms"].capabilities = Capabilities(receipts=True, segments=3)
    return made


def published(world: World, document: dict[str, Any]) -> str:
    """The canonical of this protocol, published under a name of its own."""
    url = f"{document['url']}-{new_id().hex}"
    made = Definition(
        kind=content.PLAN,
        url=url,
        version="1",
        sha256=new_id().hex,
        document={**document, "url": url},
        published_at=world.now,
    )
    world.session.add(made)
    world.session.commit()
    return made.canonical


documents = st.builds(
    lambda times, expires, nudge, policy, late: plan(
        action("a", *times, expires_after=(expires, "h"), remind_after=(nudge, "min"), completion=policy, catch_up=late)
    ),
    st.sets(
        st.sampled_from(["00:00", "02:30", "06:45", "08:00", "12:00", "20:59", "21:00", "23:30"]),
        min_size=1,
        max_size=3,
    ).map(sorted),
    st.integers(1, 30),
    st.integers(1, 25),
    st.sampled_from(["afterStart", "duringEvent", "anytime"]),
    st.sampled_from(["skip", "once", "all"]),
)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    documents,
    st.sampled_from(["UTC", "America/New_York", "Asia/Hong_Kong", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 10)),
    st.integers(-3, 9),
)
def test_a_preview_before_the_start_is_what_the_horizon_then_writes(
    world: World, document: dict[str, Any], zone: str, at: datetime, days: int
):
    world.clock.set(at.replace(tzinfo=UTC))
    start = world.now.date() + timedelta(days=days)
    canonical = published(world, document)
    patient = world.patient(f"+1202555{next(world.numbers):04d}", None, time_zone=zone)
    reader = foreseeing.reader_of(world.session, world.rt, patient)
    protocol = content.plan(world.session, canonical)
    seen = foreseeing.before_start(world.session, world.rt, protocol, reader, start, 2, {})
    care_plan = start_plan(world.session, world.rt, world.clinic.nurse, patient.id, canonical, start)
    tasks = world.session.scalars(select(Task).where(Task.care_plan_id == care_plan.id)).all()
    written = {(task.action_id, task.nominal, task.due_at, task.expires_at) for task in tasks}
    until = care_plan.expanded_until
    assert until is not None
    promised = {
        (o.action_id, o.nominal, o.due_at, o.expires_at)
        for o in (one.occurrence for one in seen.asked)
        if o.due_at < until
    }
    assert promised == written
    running = foreseeing.of_plan(world.session, world.rt, care_plan, patient, 3, {})
    still = {(o.action_id, o.nominal, o.due_at) for o in (one.occurrence for one in running.asked) if o.due_at < until}
    assert still == {(name, nominal, due) for name, nominal, due, _ in written if due >= world.now}


@pytest.mark.parametrize("canonical", [DIABETES, HEART])
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_the_reminders_come_when_and_as_the_preview_says(world: World, canonical: str, language: str):
    patient = world.patient("+12025550101", None, time_zone="America/New_York", language=language)
    reader = foreseeing.reader_of(world.session, world.rt, patient)
    start = date(2026, 3, 6)  # two days before the clocks change there
    protocol = content.plan(world.session, canonical)
    seen = foreseeing.before_start(world.session, world.rt, protocol, reader, start, 2, PRICES)
    start_plan(world.session, world.rt, world.clinic.nurse, patient.id, canonical, start)
    promised = sorted(
        (r.at, seen.sayings[seen.saying(one, r.number)].words) for one in seen.asked for r in one.reminders
    )
    end = datetime(2026, 3, 10, 12, tzinfo=UTC)
    while (
        due := world.session.scalar(
            select(Task.remind_at).where(Task.remind_at.is_not(None)).order_by(Task.remind_at).limit(1)
        )
    ) and due < end:
        world.clock.set(due)
        reminders.send_due(world.session, world.rt, world.now)
    sent = world.out(Purpose.REMINDER)
    assert [(one.at, words) for one, words in zip(sent, world.words(*sent), strict=True)] == [
        one for one in promised if one[0] < end
    ]
    assert sent


def test_what_it_comes_to_is_counted_and_costed(world: World):
    protocol = content.plan(world.session, DIABETES)
    start = world.now.date() + timedelta(days=1)
    seen = foreseeing.before_start(world.session, world.rt, protocol, READER, start, 1, PRICES)
    assert (seen.tally.least, seen.tally.most) == (14, 28)
    assert (seen.tally.least_parts, seen.tally.most_parts) == (14, 28)
    assert (seen.tally.most_cost, seen.tally.currency) == (Decimal("0.28"), "USD")
    chinese = replace(READER, language="zh-Hans")
    assert seen.sayings[0].after, "an OK is answered with the question"
    there = foreseeing.before_start(world.session, world.rt, protocol, chinese, start, 1, PRICES)
    assert there.sayings[0].size is not None
    assert there.sayings[0].size.encoding == "UCS-2"


def test_an_unknown_price_stays_unknown_and_a_channel_without_parts_has_none(world: World):
    protocol = content.plan(world.session, DIABETES)
    start = world.now.date()
    seen = foreseeing.before_start(world.session, world.rt, protocol, replace(READER, country="GB"), start, 1, PRICES)
    assert (seen.tally.most_cost, seen.tally.currency) == (None, "")
    assert seen.tally.most_parts
    private = FakeChannel("console", capabilities=Capabilities(private=True))
    world.rt.channels["console"] = private  # type: ignore[index]
    shown = foreseeing.before_start(
        world.session, world.rt, protocol, replace(READER, channels=("console",)), start, 1, PRICES
    )
    assert shown.tally.most_parts is None
    assert {one.kind for one in shown.sayings} == {"words"}


def test_a_country_without_a_way_back_gets_a_notice_that_asks_for_none(world: World):
    world.rt.channels["sms"].capabilities = Capabilities(
        segments=8, by_country={"CN": {"two_way": False, "links": False}}
    )  # type: ignore[misc]
    protocol = content.plan(world.session, DIABETES)
    reader = Reader("zh-Hans", "Asia/Shanghai", "CN", ("sms",))
    seen = foreseeing.before_start(world.session, world.rt, protocol, reader, world.now.date(), 1, {})
    assert all("http" not in one.words and one.after == () for one in seen.sayings)
    assert "OK" not in seen.sayings[0].words


def test_nobody_is_reached_without_consent_or_channel(world: World):
    protocol = content.plan(world.session, DIABETES)
    seen = foreseeing.before_start(
        world.session, world.rt, protocol, replace(READER, channels=()), world.now.date(), 1, {}
    )
    assert (seen.channel, seen.tally.most) == ("", 0)


def test_a_stopped_plan_promises_nothing_and_what_is_answered_is_not_promised_again(world: World):
    patient = world.patient()
    plans = start_plan(world.session, world.rt, world.clinic.nurse, patient.id, HEART, world.now.date())
    before = foreseeing.of_plan(world.session, world.rt, plans, patient, 1, {})
    task = world.session.scalars(select(Task).where(Task.care_plan_id == plans.id).order_by(Task.due_at.desc())).first()
    assert task is not None
    soonest = world.session.scalars(
        select(Task).where(Task.care_plan_id == plans.id, Task.due_at > world.now).order_by(Task.due_at)
    ).first()
    assert soonest is not None
    soonest.status, soonest.remind_at = "completed", None
    world.session.commit()
    after = foreseeing.of_plan(world.session, world.rt, plans, patient, 1, {})
    assert len(after.asked) == len(before.asked) - 1
    stop_plan(world.session, world.rt, world.clinic.nurse, plans.id)
    assert foreseeing.of_plan(world.session, world.rt, plans, patient, 1, {}).asked == ()


@pytest.mark.parametrize("weeks", [0, -1, 27])
def test_a_preview_has_a_length(world: World, weeks: int):
    with pytest.raises(Invalid):
        foreseeing.before_start(world.session, world.rt, read_plan(plan()), READER, world.now.date(), weeks, {})
