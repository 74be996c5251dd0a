"""A patient's journey on WeChat, on a fake that keeps its rules: bound, asked, answered, gone and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from bots.console import ConsoleChannel
from bots.wechat import WeChat
from care.domain.codes import Purpose
from care.records.patients import Patient, contact_points
from care.records.questionnaire_responses import QuestionnaireResponse
from care.runtime import Runtime
from care.services import bindings, escalations, inbox, outbox, reminders, reports
from care.settings import WeChatTemplate
from tests.bots.wechat_fake import APP, KEY, SECRET, TOKEN, WeChatFake, wechat_fake
from tests.care_api.serving import serving
from tests.conftest import Clinic, Clock
from tests.services.world import BASE, World, make_world

OPENID = "oyORnuP8q7ou2gfYjqLzSIWZf0rs"
CANCER = f"{BASE}PlanDefinition/cancer-treatment-symptoms|1.0.0"
NOTICES = {
    notice: {"*": WeChatTemplate(id=f"template-{notice}", fields={"thing1": "{text}"})}
    for notice in ("notice-message", "notice-reminder", "notice-reminder-again")
}


@pytest.fixture
def fake(clock: Clock) -> Iterator[WeChatFake]:
    with wechat_fake(clock) as made:
        made.templates = {f"template-{notice}": {"thing1"} for notice in NOTICES}
        yield made


@pytest.fixture
def rt(clock: Clock, fake: WeChatFake) -> Runtime:
    wechat = WeChat(
        APP, SECRET, TOKEN, KEY, templates=NOTICES, page="https://care.example.org/me", base_url=fake.url, clock=clock
    )
    return Runtime(
        clock=clock,
        channels={"wechat": wechat, "console": ConsoleChannel(lambda _: None)},
        public_url="https://care.example.org",
    )


@pytest.fixture
def world(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, database_url: str, fake: WeChatFake
) -> Iterator[World]:
    made = make_world(session, rt, clock, clinic)
    with serving(database_url, rt) as app:

        def deliver(path: str, body: bytes) -> tuple[int, bytes]:
            found = app.test_client().post(path, data=body, content_type="text/xml")
            return found.status_code, found.data

        fake.deliver = deliver
        yield made


def tick(world: World) -> None:
    """What the scheduler does, once."""
    world.session.expire_all()
    for job in (
        inbox.take_turns_due,
        reports.score_due,
        reminders.send_due,
        escalations.page_due,
        outbox.deliver_due,
        outbox.deliver_due,
    ):
        job(world.session, world.rt, world.now)


def bound(world: World, fake: WeChatFake, **changes: object) -> Patient:
    """A patient whom an SMS cannot ask, bound to their WeChat account by the code of a nurse."""
    form = {"country": "CN", "language": "zh-Hans", "time_zone": "Asia/Shanghai", "phone": "+8613800138000"} | changes
    patient = world.patient(protocol=CANCER, **form)  # type: ignore[arg-type]
    fake.follow(OPENID)
    fake.write(OPENID, bindings.issue(world.session, world.rt, world.clinic.nurse, patient.id))
    tick(world)
    return patient


def shown(fake: WeChatFake) -> list[str]:
    return fake.person(OPENID).shown


def said_to(world: World, fake: WeChatFake, words: str) -> list[str]:
    """What the patient's phone shows in answer to a text."""
    before = len(shown(fake))
    fake.write(OPENID, words)
    world.clock.forward(seconds=5)
    tick(world)
    world.clock.forward(seconds=15)
    return shown(fake)[before:]


def until_asked(world: World, fake: WeChatFake) -> None:
    """Time passes until the patient is written to."""
    before = len(fake.posts)
    for _ in range(24 * 8):
        world.clock.forward(hours=1)
        tick(world)
        if len(fake.posts) > before:
            return
    raise AssertionError("nobody was written to in a week")


def walk(world: World, fake: WeChatFake) -> list[int]:
    """Answer everything that is asked, beginning with OK; returns how many messages each text was answered with."""
    counts, words = [], "OK"
    for _ in range(40):
        answers = said_to(world, fake, words)
        counts.append(len(answers))
        asked = answers[-1] if answers else ""
        if "1/8" in asked:
            words = "36.8"
        elif "8/8" in asked:
            words = "没有了"
        elif "/8" in asked:
            words = "1"
        else:
            return counts
    raise AssertionError("the questionnaire has no end")


