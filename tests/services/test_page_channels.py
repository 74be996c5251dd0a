"""How staff may be paged: only by what always takes a page, whoever has written last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.push import PushChannel
from bots.sms import TwilioSms
from bots.wechat import WeChat
from bots.whatsapp import TwilioWhatsApp
from care.domain.codes import Purpose
from care.domain.message import Capabilities
from care.domain.reach import carries_pages
from care.domain.rota import Shift
from care.errors import Invalid
from care.records.dead_letters import DeadLetter
from care.records.organizations import Organization
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import ladders, pages, staff
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.test_ladders import ALWAYS
from tests.services.world import World, make_world


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


@pytest.fixture
def world(session: Session, all_ways: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, all_ways, clock, clinic)


def paged(world: World, *by_whatsapp: str) -> list[str]:
    """Who is paged for a stat case when these of the team were set to be paged by WhatsApp before it was refused."""
    for person in world.session.scalars(select(Practitioner).where(Practitioner.username.in_(by_whatsapp))):
        person.page_channel, person.page_address = "whatsapp", "+12025559999"
    world.session.commit()
    world.patient()
    world.receive("I can't breathe")
    pages.page_due(world.session, world.rt, world.now)
    return sorted(one.channel for one in world.out(Purpose.PAGE))


def letters(world: World) -> list[str]:
    return list(world.session.scalars(select(DeadLetter.error).where(DeadLetter.queue == "pages")))


def test_where_a_nurses_channel_may_be_closed_the_others_of_the_team_are_paged_too(world: World) -> None:
    assert paged(world, "nurse") == ["console", "whatsapp"]
    assert letters(world) == []


def test_where_every_channel_may_be_closed_whoever_keeps_the_system_is_told_at_once(world: World) -> None:
    assert set(paged(world, "nurse", "clinician")) == {"whatsapp"}
    assert letters(world) == ["nobody-to-page"]
    (row,) = world.escalations()
    assert row.page_at == world.now + pages.RETRY


def test_whoever_can_be_paged_is_and_nobody_else(world: World) -> None:
    assert paged(world) == ["console"]
    assert letters(world) == []


def test_the_last_resort_is_never_a_channel_that_may_be_closed(world: World) -> None:
    mine = [Shift(str(world.clinic.nurse.id), ALWAYS)]
    with pytest.raises(Invalid) as refused:
        save_rota(world, mine)
    assert refused.value.detail["place"] == "fall_back_channel"


def save_rota(world: World, shifts: list[Shift]) -> None:
    by, team = world.clinic.admin, world.clinic.team.id
    ladders.save_rota(world.session, world.rt, by, team, shifts, "whatsapp", "+12025550199")


def test_a_page_by_sms_in_china_has_no_link(world: World, sms: FakeChannel) -> None:
    sms.capabilities = TwilioSms.capabilities
    nurse = world.session.get_one(Practitioner, world.clinic.nurse.id)
    nurse.page_channel, nurse.page_address = "sms", "+8613800138000"
    world.session.get_one(Organization, nurse.organization_id).country = "CN"
    world.patient()
    world.receive("I can't breathe")
    pages.page_due(world.session, world.rt, world.now)
    (words,) = world.words(*world.out(Purpose.PAGE))
    assert "://" not in words
    assert "请登录 #" in words


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
