"""The journey: a photo of a wound comes by MMS, is fetched from where Twilio keeps it, and a nurse looks at it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from bots.sms import TwilioSms
from care.domain.codes import Purpose
from care.runtime import Runtime
from scheduler.jobs import drain, job
from tests.bots.stub_provider import Answer, Provider, provider
from tests.care_api.serving import serving
from tests.care_api.twilio_calls import ACCOUNT, OURS, PUBLIC, TOKEN, fields, post
from tests.conftest import Clinic, Clock
from tests.dashboard.ward import sign_in
from tests.services.media_files import OWNER, PLACE, photo
from tests.services.world import World, make_world

PHONE = "+12025550101"
STORE = "https://mms.twiliocdn.com/wound?Signature=x"


@pytest.fixture
def stub() -> Iterator[Provider]:
    """Twilio: away at first, then leading to its store, which has the photo."""
    away = Answer(503, raw=b"")
    leads = Answer(307, raw=b"", headers={"Location": STORE})
    with provider(away, leads, Answer(200, raw=photo(), headers={"Content-Type": "image/jpeg"})) as made:
        yield made


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic, stub: Provider) -> World:
    channel = TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC, base_url=stub.url)
    return make_world(session, replace(rt, channels={**rt.channels, "sms": channel}), clock, clinic)


@pytest.fixture
def app(database_url: str, world: World) -> Iterator[Flask]:
    with serving(database_url, world.rt) as made:
        yield made


def test_a_photo_by_mms_is_seen_by_a_nurse_without_the_place_where_it_was_taken(
    app: Flask, world: World, stub: Provider, clock: Clock
):
    patient = world.patient(PHONE)
    address = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
    values = fields("my wound", NumMedia="1", MediaUrl0=address, MediaContentType0="image/jpeg")
    assert post(app.test_client(), values | {"From": PHONE}).status_code == 200
    drain(job("turns"), world.session, world.rt)
    assert any("picture" in words for words in world.words(*world.out(Purpose.REPLY)))

    nurse = app.test_client()
    sign_in(nurse, world, world.clinic.nurse)
    assert drain(job("fetch"), world.session, world.rt).failed == 1
    assert "A picture is on its way." in nurse.get(f"/patients/{patient.id}").text
    clock.forward(minutes=10)
    assert drain(job("fetch"), world.session, world.rt).done == 1

    page = nurse.get("/inbox").text
    place = page.partition('<img src="')[2].partition('"')[0]
    shown = nurse.get(place)
    picture = Image.open(io.BytesIO(shown.data))
    assert (shown.status_code, picture.size, dict(picture.getexif())) == (200, (64, 48), {})
    assert PLACE.encode() not in shown.data
    assert OWNER.encode() not in shown.data
    assert "Authorization" not in stub.asked[-1]["headers"]  # the store is not told our token
