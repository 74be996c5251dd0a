from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select

from care.domain.codes import Purpose
from care.records.audit_events import AuditEvent
from care.services import signin, takeovers
from tests.dashboard.ward import Ward


def _threads(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"/inbox/([0-9a-f-]{36})/reply", page)))


def test_texts_wait_by_time_and_unknown_senders_stand_apart(nurse: FlaskClient, ward: Ward):
    page = nurse.get("/inbox").text
    known, _, unknown = page.partition("Unknown senders")
    assert "move my evening reminder" in known
    assert "My father was there" in unknown
    assert "+12025550177" in unknown


def test_a_reply_is_shown_first_and_then_sent_and_the_thread_is_done(nurse: FlaskClient, ward: Ward):
    thread = _threads(nurse.get("/inbox").text)[0]
    place = f"/inbox/{thread}/reply"
    shown = nurse.post(place, data={"text": "Yes, from tonight."})
    assert "This is what will arrive" in shown.text
    before = len(ward.world.out(Purpose.NURSE))
    nurse.post(place, data={"text": "Yes, from tonight.", "confirmed": "yes"})
    assert ward.world.words(*ward.world.out(Purpose.NURSE)[before:]) == ["Yes, from tonight."]
    assert "move my evening reminder" not in nurse.get("/inbox").text


def test_an_unknown_sender_is_answered_where_the_text_came_from(nurse: FlaskClient, ward: Ward):
    thread = _threads(nurse.get("/inbox").text.partition("Unknown senders")[2])[0]
    nurse.post(f"/inbox/{thread}/reply", data={"text": "This is the clinic.", "confirmed": "yes"})
    sent = ward.world.out(Purpose.NURSE)[-1]
    assert (sent.patient_id, sent.channel) == (None, "sms")
    assert "My father was there" not in nurse.get("/inbox").text


def test_a_thread_that_needs_no_answer_is_settled(nurse: FlaskClient, ward: Ward):
    for thread in _threads(nurse.get("/inbox").text):
        nurse.post(f"/inbox/{thread}/done")
    assert "Every text has an answer" in nurse.get("/inbox").text


def test_another_team_can_neither_read_nor_answer(nurse: FlaskClient, stranger: FlaskClient, ward: Ward):
    thread = _threads(nurse.get("/inbox").text)[0]
    assert _threads(stranger.get("/inbox").text) == []
    assert stranger.post(f"/inbox/{thread}/reply", data={"text": "x", "confirmed": "yes"}).status_code == 404
    assert stranger.post(f"/inbox/{thread}/reply", data={"text": "x"}).status_code == 404
    assert stranger.post(f"/inbox/{thread}/done").status_code == 404


def test_whose_words_were_shown_is_audited(nurse: FlaskClient, ward: Ward):
    thread = _threads(nurse.get("/inbox").text)[0]
    nurse.post(f"/inbox/{thread}/reply", data={"text": "Yes."})
    seen = ward.world.session.execute(
        select(AuditEvent.action, AuditEvent.patient_id).where(AuditEvent.agent_id == ward.world.clinic.nurse.id)
    ).all()
    assert ("inbox.view", ward.one.id) in seen
    assert ("patient.view", ward.one.id) in seen


def test_a_one_time_code_is_not_read_through_the_inbox(nurse: FlaskClient, ward: Ward):
    world = ward.world
    signin.request_code(world.session, world.rt, "sms", "+12025550101")
    code = world.out(Purpose.SIGN_IN)[-1]
    assert nurse.post(f"/inbox/{code.id}/reply", data={"text": "x"}).status_code == 404


def test_what_the_bot_answered_and_understood_stands_by_the_text(nurse: FlaskClient, ward: Ward):
    page = nurse.get("/inbox").text
    assert "Care answered" in page
    ward.world.tell("glucose abc", sender="+12025550101")
    assert "understood as:" in nurse.get("/inbox").text


def test_an_unknown_sender_is_linked_to_a_patient_and_the_texts_are_theirs(nurse: FlaskClient, ward: Ward):
    world = ward.world
    thread = _threads(nurse.get("/inbox").text.partition("Unknown senders")[2])[0]
    choice = nurse.post(f"/inbox/{thread}/whose", data={"q": "one"})
    assert "Demo Patient One" in choice.text and "+12025550177" in choice.text
    assert "one" not in choice.request.url
    linked = nurse.post(f"/inbox/{thread}/link", data={"patient": str(ward.one.id)}, follow_redirects=True)
    assert "The sender is linked" in linked.text
    known, _, unknown = linked.text.partition("Unknown senders")
    assert "My father was there" in known and "My father was there" not in unknown
    world.tell("glucose 120", sender="+12025550177")
    assert world.texts_in()[-1].patient_id == ward.one.id
    again = nurse.post(f"/inbox/{thread}/link", data={"patient": str(ward.two.id)}, follow_redirects=True)
    assert "Nothing was linked" in again.text
    assert "Demo Patient One" in nurse.post("/find", data={"q": "0177"}).text


def test_nobody_links_to_another_teams_patient_or_reads_their_texts(
    nurse: FlaskClient, stranger: FlaskClient, ward: Ward
):
    thread = _threads(nurse.get("/inbox").text.partition("Unknown senders")[2])[0]
    theirs = ward.world.patient("+12025550199", staff=ward.world.clinic.other_nurse)
    assert nurse.post(f"/inbox/{thread}/link", data={"patient": str(theirs.id)}).status_code == 404
    assert nurse.post(f"/inbox/{thread}/link", data={"patient": "nobody"}).status_code == 422
    assert stranger.post(f"/inbox/{thread}/whose", data={"q": "x"}).status_code == 404
    assert stranger.post(f"/inbox/{thread}/link", data={"patient": str(theirs.id)}).status_code == 404


def test_a_conversation_that_was_taken_over_is_handed_back_from_here(nurse: FlaskClient, ward: Ward):
    world = ward.world
    takeovers.take_over(world.session, world.rt, world.clinic.clinician, ward.one.id, 2)
    page = nurse.get("/inbox").text
    assert "Test Clinician writes with this patient" in page
    nurse.post(f"/patients/{ward.one.id}/hand-back")
    assert "Hand back to the bot" not in nurse.get("/inbox").text


def test_an_answer_that_may_not_be_sent_keeps_its_words(nurse: FlaskClient, ward: Ward):
    thread = _threads(nurse.get("/inbox").text)[0]
    refused = nurse.post(
        f"/inbox/{thread}/reply", data={"text": "Demo Patient One, come on Friday", "confirmed": "yes"}
    )
    assert refused.status_code == 422
    assert "This cannot be sent" in refused.text and "come on Friday" in refused.text
