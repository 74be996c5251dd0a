"""Asking Twilio for a message: what it has is found, what it has not is certainly not there, doubt stays doubt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bots.sms import TwilioSms
from care.domain.message import Outgoing, Sent
from care.errors import ChannelError
from tests.bots.stub_provider import Answer, Provider, provider

HANDED = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MESSAGE = Outgoing(uuid4(), "sms", "+12025550101", "How are you?")
SINCE = HANDED - timedelta(minutes=5)


@pytest.fixture
def stub() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def sms(stub: Provider) -> TwilioSms:
    return TwilioSms("AC" + "0" * 32, "token", "+15550000000", "https://care.invalid", base_url=stub.url, timeout=5)


def record(number: int, at: datetime = HANDED, **changes: Any) -> dict[str, Any]:
    """A message in Twilio's list."""
    made = {
        "sid": f"SM{number:032d}",
        "to": MESSAGE.to,
        "body": MESSAGE.text,
        "direction": "outbound-api",
        "status": "delivered",
        "date_created": at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "date_sent": None,
    }
    return made | changes


def listed(*records: dict[str, Any], more: str | None = None) -> Answer:
    return Answer(200, {"messages": list(records), "next_page_uri": more, "page": 0})


def test_what_looks_like_it_is_found_oldest_first(sms: TwilioSms, stub: Provider) -> None:
    stub.answers[:] = [listed(record(2, HANDED + timedelta(seconds=9), status="queued"), record(1))]
    assert sms.look_up(MESSAGE, SINCE) == [
        Sent(f"SM{1:032d}", word="delivered"),
        Sent(f"SM{2:032d}", word="queued"),
    ]
    assert "To=%2B12025550101" in stub.asked[0]["path"]
    assert "DateSent" not in stub.asked[0]["path"], "a message that waits at Twilio has no such date yet"


@pytest.mark.parametrize(
    "other",
    [
        record(1, SINCE - timedelta(seconds=1)),
        record(1, body="Something else"),
        record(1, direction="inbound"),
        record(1, sid=None),
    ],
)
def test_what_is_older_or_other_is_not_it(sms: TwilioSms, stub: Provider, other: dict[str, Any]) -> None:
    stub.answers[:] = [listed(other)]
    assert sms.look_up(MESSAGE, SINCE) == []


def test_an_empty_list_says_that_it_is_not_there(sms: TwilioSms, stub: Provider) -> None:
    stub.answers[:] = [listed()]
    assert sms.look_up(MESSAGE, SINCE) == []


def test_the_list_is_read_on_until_it_is_older(sms: TwilioSms, stub: Provider) -> None:
    stub.answers[:] = [
        listed(record(9, HANDED + timedelta(hours=1), body="x"), more="/2010-04-01/next.json?Page=1"),
        listed(record(1), more="/2010-04-01/next.json?Page=2"),
        listed(record(0, SINCE - timedelta(days=1)), more="/2010-04-01/next.json?Page=3"),
    ]
    assert [one.external_id for one in sms.look_up(MESSAGE, SINCE)] == [f"SM{1:032d}"]
    assert len(stub.asked) == 3


def test_a_list_without_end_is_no_answer(sms: TwilioSms, stub: Provider) -> None:
    stub.answers[:] = [listed(record(9, body="x"), more="/2010-04-01/next.json")]
    with pytest.raises(ChannelError) as caught:
        sms.look_up(MESSAGE, SINCE)
    assert (caught.value.kind, len(stub.asked)) == ("retryable", 10)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"code": 20500}),
        Answer(429, {"code": 20429}),
        Answer(401, {"code": 20003}),
        Answer(200, raw=b"<html>"),
        Answer(200, {"messages": None}),
        Answer(200, {}),
    ],
)
def test_no_list_is_never_taken_for_an_empty_one(sms: TwilioSms, stub: Provider, answer: Answer) -> None:
    stub.answers[:] = [answer]
    with pytest.raises(ChannelError):
        sms.look_up(MESSAGE, SINCE)


def test_what_is_not_configured_cannot_be_asked() -> None:
    with pytest.raises(ChannelError):
        TwilioSms().look_up(MESSAGE, SINCE)
