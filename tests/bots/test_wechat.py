"""The channel against the fake: what leaves and how, tokens, refusals by code, media, and calls that are checked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from bots.wechat import WeChat
from bots.wechat_client import LARGEST_MEDIUM, WeChatClient, kind_of
from care.domain.message import Incoming, Medium, Outgoing, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed
from care.records.channel_tokens import ChannelToken
from care.services.channel_tokens import OwnTokens, StoredTokens, Tokens
from care.settings import WeChatTemplate
from tests.bots.stub_provider import Answer, provider
from tests.bots.wechat_fake import APP, KEY, SECRET, TOKEN, WeChatFake, wechat_fake
from tests.conftest import SHARED, Clock, require, shared

OPENID = "oyORnuP8q7ou2gfYjqLzSIWZf0rs"
PATH = "vectors/wechat_errors.json"
TEMPLATES = {
    "notice-message": {
        "zh-Hans": WeChatTemplate(id="template-zh", fields={"thing1": "{text}", "thing2": "Care"}),
        "*": WeChatTemplate(id="template-any", fields={"thing1": "{text}"}),
    },
    "notice-reminder": {"*": WeChatTemplate(id="subscription-1", kind="subscription", fields={"thing1": "{text}"})},
}


@pytest.fixture
def fake(clock: Clock) -> Iterator[WeChatFake]:
    with wechat_fake(clock) as made:
        made.deliver = lambda path, body: (200, b"success")
        made.templates = {"template-zh": {"thing1", "thing2"}, "template-any": {"thing1"}, "subscription-1": {"thing1"}}
        made.follow(OPENID)
        made.write(OPENID, "你好")
        yield made


def channel_at(url: str, clock: Callable[[], datetime], tokens: Tokens | None = None, **other: Any) -> WeChat:
    known: dict[str, Any] = {"templates": TEMPLATES, "page": "https://care.example.org/me", "base_url": url}
    return WeChat(APP, SECRET, TOKEN, KEY, tokens=tokens, clock=clock, **(known | other))


@pytest.fixture
def wechat(fake: WeChatFake, clock: Clock) -> WeChat:
    return channel_at(fake.url, clock)


def message(words: str = "早上好", number: int = 1, **other: Any) -> Outgoing:
    return Outgoing(UUID(int=number), "wechat", OPENID, words, **other)


def refusal(channel: WeChat, outgoing: Outgoing | None = None) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        channel.send(outgoing or message())
    return error.value


def test_words_arrive_as_they_were_written(fake: WeChatFake, wechat: WeChat):
    sent = wechat.send(message("体温 38.5 ℃ “好” 😀 \\u4f60 <a>&"))
    assert not sent.delivered
    assert fake.person(OPENID).shown == ["体温 38.5 ℃ “好” 😀 \\u4f60 <a>&"]


def test_outside_the_window_the_notices_template_leaves_in_the_patients_language(fake: WeChatFake, wechat: WeChat):
    closed = message("您有新消息", notice="notice-message", language="zh-Hans", window_open=False)
    sent = wechat.send(closed)
    (notice,) = fake.person(OPENID).notices
    assert notice["template_id"] == "template-zh"
    assert notice["data"] == {"thing1": {"value": "您有新消息"}, "thing2": {"value": "Care"}}
    assert notice["url"] == "https://care.example.org/me"
    assert notice["client_msg_id"] == str(closed.id)
    assert sent.external_id.isdigit()
    wechat.send(message("new", number=2, notice="notice-message", language="en", window_open=False))
    assert fake.person(OPENID).notices[1]["template_id"] == "template-any"
    assert fake.person(OPENID).shown == []


def test_a_subscription_notice_leaves_as_one(fake: WeChatFake, wechat: WeChat):
    wechat.send(message("questions", notice="notice-reminder", window_open=False))
    assert fake.calls[-1] == "/cgi-bin/message/subscribe/bizsend"
    assert fake.person(OPENID).notices[0]["page"] == "https://care.example.org/me"


def test_without_a_template_nothing_leaves_outside_the_window(fake: WeChatFake, wechat: WeChat):
    for notice in ("", "notice-else"):
        error = refusal(wechat, message(notice=notice, window_open=False))
        assert (error.kind, error.code) == ("refused", "no-template")
    assert fake.calls == []


def test_a_notice_inside_the_window_is_a_message_like_any_other(fake: WeChatFake, wechat: WeChat):
    wechat.send(message("您有新消息", notice="notice-message"))
    assert fake.person(OPENID).shown == ["您有新消息"]


def test_a_template_that_was_taken_without_an_answer_is_handed_over_again_and_arrives_once(
    fake: WeChatFake, wechat: WeChat
):
    fake.faults = ["drop"]
    once = message("您有新消息", notice="notice-message", window_open=False)
    assert refusal(wechat, once).kind == "retryable"
    first = wechat.send(once).external_id
    assert len(fake.person(OPENID).notices) == 1
    assert wechat.send(once).external_id == first


@pytest.mark.parametrize(("fault", "code"), [("drop", "no-answer"), ("garbage", "no-answer"), (-1, "-1")])
def test_a_reply_that_may_have_been_taken_is_not_known(fake: WeChatFake, wechat: WeChat, fault: Any, code: str):
    fake.faults = [fault]
    error = refusal(wechat)
    assert (error.kind, error.code) == ("unknown", code)


@pytest.mark.parametrize("fault", ["garbage", "drop", -1])
def test_a_template_that_may_have_been_taken_is_tried_again(fake: WeChatFake, wechat: WeChat, fault: Any):
    fake.faults = [fault]
    assert refusal(wechat, message(notice="notice-message", window_open=False)).kind == "retryable"


def vectors() -> list[Any]:
    path = SHARED / PATH
    return json.loads(path.read_text(encoding="utf-8"))["vectors"] if path.exists() else [None]


# The class of action that each code is listed with, as a kind. What concerns the account as a whole waits until it is
# put right; what a template or our own fault concerns is refused; of the rest the vector's first word decides.
KINDS = {
    -1: "unknown",
    40001: "retryable",
    40014: "retryable",
    42001: "retryable",
    40003: "permanent",
    40037: "refused",
    40125: "retryable",
    40164: "retryable",
    41001: "refused",
    43004: "opted_out",
    43101: "refused",
    45001: "refused",
    45002: "refused",
    45009: "retryable",
    45011: "retryable",
    45015: "refused",
    45047: "refused",
    45065: "sent",
    47001: "refused",
    47003: "refused",
    48001: "refused",
    48002: "opted_out",
    48004: "retryable",
    50002: "permanent",
    50005: "opted_out",
}


@pytest.mark.parametrize("vector", vectors(), ids=lambda one: str(one["errcode"]) if one else "absent")
def test_each_errcode_ends_as_the_table_says(clock: Clock, vector: Any):
    require(vector, f"../shared/{PATH} is not on this machine")
    token = Answer(200, {"access_token": "t", "expires_in": 7200})
    fresh = Answer(200, {"access_token": "u", "expires_in": 7200})
    answer = Answer(200, vector["response"])
    stale = vector["errcode"] in (40001, 40014, 42001)
    with provider(*([token, answer, fresh, answer] if stale else [token, answer])) as there:
        channel = channel_at(there.url, clock)
        if KINDS[vector["errcode"]] == "sent":
            assert channel.send(message()).external_id
        else:
            error = refusal(channel)
            assert (error.kind, error.code) == (KINDS[vector["errcode"]], str(vector["errcode"]))
        assert len(there.asked) == (4 if stale else 2)


def test_every_code_of_the_vectors_is_in_our_own_table_and_an_unknown_one_was_not_taken():
    shared(PATH)
    assert {one["errcode"]: kind_of(str(one["errcode"])) for one in vectors()} == KINDS
    assert kind_of("99999") == "refused"


def test_a_limit_says_how_long_to_wait(fake: WeChatFake, wechat: WeChat):
    fake.faults = [45009]
    assert refusal(wechat).retry_after == 3600


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"errcode": "ok"}', b'{"errcode": []}', b'{"errcode":', b"\xff\xfe"]
)
def test_an_answer_that_is_none_leaves_open_what_has_become_of_a_reply(clock: Clock, body: bytes):
    token = Answer(200, {"access_token": "t", "expires_in": 7200})
    with provider(token, Answer(200, raw=body)) as there:
        assert refusal(channel_at(there.url, clock)).kind == "unknown"


def test_nobody_there_is_certainly_not_taken(clock: Clock):
    error = refusal(channel_at("http://127.0.0.1:1", clock))
    assert (error.kind, error.code) == ("retryable", "connection")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"errcode": 40125, "errmsg": "invalid appsecret"}),
        Answer(200, {"errcode": -1}),
        Answer(200, raw=b"<html>"),
        Answer(500, {}),
        Answer(200, {"access_token": "", "expires_in": 7200}),
        Answer(200, {"access_token": "t"}),
    ],
)
def test_without_a_token_no_message_has_left(clock: Clock, answer: Answer):
    with provider(answer) as there:
        assert refusal(channel_at(there.url, clock)).kind == "retryable"
        assert len(there.asked) == 1


def test_a_token_is_asked_for_once_and_renewed_before_its_end(fake: WeChatFake, wechat: WeChat, clock: Clock):
    for _ in range(2):
        wechat.send(message())
    assert fake.calls.count("/cgi-bin/stable_token") == 1
    clock.forward(minutes=116)
    wechat.send(message())
    assert fake.calls.count("/cgi-bin/stable_token") == 2
    assert fake.refused == []


def test_a_token_that_is_refused_is_renewed_once_and_the_message_leaves(fake: WeChatFake, wechat: WeChat):
    wechat.send(message("one"))
    fake.invalidate()
    wechat.send(message("two"))
    assert fake.person(OPENID).shown == ["one", "two"]
    assert fake.refused == [40001]
    assert fake.forced == []


def test_only_where_the_same_is_given_out_again_a_new_one_is_insisted_on(fake: WeChatFake, wechat: WeChat):
    wechat.send(message("one"))
    fake.invalidate(given_out=True)
    wechat.send(message("two"))
    assert fake.person(OPENID).shown == ["one", "two"]
    assert len(fake.forced) == 1


def test_a_token_that_is_refused_for_ever_is_insisted_on_once_in_half_a_minute(
    fake: WeChatFake, wechat: WeChat, clock: Clock
):
    fake.refuses = True
    for _ in range(20):
        assert refusal(wechat).kind == "retryable"
    assert len(fake.forced) == 1
    assert len(fake.calls) < 60
    clock.forward(seconds=31)
    for _ in range(20):
        refusal(wechat)
    assert len(fake.forced) == 2


def test_all_processes_share_one_sealed_token(fake: WeChatFake, empty_database: Engine, clock: Clock, session: Session):
    open_session = sessionmaker(empty_database, expire_on_commit=False)
    channels = [channel_at(fake.url, clock, StoredTokens(open_session)) for _ in range(8)]
    start = threading.Barrier(len(channels))
    ends: list[Exception] = []

    def send(channel: WeChat) -> None:
        start.wait()
        try:
            channel.fetch(Medium("image", "gone"))
        except Exception as error:
            ends.append(error)

    threads = [threading.Thread(target=send, args=(one,)) for one in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.calls.count("/cgi-bin/stable_token") == 1
    assert len({str(one) for one in ends}) == 1
    row = session.query(ChannelToken).one()
    assert row.token == fake.stable
    assert fake.stable.encode() not in bytes(row.token_sealed)


def test_one_process_renews_and_the_others_read_it(fake: WeChatFake, empty_database: Engine, clock: Clock):
    open_session = sessionmaker(empty_database, expire_on_commit=False)
    one, other = (channel_at(fake.url, clock, StoredTokens(open_session)) for _ in range(2))
    one.send(message("1"))
    other.send(message("2"))
    fake.invalidate()
    one.send(message("3"))
    other.send(message("4"))
    assert fake.person(OPENID).shown == ["1", "2", "3", "4"]
    assert fake.calls.count("/cgi-bin/stable_token") == 2


def test_without_its_database_a_message_waits(fake: WeChatFake, clock: Clock):
    from sqlalchemy import create_engine

    away = sessionmaker(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    error = refusal(channel_at(fake.url, clock, StoredTokens(away)))
    assert (error.kind, error.code) == ("retryable", "no-database")


def test_no_error_shows_a_token_a_secret_or_a_person(fake: WeChatFake, clock: Clock, capfd: pytest.CaptureFixture[str]):
    wechat = channel_at(fake.url, clock)
    fake.faults = ["drop", "garbage", 43004]
    errors = [refusal(wechat) for _ in range(3)]
    out, err = capfd.readouterr()
    told = out + err + "".join(f"{one!r} {one.message} {one.__cause__}" for one in errors)
    for secret in (SECRET, fake.stable, OPENID, "早上好"):
        assert secret not in told


def test_a_medium_is_fetched_by_its_id(fake: WeChatFake, wechat: WeChat):
    fake.media["photo"] = (b"\xff\xd8\xff", "image/jpeg")
    found = wechat.fetch(Medium("image", "photo", "image/jpeg"))
    assert (found.content, found.content_type) == (b"\xff\xd8\xff", "image/jpeg")


def test_a_medium_that_is_gone_is_gone(fake: WeChatFake, wechat: WeChat):
    for medium in (Medium("image", "three-days-old"), Medium("location", note="here")):
        with pytest.raises(ChannelError) as error:
            wechat.fetch(medium)
        assert error.value.kind == "permanent"


def test_a_video_is_fetched_where_wechat_says_if_that_is_its_own_host(fake: WeChatFake, wechat: WeChat):
    fake.media["clip"] = {"video_url": "http://169.254.169.254/latest/meta-data"}
    with pytest.raises(ChannelError) as error:
        wechat.fetch(Medium("video", "clip"))
    assert (error.value.kind, error.value.code) == ("permanent", "host")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "http://localhost/x",
        "http://evil.example/x.qpic.cn",
        "http://mmbiz.qpic.cn.evil.example/x",
        "http://qpic.cn@evil.example/x",
        "http://user@mmbiz.qpic.cn/x",
        "http://mmbiz.qpic.cn:8080/x",
        "http://notqpic.cn/x",
    ],
)
def test_no_other_host_is_asked_for_a_medium(fake: WeChatFake, wechat: WeChat, url: str):
    before = list(fake.calls)
    with pytest.raises(ChannelError) as error:
        wechat.fetch(Medium("image", url))
    assert (error.value.kind, error.value.code) == ("permanent", "host")
    assert fake.calls == before


def test_a_medium_that_is_too_large_is_broken_off(fake: WeChatFake, wechat: WeChat):
    fake.media["large"] = (b"x" * (LARGEST_MEDIUM + 1), "image/jpeg")
    with pytest.raises(ChannelError):
        wechat.fetch(Medium("image", "large"))


def test_without_its_settings_it_is_there_and_disabled(clock: Clock):
    wechat = WeChat(clock=clock)
    assert not wechat.enabled
    assert refusal(wechat).code == "disabled"
    with pytest.raises(NotAllowed):
        wechat.verify(WebhookCall("POST", "/", "", {}, b""))
    with pytest.raises(ChannelError):
        wechat.fetch(Medium("image", "x"))


def test_a_text_that_is_too_long_is_refused_here(fake: WeChatFake, wechat: WeChat):
    assert refusal(wechat, message("汉" * 683)).code == "45002"
    assert fake.calls == []


def called(
    fake: WeChatFake, inner: str = "<MsgType>text</MsgType><Content>hi</Content><MsgId>7</MsgId>"
) -> WebhookCall:
    path, body = fake.call(OPENID, f"<xml><FromUserName>{OPENID}</FromUserName>{inner}</xml>")
    return WebhookCall("POST", *path.split("?"), {}, body)


def test_a_call_of_wechats_is_taken_and_read(fake: WeChatFake, wechat: WeChat, clock: Clock):
    call = called(fake)
    wechat.verify(call)
    found = wechat.read(call, clock())
    assert isinstance(found, Incoming)
    assert (found.sender, found.text, found.external_id) == (OPENID, "hi", "7")
    with pytest.raises(Invalid):
        wechat.read_receipt(call)


def test_a_receipt_is_no_text(fake: WeChatFake, wechat: WeChat, clock: Clock):
    inner = "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>7</MsgID><Status>success</Status>"
    call = called(fake, inner)
    wechat.verify(call)
    assert (wechat.read_receipt(call).external_id, wechat.read_receipt(call).status) == ("7", "delivered")
    with pytest.raises(Invalid):
        wechat.read(call, clock())


@pytest.mark.parametrize("part", ["msg_signature", "timestamp", "nonce"])
def test_a_call_with_another_signature_time_or_nonce_is_refused(fake: WeChatFake, wechat: WeChat, part: str):
    import dataclasses
    import re

    call = called(fake)
    for value in ("", "1409735669", "é"):
        query = re.sub(rf"\b{part}=[^&]*", f"{part}={value}", call.query)
        with pytest.raises(NotAllowed):
            wechat.verify(dataclasses.replace(call, query=query))


def test_a_call_of_yesterday_is_refused_though_it_is_genuine(fake: WeChatFake, wechat: WeChat, clock: Clock):
    call = called(fake)
    clock.forward(days=1)
    with pytest.raises(NotAllowed) as error:
        wechat.verify(call)
    assert error.value.code == "stale"


def plain_call(clock: Clock) -> WebhookCall:
    """A plain call with a plain signature, which covers nothing of its body."""
    from bots.wechat_crypto import signature

    stamp = str(int(clock().timestamp()))
    query = f"signature={signature(TOKEN, stamp, 'n')}&timestamp={stamp}&nonce=n"
    body = f"<xml><FromUserName>{OPENID}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId></xml>".encode()
    return WebhookCall("POST", "/", query, {}, body)


def test_a_plain_call_is_taken_only_where_that_was_asked_for(fake: WeChatFake, clock: Clock):
    with pytest.raises(NotAllowed, match="encrypted"):
        channel_at(fake.url, clock).verify(plain_call(clock))
    channel_at(fake.url, clock, mode="compat").verify(plain_call(clock))
    channel_at(fake.url, clock, mode="plain").verify(plain_call(clock))


def test_what_stands_beside_an_envelope_is_not_believed(fake: WeChatFake, clock: Clock):
    wechat = channel_at(fake.url, clock, mode="compat")
    call = called(fake)
    import dataclasses

    forged = call.body.replace(b"<xml>", b"<xml><MsgType>text</MsgType><Content>forged</Content><MsgId>9</MsgId>", 1)
    both = dataclasses.replace(call, body=forged, read={})
    wechat.verify(both)
    assert wechat.read(both, clock()).text == "hi"


def test_the_client_waits_no_longer_than_it_is_told(clock: Clock):
    with provider(Answer(200, {"access_token": "t", "expires_in": 7200}, silent_for=0.5)) as there:
        client = WeChatClient(APP, SECRET, OwnTokens(), clock, there.url, timeout=0.1)
        with pytest.raises(ChannelError) as error:
            client.post("/cgi-bin/message/custom/send", {})
        assert error.value.kind == "retryable"


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_what_a_refusal_means_is_said_to_a_nurse_in_words(language: str):
    from bots.wechat_client import _CODES
    from care.library.texts import provider_reason

    other = provider_reason(language, "12345").replace("12345", "")
    unworded = [code for code, known in _CODES.items() if known["kind"] != "sent" and code != "40007"]
    assert [code for code in unworded if provider_reason(language, code).replace(code, "") == other] == []
    for code in ("no-template", "user-block", "system-failed", "token"):
        assert code not in provider_reason(language, code)
