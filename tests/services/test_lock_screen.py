"""Nothing of a patient on a lock screen: canaries in all that is theirs, every kind of message over every channel."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.push import PushChannel
from bots.sms import TwilioSms
from bots.wechat import WeChat
from bots.whatsapp import TwilioWhatsApp
from care.domain.codes import LANGUAGES, Purpose
from care.domain.message import Capabilities, Outgoing
from care.library import Seed, seeds, sha256_of, texts
from care.library.notices import FORMS, notice
from care.records.patients import ContactPoint, Patient, address_token
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, escalations, outbox, pages, reminders, signin
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.world import HEART, World

CANARY = "zyxcanary"
CARE = Path(__file__).parent.parent.parent / "care"
CHANNELS: Mapping[str, Capabilities] = {
    "sms": TwilioSms.capabilities,
    "whatsapp": TwilioWhatsApp.capabilities,
    "wechat": WeChat.capabilities,
    "push": PushChannel().capabilities,
}
COUNTRIES = ("US", "CN", "HK")
PUBLIC = "https://care.example"
CONSTANT = {  # texts that leave without a question of the patient's own, and all that they may be filled with
    "sign-in-code": {"code", "minutes"},
    "sign-in-code-for": {"code", "minutes", "label"},
    "who-is-speaking": {"choices"},
    "unknown-sender": {"number"},
    "staff-page": {"priority", "url"},
    "emergency-reply": {"number"},
    "crisis-reply": {"number"},
    "crisis-reply-line": {"number", "line"},
    "low-glucose-repeat": {"number"},
    "low-glucose-severe": {"number"},
    "stop-confirmed": set(),
    "start-confirmed": set(),
    "handed-to-person": {"number"},
    "free-text-received": {"number"},
    "media-received": {"number"},
    "too-long": {"number"},
    "help": {"number"},
}


def _marked(node: Any, key: str = "", url: str = "") -> Any:
    """The same document with a canary in every title and every word that a person reads."""
    if isinstance(node, dict):
        return {name: _marked(value, name, str(node.get("url", ""))) for name, value in node.items()}
    if isinstance(node, list):
        return [_marked(one, key, url) for one in node]
    shown = key in ("title", "text", "display", "description") or (key == "valueString" and url == "content")
    return f"{CANARY} {node}" if shown and isinstance(node, str) else node


def _canaries() -> list[Seed]:
    found = []
    for seed in seeds():
        document = seed.document if seed.kind == "RuleSet" else _marked(seed.document)
        found.append(Seed(seed.kind, seed.url, seed.version, document, sha256_of(document)))
    return found


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    clock.forward(days=-1)
    content.publish_seeds(session, clock.now, _canaries())
    clock.forward(days=1)
    fakes = {name: FakeChannel(name, capabilities=able) for name, able in CHANNELS.items()}
    here = replace(rt, channels={**rt.channels, **fakes}, public_url=PUBLIC, data_locations=frozenset({"US", "CN"}))
    return World(session, here, clock, clinic, count(1))


def _patient(world: World, channel: str, language: str, country: str, label: str | None = None) -> Patient:
    """A patient whom this channel alone reaches and whose every field tells who they are."""
    number = next(world.numbers)
    told = {"name": f"{CANARY} Name{number}", "record_number": f"{CANARY}-{number}", "birth_date": "1951-02-03"}
    patient = world.patient(
        f"+120255501{number:02d}", protocol=HEART, language=language, country=country, label=label, **told
    )
    contact = world.session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).one()
    contact.channel, contact.address = channel, "address-of-one-phone"
    contact.address_token = address_token(channel, contact.address)
    world.session.commit()
    return patient


def _sent(world: World) -> Iterator[tuple[str, Outgoing]]:
    """What was handed to a provider and a lock screen may show, a closed window's templates included."""
    for channel in world.rt.channels.values():
        assert isinstance(channel, FakeChannel)
        for message in channel.sent:
            if not channel.capabilities.private or not message.window_open:
                yield channel.name, message


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_no_canary_reaches_a_lock_screen(world: World, channel: str, language: str, country: str) -> None:
    patient = _patient(world, channel, language, country, "mother")
    _patient(world, channel, language, country, "father")
    world.clock.set(min(task.due_at for task in world.all(Task)) + timedelta(minutes=1))
    for text in ("", "I want to die", ""):  # with nothing said, in a conversation, and after it
        if text:  # a shared phone: who is it, an emergency, and STOP and START for the phone
            for said in (text, "1", "STOP", "START", "nurse"):
                world.receive(said, "address-of-one-phone", channel=channel)
                world.take()
                world.clock.forward(seconds=30)
        reminders.send_due(world.session, world.rt, world.now)
        world.score()
        pages.page_due(world.session, world.rt, world.now)
        signin.request_code(world.session, world.rt, channel, "address-of-one-phone")
        outbox.deliver_due(world.session, world.rt, world.now)
        world.clock.forward(hours=3)
        reminders.send_due(world.session, world.rt, world.now)
        world.clock.forward(hours=24)
        escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "the tumour has grown")
        outbox.deliver_due(world.session, world.rt, world.now)
    purposes = {row.purpose for row in world.out() if row.delivery in ("sent", "delivered", "sent-unconfirmed")}
    assert {Purpose.REMINDER, Purpose.NURSE, Purpose.PAGE} <= purposes or channel in ("wechat", "whatsapp")
    left = list(_sent(world))
    told = [(where, one.text) for where, one in left if CANARY in one.text.casefold() or "tumour" in one.text]
    assert told == []
    for where, one in left:
        if one.notice or not one.window_open:
            assert one.notice in FORMS and one.text in _notices(one.language), (where, one.text)
    if channel != "wechat":
        assert {"notice-reminder", "notice-message"} <= {one.notice for _, one in left}


def _notices(language: str) -> set[str]:
    ways = [(True, ""), (True, f"{PUBLIC}/me"), (False, "")]
    return {notice(language, key, two_way=two_way, url=url) for key in FORMS for two_way, url in ways}


def test_a_notice_has_no_param_but_the_link() -> None:
    for linked, plain, one_way in FORMS.values():
        assert texts().params[linked] == {"url"}
        assert texts().params[plain] == texts().params[one_way] == frozenset()


@pytest.mark.parametrize("key", CONSTANT)
def test_what_is_sent_unasked_is_filled_with_nothing_of_a_patient(key: str) -> None:
    assert texts().params[key] == CONSTANT[key]


def test_whatever_names_a_notice_names_one_that_there_is() -> None:
    """Every `notice=` in the code is one of the library's constants, never words that were put together."""
    found = 0
    for path in CARE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "notice" and isinstance(node.value, ast.Constant):
                assert node.value.value is None or node.value.value in FORMS, path
                found += 1
            if isinstance(node, ast.keyword) and node.arg == "notice":
                assert not isinstance(node.value, ast.JoinedStr | ast.BinOp | ast.Call), path
                found += 1
    assert found
