"""Who writes with a patient: the bot, or a person who took over; and what a message will look like before it leaves."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import select

from care.domain.codes import Purpose
from care.domain.message import Capabilities
from care.records.takeovers import TakeOver
from tests.conftest import FakeChannel
from tests.dashboard.ward import Ward


def test_a_conversation_is_taken_over_and_handed_back(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}"
    page = nurse.post(f"{base}/take-over", data={"hours": "2"}, follow_redirects=True).text
    assert "You write with the patient now, for 2 hours. The bot is silent." in page
    assert "a person writes" in page and "Hand back to the bot" in page
    page = nurse.post(f"{base}/hand-back", follow_redirects=True).text
    assert "The bot answers this patient again." in page
    assert "Hand back to the bot" not in page
    assert "The bot answers this patient already." in nurse.post(f"{base}/hand-back", follow_redirects=True).text


def test_a_colleague_is_told_who_has_it_and_takes_it_on(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}"
    nurse.post(f"{base}/take-over", data={"hours": "1"})
    told = clinician.post(f"{base}/take-over", data={"hours": "1"}, follow_redirects=True).text
    assert f"{ward.world.clinic.nurse.name} writes with this patient already" in told
    row = ward.world.session.scalars(select(TakeOver)).one()
    assert f'name="instead_of" value="{row.id}"' in told
    data = {"hours": "1", "instead_of": str(row.id)}
    assert (
        "You write with the patient now" in clinician.post(f"{base}/take-over", data=data, follow_redirects=True).text
    )


def test_only_the_offered_times_are_taken(nurse: FlaskClient, ward: Ward):
    for hours in ("", "99", "-1", "٢"):
        assert nurse.post(f"/patients/{ward.one.id}/take-over", data={"hours": hours}).status_code == 422, hours
    assert ward.world.session.scalars(select(TakeOver)).all() == []


def test_a_notice_is_shown_where_only_a_notice_will_stand_on_the_phone(nurse: FlaskClient, ward: Ward):
    sms = ward.world.rt.channels["sms"]
    assert isinstance(sms, FakeChannel)
    sms.capabilities = replace(sms.capabilities, notices_only=True)
    page = nurse.post(f"/patients/{ward.one.id}/message", data={"text": "Please eat something sweet."}).text
    assert "only this stands on it" in page and "In the app stand these words" in page
    assert page.count('class="phone"') == 2


def test_words_that_name_the_patient_are_refused_before_they_leave_and_nothing_typed_is_lost(
    nurse: FlaskClient, ward: Ward
):
    sms = ward.world.rt.channels["sms"]
    assert isinstance(sms, FakeChannel)
    sms.capabilities = Capabilities(receipts=True, private=False)
    words = "Dear Demo Patient One, please measure again."
    before = len(ward.world.out())
    for place in ("message", "message/send"):
        page = nurse.post(f"/patients/{ward.one.id}/{place}", data={"text": words}).text
        assert "leave out the patient" in page and words in page, place
    assert len(ward.world.out()) == before


def test_without_consent_the_page_says_that_nothing_will_leave(nurse: FlaskClient, ward: Ward):
    ward.world.tell("STOP", sender="+12025550101")
    page = nurse.post(f"/patients/{ward.one.id}/message", data={"text": "How are you?"}).text
    assert "There is no address" in page or "has not agreed" in page
    assert "stopped by the patient" in nurse.get(f"/patients/{ward.one.id}").text


def test_every_message_has_its_page(nurse: FlaskClient, stranger: FlaskClient, ward: Ward):
    for number in range(60):
        ward.world.receive(f"text number {number}", sender="+12025550101")
    first = nurse.get(f"/patients/{ward.one.id}/conversation").text
    assert "text number 59" in first and "text number 5<" not in first and 'rel="next"' in first
    assert stranger.get(f"/patients/{ward.one.id}/conversation").status_code == 404


def test_a_text_that_came_after_the_page_was_drawn_is_not_answered_from_it(nurse: FlaskClient, ward: Ward):
    page = html.unescape(nurse.get(f"/patients/{ward.one.id}").text)
    until = re.findall(r'name="seen" value="([^"]+)"', page)[0]
    ward.world.clock.forward(seconds=5)
    nurse.post(f"/patients/{ward.one.id}/take-over", data={"hours": "1"})
    ward.world.say("One leg is thicker than the other", sender="+12025550101")
    shown = nurse.post(f"/patients/{ward.one.id}/message", data={"text": "Measure again.", "seen": until}).text
    fields = dict(re.findall(r'name="(seen|once)" value="([^"]+)"', html.unescape(shown)))
    assert fields["seen"] == until
    before = len(ward.world.out(Purpose.NURSE))
    for _ in range(2):
        nurse.post(f"/patients/{ward.one.id}/message/send", data={"text": "Measure again.", **fields})
    assert len(ward.world.out(Purpose.NURSE)) == before + 1
    assert "One leg is thicker" in nurse.get("/inbox").text


def test_a_take_over_that_is_no_name_is_nobodys(nurse: FlaskClient, ward: Ward):
    answer = nurse.post(f"/patients/{ward.one.id}/take-over", data={"hours": "1", "instead_of": "nonsense"})
    assert answer.status_code == 303
