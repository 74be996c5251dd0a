"""Following is agreeing, unfollowing is withdrawing, a menu's entry is a word: each once, however often it is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming
from care.errors import NotReady
from care.records.channel_tokens import ChannelEvent
from care.records.consents import ledger
from care.records.patients import Patient, contact_points
from care.runtime import Runtime
from care.services import bindings, consents, follows, outbox
from care.services.locks import wait_for_patient
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

OPENID = "oyORnuP8q7ou2gfYjqLzSIWZf0rs"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def patient(world: World) -> Patient:
    made = world.patient(country="CN", language="zh-Hans", time_zone="Asia/Shanghai", phone="+8613800138000")
    code = bindings.issue(world.session, world.rt, world.clinic.nurse, made.id)
    world.receive(code, OPENID, channel="wechat")
    return made


def event(world: World, what: str, number: int = 0, sender: str = OPENID, **later: float) -> Incoming:
    at = world.now + timedelta(**later)
    return Incoming("wechat", sender, "", f"event-{what}-{number}-{at.timestamp()}", at, "gh_ours", event=what)


def hear(world: World, *args: object, **kwargs: object) -> str:
    return follows.hear(world.session, world.rt, event(world, *args, **kwargs))  # type: ignore[arg-type]


def allowed(world: World, patient: Patient) -> bool:
    return consents.ledger_of(world.session, [patient.id]).allows(patient.id, "wechat")


def status(world: World, patient: Patient) -> str:
    world.session.expire_all()
    return next(one.status for one in contact_points(world.session, patient.id) if one.channel == "wechat")


def test_who_is_bound_to_nobody_is_told_how_and_nothing_is_agreed_to(world: World):
    words = hear(world, "followed")
    assert "绑定码" in words
    assert "code" in words
    assert "911" in words
    (said,) = world.out()
    assert (said.purpose, said.delivery, said.send_at, said.patient_id) == (
        Purpose.CONFIRMATION.value,
        "sent-unconfirmed",
        None,
        None,
    )
    assert world.words(said) == [words]


def test_who_stops_following_gets_nothing_more_and_a_nurse_hears_of_it(world: World, patient: Patient):
    contact = next(one for one in contact_points(world.session, patient.id) if one.channel == "wechat")
    for purpose in (Purpose.REMINDER, Purpose.NURSE):
        outbox.enqueue(
            world.session,
            world.now,
            purpose=purpose,
            text="how are you",
            dedupe=f"test:{purpose}",
            patient=patient,
            contact=contact,
        )
    world.session.commit()
    assert hear(world, "unfollowed") == ""
    assert status(world, patient) == "opted-out"
    assert not allowed(world, patient)
    stopped = [one for one in world.out() if one.dedupe and one.dedupe.startswith("test:")]
    assert [(one.delivery, one.status_reason) for one in stopped] == [("stopped", "opted-out")] * 2
    assert [one.cause for one in world.escalations(patient)] == ["opted-out"]


def test_the_same_event_three_times_is_one(world: World, patient: Patient):
    gone = event(world, "unfollowed")
    for _ in range(3):
        assert follows.hear(world.session, world.rt, gone) == ""
    assert len(world.all(ChannelEvent)) == 1
    decisions = [one.source for one in ledger(world.session, patient.id)]
    assert decisions.count("unfollow") == 1
    assert len(world.escalations(patient)) == 1


def test_a_follower_who_asks_three_times_gets_the_same_answer(world: World):
    came = event(world, "followed")
    assert len({follows.hear(world.session, world.rt, came) for _ in range(3)}) == 1
    assert len(world.out()) == 1


def test_who_comes_back_is_agreed_again_and_told_so(world: World, patient: Patient):
    hear(world, "unfollowed")
    world.clock.forward(minutes=1)
    words = hear(world, "followed")
    assert "欢迎" in words
    assert status(world, patient) == "active"
    assert allowed(world, patient)
    assert ledger(world.session, patient.id)[0].source == "follow"


def test_an_event_that_is_overtaken_changes_nothing(world: World, patient: Patient):
    hear(world, "followed", seconds=2)
    hear(world, "unfollowed", seconds=1)
    assert status(world, patient) == "active"
    assert allowed(world, patient)


@pytest.mark.parametrize(("last", "left"), [("unfollowed", "opted-out"), ("followed", "active")])
def test_of_two_events_that_come_at_once_the_one_that_happened_last_counts(
    world: World, patient: Patient, empty_database: Engine, last: str, left: str
):
    before = "followed" if last == "unfollowed" else "unfollowed"
    hear(world, last)
    world.clock.forward(minutes=1)
    events = [event(world, last, seconds=2), event(world, before, seconds=1)]
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def take(one: Incoming) -> None:
        with Session(empty_database, expire_on_commit=False) as session:
            follows.hear(session, world.rt, one)

    for order in (events, list(reversed(events))):
        with Session(empty_database) as holding, ThreadPoolExecutor(2) as pool:
            wait_for_patient(holding, patient.id)
            told = []
            for number, one in enumerate(order, start=1):  # both have begun, and wait for whoever works for the patient
                told.append(pool.submit(take, one))
                with empty_database.connect() as looking:
                    while not told[-1].done() and looking.execute(waiting).scalar_one() < number:
                        looking.rollback()
            holding.commit()
            for one_told in told:
                one_told.result(30)
        assert (status(world, patient), allowed(world, patient)) == (left, left == "active")
        world.clock.forward(minutes=1)
        events = [event(world, last, 1, seconds=2), event(world, before, 1, seconds=1)]


def test_who_follows_by_scanning_a_code_is_bound_at_once(world: World):
    patient = world.patient(language="zh-Hant", time_zone="Asia/Hong_Kong", country="HK", phone="+85291234567")
    code = bindings.issue(world.session, world.rt, world.clinic.nurse, patient.id)
    words = hear(world, f"followed:{code}", sender="oNEW")
    assert "綁定" in words
    assert [one.address for one in contact_points(world.session, patient.id) if one.channel == "wechat"] == ["oNEW"]
    (said,) = world.out(Purpose.CONFIRMATION)
    assert (said.patient_id, said.delivery) == (patient.id, "sent-unconfirmed")


def test_who_follows_already_and_scans_a_code_is_bound_too(world: World):
    patient = world.patient()
    code = bindings.issue(world.session, world.rt, world.clinic.nurse, patient.id)
    assert "connected" in hear(world, f"scanned:{code}", sender="oNEW")
    assert "wechat" in {one.channel for one in contact_points(world.session, patient.id)}


def test_a_scan_of_some_other_picture_agrees_to_nothing(world: World, patient: Patient):
    world.receive("停止", OPENID, channel="wechat")
    world.take()
    assert hear(world, "scanned:POSTER") == ""
    assert not allowed(world, patient)


@pytest.mark.parametrize(("key", "words"), [("begin", "OK"), ("help", "HELP"), ("nurse", "NURSE"), ("else", "HELP")])
def test_an_entry_of_the_menu_is_said_in_the_patients_place(world: World, patient: Patient, key: str, words: str):
    for _ in range(3):
        assert hear(world, f"menu:{key}") == ""
    text = world.texts_in()[-1]
    assert world.words(text) == [words]
    assert (text.patient_id, text.purpose) == (patient.id, "menu")
    assert len(world.texts_in()) == 2
    world.take()
    assert world.out()[-1].patient_id == patient.id


def test_whoever_uses_the_menu_and_is_bound_to_nobody_is_told_how(world: World):
    words = hear(world, "menu:begin")
    assert "绑定码" in words
    assert world.texts_in() == []
    assert [one.delivery for one in world.out()] == ["sent-unconfirmed"]


def test_the_nurse_of_the_menu_is_a_nurse(world: World, patient: Patient):
    hear(world, "menu:nurse")
    world.take()
    assert [one.cause for one in world.escalations(patient)] == ["needs-person"]


def test_two_patients_of_one_account_both_stop(world: World, patient: Patient):
    mother = world.patient(phone="+8613800138001", country="CN", time_zone="Asia/Shanghai")
    world.receive(bindings.issue(world.session, world.rt, world.clinic.nurse, mother.id), OPENID, channel="wechat")
    hear(world, "unfollowed")
    assert [status(world, one) for one in (patient, mother)] == ["opted-out", "opted-out"]


def test_before_there_is_a_hospital_a_follower_is_asked_to_come_again(session: Session, rt: Runtime, clock: Clock):
    came = Incoming("wechat", OPENID, "", "event-1", clock.now, "gh_ours", event="followed")
    with pytest.raises(NotReady):
        follows.hear(session, rt, came)
    session.rollback()
    assert session.query(ChannelEvent).count() == 0