def test_a_questionnaire_of_many_questions_never_meets_the_quota(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    until_asked(world, fake)
    counts = walk(world, fake)
    assert len(counts) == 9
    assert counts == [1] * 9
    (report,) = world.all(QuestionnaireResponse)
    assert (report.patient_id, report.status) == (patient.id, "completed")
    assert fake.refused == []


def test_after_two_days_of_silence_a_notice_leaves_and_no_question(world: World, fake: WeChatFake):
    bound(world, fake)
    before = len(shown(fake))
    until_asked(world, fake)
    (notice,) = fake.person(OPENID).notices
    assert notice["template_id"] == "template-notice-reminder"
    assert "体温" not in str(notice)
    assert "Demo Patient" not in str(notice)
    assert len(shown(fake)) == before
    assert said_to(world, fake, "好")[0].startswith("1/8")


def test_a_nurses_words_arrive_in_the_window_and_as_a_notice_after_it(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "今天感觉怎么样？")
    tick(world)
    assert shown(fake)[-1] == "今天感觉怎么样？"
    world.clock.forward(hours=49)
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "请给我们打电话。")
    tick(world)
    assert shown(fake)[-1] == "今天感觉怎么样？"
    assert [one["template_id"] for one in fake.person(OPENID).notices][-1] == "template-notice-message"
    assert "电话" not in str(fake.person(OPENID).notices)


def test_more_than_five_messages_after_one_text_wait_for_the_next_or_become_a_notice(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    for number in range(8):
        world.clock.forward(minutes=1)
        escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, f"消息{number}")
        tick(world)
    assert fake.refused == []
    words = [one for one in shown(fake) if one.startswith("消息")]
    assert len(words) == 4  # the confirmation of the code was the first of five
    assert len(fake.person(OPENID).notices) == 4


def test_a_red_flag_on_wechat_is_answered_at_once_with_the_number_of_the_country(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    answers = said_to(world, fake, "胸口很痛，喘不过气")
    assert "120" in answers[0]
    assert len(answers) <= 5
    assert [one.priority for one in world.escalations(patient)] == ["stat"]


def test_who_unfollows_gets_nothing_and_who_returns_is_written_to_again(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    fake.unfollow(OPENID)
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "今天感觉怎么样？")
    tick(world)
    assert "今天感觉怎么样？" not in shown(fake)
    status = {one.channel: one.status for one in contact_points(world.session, patient.id)}
    assert status["wechat"] == "opted-out"
    world.clock.forward(minutes=5)
    fake.follow(OPENID)
    assert "欢迎" in shown(fake)[-1]
    said_to(world, fake, "你好")
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "欢迎回来。")
    tick(world)
    assert shown(fake)[-1] == "欢迎回来。"


def test_an_account_that_wechat_says_has_left_is_left_alone(world: World, fake: WeChatFake):
    """The word that they unfollowed never came: WeChat's refusal says it."""
    patient = bound(world, fake)
    fake.person(OPENID).follows = False
    world.clock.forward(hours=49)
    escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "今天感觉怎么样？")
    tick(world)
    assert fake.refused == [43004]
    world.session.expire_all()
    status = {one.channel: one.status for one in contact_points(world.session, patient.id)}
    assert status["wechat"] == "opted-out"


def test_nothing_that_patients_are_answered_with_takes_more_than_five_messages(world: World, fake: WeChatFake):
    bound(world, fake)
    until_asked(world, fake)
    for words in ("好", "help", "改", "？", "更多", "36.8", "护士", "English", "6", "stop", "start", "???", "1" * 900):
        assert len(said_to(world, fake, words)) <= 5, words
    assert fake.refused == []
    assert all(len(one.encode()) <= 2048 for one in shown(fake))


def test_every_message_is_known_to_the_nurse(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    until_asked(world, fake)
    walk(world, fake)
    mine = [one for one in world.out() if one.patient_id == patient.id and one.purpose != Purpose.PAGE.value]
    assert {one.delivery for one in mine} == {"sent-unconfirmed"}
    assert len(mine) == len(fake.person(OPENID).notices) + len(shown(fake)) - 1  # the follower was nobody yet


def test_an_entry_of_the_menu_opens_no_window_for_words(world: World, fake: WeChatFake):
    """WeChat takes three messages for a minute after it, which a queue may miss: so a notice leaves, as a template."""
    bound(world, fake)
    until_asked(world, fake)
    world.clock.forward(hours=1)
    before = len(shown(fake))
    fake.click(OPENID, "begin")
    world.clock.forward(minutes=2)
    tick(world)
    assert len(shown(fake)) == before
    assert len(fake.person(OPENID).notices) == 2
    assert fake.refused == []


def test_a_nurse_is_called_by_the_menu(world: World, fake: WeChatFake):
    patient = bound(world, fake)
    fake.click(OPENID, "nurse")
    tick(world)
    assert [one.reason for one in world.escalations(patient)] == ["asked-for-person"]
    assert "护士" in shown(fake)[-1]
