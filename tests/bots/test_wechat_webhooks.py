"""WeChat's webhook: kept before it is answered, once however often it comes; forged, stale or strange not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.channels import make_channels
from bots.console import ConsoleChannel
from bots.wechat import WeChat
from bots.wechat_crypto import Envelopes, signature
from care.domain.codes import Purpose
from care.records.communications import Communication, contents
from care.records.consents import ledger
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import bindings, content, outbox
from care_api.app import NotConfigured, read_settings
from tests.bots.wechat_fake import APP, KEY, OURS, SECRET, TOKEN, WeChatFake
from tests.care_api.serving import enrolled, serving, settings
from tests.conftest import NOON, Clinic, Clock

OPENID, PATH = "oyORnuP8q7ou2gfYjqLzSIWZf0rs", "/webhooks/wechat"


@pytest.fixture
def rt(clock: Clock) -> Runtime:
    """WeChat configured; nothing is delivered."""
    wechat = WeChat(APP, SECRET, TOKEN, KEY, clock=clock)
    return Runtime(clock=clock, channels={"wechat": wechat, "console": ConsoleChannel(lambda _: None)})


@pytest.fixture
def app(session: Session, database_url: str, rt: Runtime) -> Iterator[Flask]:
    with serving(database_url, rt) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    content.publish_seeds(session, rt.now())
    return enrolled(session, rt, clinic.nurse)


@pytest.fixture
def fake(app: Flask, clock: Clock) -> WeChatFake:
    """WeChat, which calls our webhook."""

    def deliver(path: str, body: bytes) -> tuple[int, bytes]:
        found = app.test_client().post(path, data=body, content_type="text/xml")
        return found.status_code, found.data

    return WeChatFake(clock, deliver=deliver)


def texts_in(session: Session) -> list[str]:
    session.rollback()
    rows = list(session.scalars(select(Communication).where(Communication.direction == "in")))
    words = contents(session, [row.id for row in rows])
    return [words[row.id].text for row in rows]


def texts_out(session: Session) -> list[Communication]:
    session.rollback()
    return list(session.scalars(select(Communication).where(Communication.direction == "out")))


def asked(**changes: str) -> str:
    stamp = str(int(NOON.timestamp()))
    query = {"timestamp": stamp, "nonce": "n", "echostr": "4375120948345356249"}
    query["signature"] = signature(TOKEN, stamp, "n")
    return f"{PATH}?{urlencode(query | changes)}"


def test_wechat_is_shown_that_we_are_here(client: FlaskClient):
    found = client.get(asked())
    assert (found.status_code, found.text) == (200, "4375120948345356249")
    assert found.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    "changes", [{"signature": "0" * 40}, {"signature": ""}, {"nonce": "m"}, {"timestamp": "1409735669"}]
)
def test_nobody_else_is_shown_anything(client: FlaskClient, changes: dict[str, str]):
    assert client.get(asked(**changes)).status_code == 403


def test_a_text_is_kept_word_for_word_and_answered_at_once(session: Session, fake: WeChatFake, patient: Patient):
    assert fake.write(OPENID, "  血糖３．２ \n") == [200]
    assert texts_in(session) == ["  血糖３．２ \n"]
    assert fake.person(OPENID).shown == []


def test_three_tries_are_one_text_also_at_once(session: Session, app: Flask, fake: WeChatFake, patient: Patient):
    fake.write(OPENID, "胸口很痛", times=3)
    xml = f"<xml><ToUserName>{OURS}</ToUserName><FromUserName>{OPENID}</FromUserName><MsgType>text</MsgType>"
    calls = [fake.call(OPENID, xml + "<Content>again</Content><MsgId>77</MsgId></xml>") for _ in range(3)]
    start, answers = threading.Barrier(3), list[int]()

    def call(path: str, body: bytes) -> None:
        start.wait()
        answers.append(app.test_client().post(path, data=body).status_code)

    threads = [threading.Thread(target=call, args=one) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200, 200, 200]
    assert texts_in(session) == ["胸口很痛", "again"]


def test_the_very_same_call_again_is_answered_without_any_work(
    session: Session, client: FlaskClient, fake: WeChatFake, patient: Patient
):
    path, body = fake.call(
        OPENID, f"<xml><FromUserName>{OPENID}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId></xml>"
    )
    assert [client.post(path, data=body).data for _ in range(2)] == [b"success", b"success"]
    assert len(texts_in(session)) == 1


def test_a_call_of_yesterday_is_refused(session: Session, client: FlaskClient, fake: WeChatFake, clock: Clock, patient):
    path, body = fake.call(
        OPENID, f"<xml><FromUserName>{OPENID}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId></xml>"
    )
    clock.forward(days=1)
    assert client.post(path, data=body).status_code == 403
    assert texts_in(session) == []


def test_a_call_that_failed_is_taken_when_it_comes_again(
    session: Session, app: Flask, client: FlaskClient, fake: WeChatFake, clock: Clock, rt: Runtime
):
    """There is no hospital yet: the same envelope, sent again, must not be taken for one that was answered."""
    path, body = fake.call(
        OPENID, f"<xml><FromUserName>{OPENID}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId></xml>"
    )
    assert client.post(path, data=body).status_code == 503
    assert not rt.channels["wechat"].answered.knows("")  # type: ignore[attr-defined]
    from care.records.organizations import CareTeam, Organization

    hospital = Organization(name="Test Hospital", country="CN", time_zone="Asia/Shanghai", inbound_address="")
    session.add(hospital)
    session.flush()
    session.add(CareTeam(organization_id=hospital.id, name="Team A", default=True))
    session.commit()
    assert client.post(path, data=body).data == b"success"
    assert len(texts_in(session)) == 1


def sealed(inner: bytes, app_id: str = APP, key: str = KEY, token: str = TOKEN) -> tuple[str, bytes]:
    """A call whose envelope holds these bytes."""
    stamp, encrypted = str(int(NOON.timestamp())), Envelopes(app_id, key).seal(inner)
    query = {"timestamp": stamp, "nonce": "n", "msg_signature": signature(token, stamp, "n", encrypted)}
    return f"{PATH}?{urlencode(query)}", f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()


TEXT = f"<xml><FromUserName>{OPENID}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId><Content>x</Content></xml>"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + TEXT.replace(">x<", ">&b;<")


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (sealed(TEXT.encode()), 200),
        (sealed(TEXT.encode(), token="guess"), 403),
        (sealed(TEXT.encode(), app_id="wxother"), 403),
        (sealed(TEXT.encode(), key="A" * 43), 403),
        (sealed(BOMB.encode()), 422),
        (sealed(b"\xff\xfe"), 422),
        (sealed(b"<xml/>"), 422),
        (sealed(TEXT.replace("<MsgId>1</MsgId>", "").encode()), 422),
        ((PATH, TEXT.encode()), 403),
        ((PATH, BOMB.encode()), 422),
        ((PATH, b""), 422),
        ((PATH, b"\xff\xfe\xfd"), 422),
        ((PATH, b"<xml>" + b"x" * 100_000 + b"</xml>"), 422),
        ((PATH, b"x" * 10_000_000), 413),
        ((PATH + "?timestamp=%FF", b"<xml/>"), 422),
    ],
)
def test_what_is_forged_strange_or_too_large_ends_in_a_clear_answer(
    session: Session, client: FlaskClient, patient: Patient, call: tuple[str, bytes], status: int
):
    found = client.post(call[0], data=call[1], content_type="text/xml")
    assert found.status_code == status
    assert len(texts_in(session)) == (1 if status == 200 else 0)


def test_a_plain_call_is_refused_however_well_it_is_signed(session: Session, client: FlaskClient, patient: Patient):
    assert client.post(asked(), data=TEXT).status_code == 403
    assert texts_in(session) == []


def test_who_follows_is_answered_in_the_answer_itself_and_the_same_every_time(
    session: Session, fake: WeChatFake, patient: Patient
):
    fake.follow(OPENID)
    (shown,) = fake.person(OPENID).shown
    assert "绑定码" in shown
    (said,) = texts_out(session)
    assert (said.delivery, said.purpose) == ("sent-unconfirmed", Purpose.CONFIRMATION.value)


def test_a_follow_that_is_told_three_times_is_one(session: Session, fake: WeChatFake, patient: Patient):
    fake.person(OPENID).follows = True
    fake.tell(OPENID, "<MsgType>event</MsgType><Event>subscribe</Event>", times=3)
    assert len(fake.person(OPENID).shown) == 1
    assert len(texts_out(session)) == 1


def test_who_scans_the_code_is_bound_and_who_leaves_is_left_alone(
    session: Session, fake: WeChatFake, rt: Runtime, clinic: Clinic, patient: Patient
):
    fake.follow(OPENID, bindings.issue(session, rt, clinic.nurse, patient.id))
    assert "connected" in fake.person(OPENID).shown[0]
    fake.unfollow(OPENID)
    session.expire_all()
    newest = [(one.channel, one.granted, one.source) for one in ledger(session, patient.id)[:2]]
    assert newest == [("wechat", False, "unfollow"), ("wechat", True, "binding-code")]


def test_an_entry_of_the_menu_is_a_text_of_who_is_known(
    session: Session, fake: WeChatFake, rt: Runtime, clinic: Clinic, patient: Patient
):
    fake.click(OPENID, "nurse")
    assert texts_in(session) == []
    assert "绑定码" in fake.person(OPENID).shown[0]
    fake.follow(OPENID, bindings.issue(session, rt, clinic.nurse, patient.id))
    fake.click(OPENID, "help")
    assert texts_in(session) == ["HELP"]


def test_a_picture_is_kept_for_a_person(session: Session, fake: WeChatFake, patient: Patient):
    fake.message(OPENID, "<MsgType>image</MsgType><PicUrl>http://x</PicUrl><MediaId>m-1</MediaId>")
    (row,) = session.scalars(select(Communication).where(Communication.direction == "in"))
    assert row.status_reason == "attachment"
    assert row.waits_since is not None


def test_what_became_of_a_notice_finds_it(session: Session, fake: WeChatFake, rt: Runtime, patient: Patient):
    notice = outbox.enqueue(
        session,
        rt.now(),
        purpose=Purpose.CONFIRMATION,
        text="hi",
        dedupe="a",
        patient=patient,
        channel="wechat",
        address=OPENID,
    )
    assert notice is not None
    notice.external_id, notice.delivery, notice.send_at = "200163836", "sent-unconfirmed", None
    session.commit()
    fake.tell(
        OPENID,
        "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>200163836</MsgID>"
        "<Status>failed:user block</Status>",
    )
    session.expire_all()
    assert (notice.delivery, notice.status_reason) == ("failed", "user-block")


def test_without_the_database_wechat_is_told_to_come_again_and_the_person_hears_of_it(rt: Runtime, clock: Clock):
    with serving("postgresql://nobody@127.0.0.1:1/none", rt) as app:
        client = app.test_client()

        def deliver(path: str, body: bytes) -> tuple[int, bytes]:
            found = client.post(path, data=body)
            return found.status_code, found.data

        fake = WeChatFake(clock, deliver=deliver)
        assert fake.write(OPENID, "hello") == [503, 503, 503]
        assert fake.person(OPENID).unavailable == 1


def test_a_channel_that_is_not_configured_is_not_there(database_url: str, clock: Clock):
    with serving(database_url, Runtime(clock=clock, channels=make_channels(settings(database_url)))) as app:
        assert app.test_client().get(asked()).status_code == 404
        assert app.test_client().post(PATH, data=b"<xml/>").status_code == 404


def test_nothing_of_a_text_reaches_a_log(
    capfd: pytest.CaptureFixture[str], client: FlaskClient, fake: WeChatFake, patient: Patient
):
    fake.write(OPENID, "the canary sings")
    for path, body in (sealed(TEXT.replace(">x<", ">canary<").encode(), token="guess"), sealed(b"<xml>canary</xml>")):
        client.post(path, data=body)
    out, err = capfd.readouterr()
    assert "canary" not in out + err
    assert OPENID not in out + err


def test_production_starts_with_encrypted_calls_alone(database_url: str):
    assert settings(database_url, care_environment="production").wechat_mode == "secure"
    for mode in ("compat", "plain"):
        assert settings(database_url, wechat_mode=mode).wechat_mode == mode
        with pytest.raises(ValidationError, match="WECHAT_MODE=secure"):
            settings(database_url, wechat_mode=mode, care_environment="production")
    with pytest.raises(ValidationError, match="43 letters"):
        settings(database_url, wechat_aes_key="short")


def test_a_start_that_is_refused_says_why_and_shows_no_value(monkeypatch: pytest.MonkeyPatch, database_url: str):
    for name, value in settings(database_url).model_dump().items():
        if name in ("database_url", "secret_key", "care_keys", "care_token_key"):
            monkeypatch.setenv(name.upper(), value.get_secret_value())
    monkeypatch.setenv("CARE_ENVIRONMENT", "production")
    monkeypatch.setenv("WECHAT_MODE", "plain")
    monkeypatch.setenv("WECHAT_AES_KEY", "not-a-key-of-wechat")
    with pytest.raises(NotConfigured) as error:
        read_settings()
    assert "WECHAT_MODE" in str(error.value)
    assert "not-a-key-of-wechat" not in str(error.value)


def test_what_is_configured_is_enabled(database_url: str):
    made = settings(
        database_url,
        wechat_app_id=APP,
        wechat_app_secret=SECRET,
        wechat_token=TOKEN,
        wechat_aes_key=KEY,
        wechat_templates='{"notice-message": {"*": {"id": "t-1", "fields": {"thing1": "{text}"}}}}',
    )
    wechat = make_channels(made)["wechat"]
    assert wechat.enabled
    assert isinstance(wechat, WeChat)
    assert wechat.templates["notice-message"]["*"].id == "t-1"
    for wrong in ("{", "[]", '{"notice-message": "t-1"}', '{"notice-message": {"*": {"name": "t-1"}}}'):
        with pytest.raises(ValidationError):
            settings(database_url, wechat_templates=wrong)
