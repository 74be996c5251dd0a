"""The publisher: what is due is told once, again when it is not taken, and never instead of the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.records.ids import new_id
from care.runtime import Runtime
from care.services import outbox
from scheduler.jobs import JOBS, drain
from scheduler.publisher import Published, Publisher, Road, clock_jobs
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.world import World, make_world


@dataclass
class Seconds:
    """A monotonic clock that is moved by hand."""

    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Post:
    """A broker that writes down what it was handed; `away` makes it refuse."""

    sent: list[tuple[Road, str, list[UUID]]] = field(default_factory=list)
    away: bool = False

    def __call__(self, road: Road, job: str, ids: Sequence[UUID]) -> None:
        if self.away:
            raise ConnectionError("no broker here")
        self.sent.append((road, job, list(ids)))

    def take(self) -> list[UUID]:
        """All ids handed over since the last time."""
        ids = [one for _, _, some in self.sent for one in some]
        self.sent.clear()
        return ids


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def publisher(post: Post, seconds: Seconds) -> Publisher:
    return Publisher(post, seconds)


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def queue(session: Session, clinic: Clinic, clock: Clock, count: int = 1, **changes: Any) -> list[UUID]:
    """Messages that are due, to nobody in particular."""
    made = []
    for number in range(count):
        message = outbox.enqueue(
            session,
            clock.now,
            purpose=changes.get("purpose", Purpose.CONFIRMATION),
            text="words of a patient",
            dedupe=f"test:{changes}:{number}",
            channel=changes.get("channel", "sms"),
            address=f"+1202555{number:04d}",
            organization_id=clinic.organization.id,
            priority=changes.get("priority", Priority.ROUTINE),
        )
        assert message is not None
        made.append(message.id)
    session.commit()
    return made


def test_what_is_due_is_published_once(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, publisher: Publisher, post: Post
):
    ids = queue(session, clinic, clock, 120)
    assert publisher.publish_due(session, rt).done == 120
    assert publisher.publish_due(session, rt).done == 0
    assert [(road, job, len(some)) for road, job, some in post.sent] == [
        ("routine", "deliver", 50),
        ("routine", "deliver", 50),
        ("routine", "deliver", 20),
    ]
    assert sorted(post.take()) == sorted(ids)


def test_what_is_not_due_yet_is_not_published(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, publisher: Publisher
):
    queue(session, clinic, clock)
    clock.forward(hours=-1)
    assert publisher.publish_due(session, rt).done == 0


def test_a_lost_message_is_published_again_after_its_time_and_then_more_and_more_rarely(
    session: Session,
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    publisher: Publisher,
    post: Post,
    seconds: Seconds,
):
    ids = queue(session, clinic, clock, 3)
    published = []
    for second in range(0, 3_600, 5):
        seconds.at = second
        publisher.publish_due(session, rt)
        if post.take() == ids:
            published.append(second)
    assert published == [0, 30, 90, 210, 450, 930, 1_530, 2_130, 2_730, 3_330]


def test_pages_and_emergencies_are_published_before_everything_else(
    world: World, clock: Clock, clinic: Clinic, publisher: Publisher, post: Post
):
    world.patient()
    routine = queue(world.session, clinic, clock, 60)
    pressing = queue(world.session, clinic, clock, 1, purpose=Purpose.PAGE, priority=Priority.STAT)
    text = world.receive("5.5").communication_id
    publisher.publish_due(world.session, world.rt)
    assert [(road, job) for road, job, _ in post.sent] == [
        ("urgent", "deliver"),
        ("reports", "turns"),
        ("routine", "deliver"),
        ("routine", "deliver"),
    ]
    assert post.take() == [*pressing, text, *routine]


def test_no_more_than_the_head_of_a_queue_is_out_at_a_time(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, post: Post, seconds: Seconds
):
    ids = queue(session, clinic, clock, 10)
    publisher = Publisher(post, seconds, head=4)
    publisher.publish_due(session, rt)
    publisher.publish_due(session, rt)
    assert post.take() == ids[:4]
    outbox.deliver_due(session, rt, clock.now, ids=ids[:4])
    publisher.publish_due(session, rt)
    assert post.take() == ids[4:8]


def test_what_one_provider_cannot_get_rid_of_hides_nothing_of_another_s(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, post: Post, seconds: Seconds
):
    stuck = queue(session, clinic, clock, 10)
    other = queue(session, clinic, clock, 2, channel="console")
    Publisher(post, seconds, head=4).publish_due(session, rt)
    assert sorted(post.take()) == sorted([*stuck[:4], *other])


def test_two_schedulers_publish_twice_and_it_is_sent_once(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, sms: FakeChannel, post: Post, seconds: Seconds
):
    ids = queue(session, clinic, clock, 5)
    for publisher in (Publisher(post, seconds), Publisher(post, seconds)):
        publisher.publish_due(session, rt)
    assert [some for _, _, some in post.sent] == [ids, ids]
    for _, _, some in post.sent:
        outbox.deliver_due(session, rt, clock.now, ids=some)
    assert sorted(one.id for one in sms.sent) == sorted(ids)


def test_a_broker_that_refuses_is_tried_again_and_after_a_while_the_clock_does_the_work_itself(
    session: Session,
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    publisher: Publisher,
    post: Post,
    seconds: Seconds,
    sms: FakeChannel,
):
    jobs = {one.name: one for one in clock_jobs(publisher)}
    ids = queue(session, clinic, clock, 3)
    post.away = True
    for at in (0, 5, 9):
        seconds.at = 1_000 + at
        assert publisher.publish_due(session, rt).done == 0
        assert drain(jobs["stand-in-deliver"], session, rt).claimed == 0
    seconds.at = 1_011
    publisher.publish_due(session, rt)
    assert publisher.needs_help("deliver")
    drain(jobs["stand-in-deliver"], session, rt)
    assert sorted(one.id for one in sms.sent) == sorted(ids)

    post.away = False
    more = queue(session, clinic, clock, 1, purpose=Purpose.SIGN_IN)
    assert publisher.publish_due(session, rt).done == 1
    assert post.take() == more
    assert not publisher.needs_help("deliver")
    assert drain(jobs["stand-in-deliver"], session, rt).claimed == 0


def test_a_broker_that_hangs_is_seen_while_it_hangs(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, seconds: Seconds
):
    seen = []

    def hang(road: Road, job: str, ids: Sequence[UUID]) -> None:
        for _ in range(2):
            seconds.at += 6
            seen.append(publisher.needs_help("deliver"))

    publisher = Publisher(hang, seconds)
    queue(session, clinic, clock)
    publisher.publish_due(session, rt)
    assert seen == [False, True]
    assert not publisher.needs_help("deliver")


def test_what_no_worker_takes_for_a_minute_is_done_by_the_clock(
    session: Session,
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    publisher: Publisher,
    seconds: Seconds,
    sms: FakeChannel,
):
    jobs = {one.name: one for one in clock_jobs(publisher)}
    ids = queue(session, clinic, clock, 2)
    publisher.publish_due(session, rt)
    seconds.at += 59
    publisher.publish_due(session, rt)
    assert not publisher.needs_help("deliver")
    seconds.at += 2
    assert publisher.needs_help("deliver")
    assert not publisher.needs_help("score")
    drain(jobs["stand-in-deliver"], session, rt)
    publisher.publish_due(session, rt)
    assert sorted(one.id for one in sms.sent) == sorted(ids)
    assert not publisher.needs_help("deliver")


def test_asking_for_help_stands_while_another_thread_publishes(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, publisher: Publisher
):
    queue(session, clinic, clock, 3)
    publisher.publish_due(session, rt)
    known = publisher._known["deliver"]

    class Meanwhile(float):
        """A moment at whose sight another row is published."""

        def __rsub__(self, now: float) -> float:
            known[new_id()] = Published(now, now)
            return now - float(self)

    for one in known.values():
        one.first = Meanwhile(one.first)
    assert not publisher.needs_help("deliver")


def test_with_a_broker_the_clock_has_its_own_jobs_and_a_stand_in_for_each_that_is_carried(publisher: Publisher):
    names = [one.name for one in clock_jobs(publisher)]
    assert len(names) == len(set(names))
    assert {one.name for one in JOBS if one.lane == "clock"} < set(names)
    assert {name for name in names if name.startswith("stand-in-")} == {
        f"stand-in-{one.name}" for one in JOBS if one.carry is not None
    }
