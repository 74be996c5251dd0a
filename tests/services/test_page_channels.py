"""How staff may be paged: only by what always takes a page, whoever has written last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from bots.push import PushChannel
from bots.sms import TwilioSms
from bots.wechat import WeChat
from bots.whatsapp import TwilioWhatsApp
from care.domain.message import Capabilities
from care.domain.reach import carries_pages
from care.errors import Invalid
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import staff
from tests.conftest import Clinic, FakeChannel


@pytest.fixture
def all_ways(rt: Runtime) -> Runtime:
    whatsapp = FakeChannel("whatsapp", capabilities=Capabilities(window=timedelta(hours=24)))
    push = FakeChannel("push", capabilities=Capabilities(two_way=False, notices_only=True))
    return replace(rt, channels={**rt.channels, "whatsapp": whatsapp, "push": push})


@pytest.mark.parametrize(
    ("able", "carries"),
    [
        (TwilioSms.capabilities, True),
        (TwilioWhatsApp.capabilities, False),
        (WeChat.capabilities, False),
        (PushChannel().capabilities, False),
        (Capabilities(reaches=False), False),
    ],
)
def test_a_page_goes_by_what_is_never_closed(able: Capabilities, carries: bool) -> None:
    assert carries_pages(able) is carries


@pytest.mark.parametrize("channel", ["whatsapp", "push"])
def test_nobody_is_set_to_be_paged_by_a_channel_that_may_be_closed(
    session: Session, all_ways: Runtime, clinic: Clinic, channel: str
) -> None:
    with pytest.raises(Invalid) as refused:
        add(session, all_ways, clinic, channel)
    assert (refused.value.code, refused.value.detail["place"]) == ("page-channel", "page_channel")


@pytest.mark.parametrize("channel", ["sms", "console"])
def test_what_always_takes_a_page_is_taken(session: Session, all_ways: Runtime, clinic: Clinic, channel: str) -> None:
    assert add(session, all_ways, clinic, channel).page_channel == channel


def add(session: Session, rt: Runtime, clinic: Clinic, channel: str) -> Practitioner:
    return staff.add_staff(
        session,
        rt,
        clinic.admin,
        username="second",
        password="correct horse battery",
        name="Second Nurse",
        role="nurse",
        care_team_id=clinic.team.id,
        page_channel=channel,
        page_address="+12025559999",
    )
