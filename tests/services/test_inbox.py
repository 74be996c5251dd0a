"""The way in: a text is kept once, screened whoever sent it, and a red flag is answered in the same commit."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Medium
from care.errors import NotReady
from care.records.attachments import Attachment
from care.records.communications import Communication, CommunicationContent, contents
from care.records.escalations import Escalation
from care.records.flags import Flag
from care.records.patients import ContactPoint
from care.runtime import Runtime
from care.services import inbox
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

CHEST_PAIN = "I have crushing chest pain"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def test_a_text_is_kept_sealed_before_anything_is_made_of_it(world: World) -> None:
    patient = world.patient()
    received = world.receive("glucose 100")
    (kept,) = world.texts_in()
    assert (kept.id, received.new, kept.patient_id, kept.take_at) == (
        received.communication_id,
        True,
        patient.id,
        world.now,
    )
    content = world.session.get_one(CommunicationContent, kept.id)
    assert (content.text, content.address) == ("glucose 100", "+12025550101")
    assert b"100" not in content.text_sealed
    assert b"2025550101" not in (content.address_sealed or b"")


def test_a_text_sent_twice_is_one_text(world: World) -> None:
    world.patient()
    text = world.incoming("glucose 100")
    first, second = (inbox.receive(world.session, world.rt, text) for _ in range(2))
    assert (first.new, second.new) == (True, False)
    assert first.communication_id == second.communication_id
    assert len(world.texts_in()) == 1


def test_a_text_sent_twice_in_one_batch_is_one_text(world: World) -> None:
    world.patient()
    text = world.incoming("glucose 100")
    first, second = inbox.receive_many(world.session, world.rt, [text, text])
    assert (first.communication_id, first.new) == (second.communication_id, True)
    assert len(world.texts_in()) == 1


def test_equal_words_with_two_provider_ids_are_two_texts(world: World) -> None:
    world.patient()
    inbox.receive_many(world.session, world.rt, [world.incoming("1"), world.incoming("1")])
    assert len(world.texts_in()) == 2


def test_the_same_provider_id_at_once_is_one_text_with_one_emergency_reply(
    world: World, empty_database: Engine
) -> None:
    world.patient()
    text = world.incoming(CHEST_PAIN)
    gate = Barrier(4)
    news: list[bool] = []

    def one() -> None:
        with Session(empty_database) as session:
            gate.wait()
            news.append(inbox.receive(session, world.rt, text).new)

    threads = [Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(news) == [False, False, False, True]
    assert len(world.texts_in()) == 1
    assert len(world.out(Purpose.EMERGENCY)) == 1
    assert len(world.links()) == 1


@pytest.mark.parametrize("words", [CHEST_PAIN, "我胸口好痛", "I want to kill myself", "我不想活了"])
def test_a_red_flag_is_escalated_and_answered_in_the_commit_of_the_text(world: World, words: str) -> None:
    patient = world.patient()
    world.receive(words)
    world.session.rollback()  # what is not committed is gone
    (raised,) = world.escalations(patient)
    assert (raised.priority, raised.page_at) == ("stat", world.now)
    (reply,) = world.out()
    assert (reply.purpose, reply.priority, reply.contact_point_id) == (
        "emergency",
        3,
        world.all(ContactPoint)[0].id,
    )
    assert "911" in world.words(reply)[0]
    assert world.links()[0].communication_id == world.texts_in()[0].id


def test_the_emergency_reply_speaks_the_patients_language_with_the_countrys_number(world: World) -> None:
    world.patient(language="zh-Hans", country="CN", contacts=(("sms", "+8613912345678", None),))
    world.receive("胸口很痛", "+8613912345678")
    assert "120" in world.words(*world.out())[0]


def test_an_opted_out_patient_is_still_answered_in_an_emergency(world: World) -> None:
    patient = world.patient()
    world.say("STOP")
    world.receive(CHEST_PAIN)
    assert [(row.cause, row.priority) for row in world.escalations(patient)] == [
        ("opted-out", "routine"),
        ("red-flag", "stat"),
    ]
    assert [one.delivery for one in world.out(Purpose.EMERGENCY)] == ["queued"]


def test_an_unknown_senders_text_waits_for_the_team_that_was_written_to(world: World) -> None:
    world.receive("hello, who is this?", "+12025550199")
    (kept,) = world.texts_in()
    assert (kept.patient_id, kept.care_team_id, kept.waits_since, kept.take_at) == (
        None,
        world.clinic.team.id,
        world.now,
        None,
    )


def test_an_unknown_sender_gets_one_safe_reply_a_day(world: World) -> None:
    for _ in range(3):
        world.receive("hello?", "+12025550199")
    world.clock.forward(days=1)
    world.receive("hello?", "+12025550199")
    replies = world.out()
    assert len(replies) == 2
    assert all(one.purpose == "confirmation" and one.patient_id is None for one in replies)
    assert "911" in world.words(replies[0])[0]


def test_an_unknown_sender_who_says_stop_is_left_alone(world: World) -> None:
    world.receive("STOP", "+12025550199")
    assert world.out() == []
    assert [one.waits_since for one in world.texts_in()] == [None]


def test_a_red_flag_of_an_unknown_sender_pages_the_team(world: World) -> None:
    world.receive(CHEST_PAIN, "+12025550199")
    world.receive(CHEST_PAIN, "+12025550199")
    (raised,) = world.escalations()
    assert (raised.patient_id, raised.care_team_id, raised.priority) == (None, world.clinic.team.id, "stat")
    (flag,) = world.all(Flag)
    assert flag.patient_id is None
    assert [one.purpose for one in world.out()] == ["emergency", "emergency"]


def test_a_red_flag_on_a_shared_phone_is_raised_for_everyone_and_answered_once(world: World) -> None:
    people = {world.patient(label="mother").id, world.patient(label="father").id}
    world.receive(CHEST_PAIN)
    assert {row.patient_id for row in world.escalations()} == people
    assert len(world.out(Purpose.EMERGENCY)) == 1


def test_an_attachment_is_kept_and_a_person_looks(world: World) -> None:
    patient = world.patient()
    world.receive("", media=(Medium("image", "https://provider.invalid/photo"),))
    world.take()
    (kept,) = world.texts_in()
    assert kept.waits_since == world.now
    assert contents(world.session, [kept.id])[kept.id].text == ""
    assert [one.reference for one in world.all(Attachment)] == ["https://provider.invalid/photo"]
    assert [(row.cause, row.priority) for row in world.escalations(patient)] == [("needs-person", "routine")]
    assert [one.purpose for one in world.out()] == ["reply"]


@pytest.mark.parametrize(
    "words",
    ["x" * 5_000_000, "glucose 58\x00", "\ud800 58", "👩‍👩‍👧‍👦" * 10_000],
    ids=["5MB", "NUL", "surrogate", "emoji"],
)
def test_what_cannot_be_read_is_kept_whole_and_a_person_looks(world: World, words: str) -> None:
    patient = world.patient()
    received = world.receive(words)
    world.take()
    (kept,) = world.texts_in()
    assert kept.take_at is None
    assert kept.waits_since is not None
    assert contents(world.session, [received.communication_id])[received.communication_id].text == words
    assert [row.cause for row in world.escalations(patient)] == ["needs-person"]


def test_a_red_flag_inside_a_very_long_text_is_still_found(world: World) -> None:
    patient = world.patient()
    world.receive(f"{CHEST_PAIN}. {'and so on ' * 2_000}")
    assert [row.priority for row in world.escalations(patient)] == ["stat"]


def test_an_external_id_with_a_nul_does_no_harm(world: World) -> None:
    world.patient()
    text = replace(world.incoming("glucose 100"), external_id="SM\x00\ud800")
    assert inbox.receive(world.session, world.rt, text).new
    assert not inbox.receive(world.session, world.rt, text).new


def test_without_any_organization_a_text_is_refused_so_that_the_provider_tries_again(
    session: Session, rt: Runtime, clock: Clock
) -> None:
    text = World(session, rt, clock, None, iter([1])).incoming("hello")  # type: ignore[arg-type]
    with pytest.raises(NotReady):
        inbox.receive(session, rt, text)


def test_a_batch_keeps_the_order_of_its_texts(world: World) -> None:
    world.patient()
    texts = [world.incoming(f"glucose {100 + n}") for n in range(50)]
    ids = [one.communication_id for one in inbox.receive_many(world.session, world.rt, texts)]
    assert [one.id for one in world.texts_in()] == ids


def test_no_words_and_no_number_come_out_in_logs(world: World, no_patient_data_in_logs) -> None:  # type: ignore[no-untyped-def]
    world.patient()
    words = no_patient_data_in_logs("a-very-private-word")
    number = no_patient_data_in_logs("+12025550101")
    world.receive(f"{words} {CHEST_PAIN}", number)
    world.take()
    assert world.session.scalar(select(func.count()).select_from(Communication)) == 2
    assert world.session.scalar(select(func.count()).select_from(Escalation)) == 1


def test_a_calm_text_is_kept_the_same_by_itself_and_among_others(world: World, engine: Engine) -> None:
    world.patient()
    alone, among = (world.incoming(words) for words in ("all is well", "all is well"))
    with Session(engine) as fresh:
        first = inbox.receive(fresh, world.rt, alone)
    (second,) = inbox.receive_many(world.session, world.rt, [among])
    rows = {row.id: row for row in world.texts_in()}
    columns = [column.key for column in Communication.__table__.columns if column.key not in ("id", "external_id")]
    one, other = rows[first.communication_id], rows[second.communication_id]
    assert {name: getattr(one, name) for name in columns} == {name: getattr(other, name) for name in columns}
    kept = world.session.get_one(CommunicationContent, first.communication_id)
    assert (first.new, kept.text, kept.address) == (True, "all is well", alone.sender)


@pytest.mark.parametrize("words", ["hello", CHEST_PAIN, "STOP"])
def test_whoever_writes_a_text_that_comes_twice_by_itself_is_one_text(world: World, engine: Engine, words: str) -> None:
    world.patient()
    text = world.incoming(words)
    told = []
    for _ in range(2):
        with Session(engine) as fresh:
            told.append(inbox.receive(fresh, world.rt, text))
    assert [one.new for one in told] == [True, False]
    assert told[0].communication_id == told[1].communication_id
    assert len(world.texts_in()) == 1


def test_a_stranger_and_a_shared_phone_are_no_plain_text(world: World, engine: Engine) -> None:
    with Session(engine) as fresh:
        stranger = inbox.receive(fresh, world.rt, world.incoming("hello"))
    (kept,) = world.texts_in()
    assert (kept.id, kept.patient_id, kept.waits_since) == (stranger.communication_id, None, world.now)


def test_what_a_provider_heard_in_a_voice_is_screened_too(world: World) -> None:
    world.patient()
    heard = world.receive("", media=(Medium("voice", "media-1", "audio/amr", note=CHEST_PAIN),))
    assert heard.verdict.kind == "red_flag"
    assert world.session.scalars(select(func.count()).select_from(Escalation)).one() == 1
    assert world.receive("hello", media=(Medium("link", note="stop"),)).verdict.kind == "none"


def test_a_text_that_perhaps_came_encoded_is_read_by_a_person_and_screened_decoded(world: World) -> None:
    world.patient()
    calm, alarming = (
        b64encode(f"{words}, and that is all there is to say today".encode()).decode() for words in ("7", CHEST_PAIN)
    )
    assert world.receive(calm, raw_note="maybe-base64").verdict.kind == "none"
    inbox.take_turns_due(world.session, world.rt, world.now)
    (kept,) = world.texts_in()
    assert (kept.status_reason, kept.waits_since) == ("odd", world.now)
    assert world.session.get_one(CommunicationContent, kept.id).text == calm
    assert world.receive(alarming, raw_note="maybe-base64").verdict.kind == "red_flag"
