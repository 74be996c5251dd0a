"""The fake of WeChat is driven by wechatpy's own client: what that library expects of WeChat, the fake does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.bots.wechat_fake import APP, SECRET, WeChatFake, wechat_fake
from tests.conftest import Clock

OPENID = "oyORnuP8q7ou2gfYjqLzSIWZf0rs"


@pytest.fixture
def fake(clock: Clock) -> Iterator[WeChatFake]:
    with wechat_fake(clock) as made:
        made.deliver = lambda path, body: (200, b"success")
        made.templates["template-1"] = {"thing1"}
        yield made


@pytest.fixture
def client(fake: WeChatFake) -> Any:
    """wechatpy's client, at the fake; it knows only the old token, whose address is written into it."""

    class There(WeChatClient):
        API_BASE_URL = f"{fake.url}/cgi-bin/"

        def fetch_access_token(self) -> Any:
            params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            found = requests.get(f"{fake.url}/cgi-bin/token", params=params, timeout=5).json()
            self.session.set(self.access_token_key, found["access_token"], found["expires_in"])
            return found

    return There(APP, SECRET)


def refusal(call: Any, *args: Any, **kwargs: Any) -> int:
    with pytest.raises(WeChatClientException) as error:
        call(*args, **kwargs)
    return int(error.value.errcode)


def test_a_text_opens_two_days_and_five_messages(fake: WeChatFake, client: Any, clock: Clock):
    fake.follow(OPENID)
    fake.write(OPENID, "早上好")
    for number in range(5):
        client.message.send_text(OPENID, f"回复{number}")
    assert refusal(client.message.send_text, OPENID, "six") == 45047
    fake.write(OPENID, "再见")
    client.message.send_text(OPENID, "ok")
    clock.forward(hours=48)
    assert refusal(client.message.send_text, OPENID, "late") == 45015
    assert fake.person(OPENID).shown == [f"回复{number}" for number in range(5)] + ["ok"]


def test_a_follow_or_a_click_opens_a_minute_and_three_messages(fake: WeChatFake, client: Any, clock: Clock):
    fake.follow(OPENID)
    for _ in range(3):
        client.message.send_text(OPENID, "hi")
    assert refusal(client.message.send_text, OPENID, "four") == 45047
    clock.forward(minutes=2)
    fake.click(OPENID, "help")
    client.message.send_text(OPENID, "hi")
    clock.forward(minutes=1)
    assert refusal(client.message.send_text, OPENID, "late") == 45015


def test_a_click_takes_nothing_away_from_what_a_text_opened(fake: WeChatFake, client: Any, clock: Clock):
    fake.follow(OPENID)
    fake.write(OPENID, "hello")
    fake.click(OPENID, "help")
    clock.forward(hours=1)
    for _ in range(5):
        client.message.send_text(OPENID, "hi")


def test_who_does_not_follow_gets_nothing(fake: WeChatFake, client: Any):
    assert refusal(client.message.send_text, OPENID, "hi") == 40003
    fake.follow(OPENID)
    fake.unfollow(OPENID)
    assert refusal(client.message.send_text, OPENID, "hi") == 45015
    assert refusal(client.message.send_template, OPENID, "template-1", {"thing1": {"value": "x"}}) == 43004


def test_a_template_needs_its_own_fields(fake: WeChatFake, client: Any):
    fake.follow(OPENID)
    found = client.message.send_template(OPENID, "template-1", {"thing1": {"value": "x"}})
    assert found["errcode"] == 0
    assert isinstance(found["msgid"], int)
    assert refusal(client.message.send_template, OPENID, "template-2", {"thing1": {"value": "x"}}) == 40037
    assert refusal(client.message.send_template, OPENID, "template-1", {"first": {"value": "x"}}) == 47003
    assert len(fake.person(OPENID).notices) == 1


def test_a_text_of_more_than_2048_bytes_is_refused(fake: WeChatFake, client: Any):
    fake.follow(OPENID)
    fake.write(OPENID, "hello")
    client.message.send_text(OPENID, "汉" * 682)
    assert refusal(client.message.send_text, OPENID, "汉" * 683) == 45002


def test_a_token_that_is_refused_is_fetched_anew_by_wechatpy_as_well(fake: WeChatFake, client: Any, clock: Clock):
    fake.follow(OPENID)
    client.message.send_text(OPENID, "one")
    fake.invalidate()
    client.message.send_text(OPENID, "two")
    assert fake.refused == [40001]


def test_an_old_token_says_that_it_has_expired(fake: WeChatFake, client: Any, clock: Clock):
    fake.follow(OPENID)
    client.message.send_text(OPENID, "one")
    clock.forward(hours=2)
    fake.write(OPENID, "hello")
    client.message.send_text(OPENID, "two")
    assert fake.refused == [42001]


def stable(fake: WeChatFake, **asked: Any) -> Any:
    body = {"grant_type": "client_credential", "appid": APP, "secret": SECRET} | asked
    return requests.post(f"{fake.url}/cgi-bin/stable_token", json=body, timeout=5).json()


def test_the_stable_token_stays_until_five_minutes_before_its_end(fake: WeChatFake, clock: Clock):
    first = stable(fake)["access_token"]
    assert stable(fake)["access_token"] == first
    clock.forward(minutes=114)
    assert stable(fake)["access_token"] == first
    clock.forward(minutes=1)
    assert stable(fake)["access_token"] != first
    assert fake.tokens[first] > clock()


def test_a_new_stable_token_may_be_insisted_on_twice_a_minute(fake: WeChatFake, clock: Clock):
    first = stable(fake, force_refresh=True)["access_token"]
    assert stable(fake, force_refresh=True)["errcode"] == 45011
    clock.forward(seconds=30)
    assert stable(fake, force_refresh=True)["access_token"] != first
    assert first not in fake.tokens


def test_who_is_not_the_account_gets_no_token(fake: WeChatFake):
    assert stable(fake, appid="wx1")["errcode"] == 40013
    assert stable(fake, secret="guess")["errcode"] == 40125


def test_an_answer_that_is_none_is_asked_for_three_times_and_the_person_is_told(fake: WeChatFake):
    fake.deliver = lambda path, body: (503, b"{}")
    assert fake.write(OPENID, "hello") == [503, 503, 503]
    assert fake.person(OPENID).unavailable == 1
