"""What came with a text, as a nurse sees it; and as nobody of another team does."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from care.domain.message import Fetched, Medium
from care.errors import ChannelError
from care.records.attachments import Attachment
from care.records.audit_events import AuditEvent
from care.services.attachments import fetch_due
from tests.dashboard.ward import Ward
from tests.services.media_files import PLACE, film, photo
from tests.services.test_attachments import FetchingChannel

PICTURE, VOICE = Medium("image", "photo"), Medium("voice", "voice")


@pytest.fixture
def sms() -> FetchingChannel:
    media: dict[str, Fetched | Exception] = {
        "photo": Fetched(photo(), "image/jpeg"),
        "voice": Fetched(b"ID3 a voice", "audio/mpeg"),
        "amr": Fetched(b"#!AMR\n a voice", "audio/amr"),
        "paper": Fetched(b"%PDF-1.4 <script>", "application/pdf"),
        "film": Fetched(film(), "video/mp4"),
        "heic": Fetched(film(b"heic"), "image/heic"),
        "lost": ChannelError("permanent", "404"),
        "late": ChannelError("retryable", "connection"),
    }
    return FetchingChannel(media=media)


def bring(ward: Ward, *media: Medium, sender: str = "+12025550101", text: str = "") -> list[Attachment]:
    """A text with these, after its turn and after the fetching."""
    received = ward.world.receive(text, sender, media=media)
    ward.world.take()
    fetch_due(ward.world.session, ward.world.rt, ward.world.now)
    rows = ward.world.all(Attachment)
    return [row for row in rows if row.communication_id == received.communication_id]


def test_a_picture_stands_in_the_inbox_and_on_the_patients_page(nurse: FlaskClient, ward: Ward):
    (row,) = bring(ward, PICTURE)
    for page in (nurse.get("/inbox").text, nurse.get(f"/patients/{ward.one.id}").text):
        (tag,) = re.findall(rf'<img src="/attachments/{row.id}"[^>]*>', page)
        assert 'alt="Picture from the patient"' in tag


def test_the_picture_is_the_one_that_was_kept_and_stays_in_no_cache(nurse: FlaskClient, ward: Ward):
    (row,) = bring(ward, PICTURE)
    shown = nurse.get(f"/attachments/{row.id}")
    assert shown.status_code == 200
    assert shown.data == row.content
    assert PLACE.encode() not in shown.data
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert {one.strip() for one in shown.headers["Cache-Control"].split(",")} == {"private", "no-store"}
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("kind", ["voice", "amr", "paper", "film"])
def test_what_is_no_picture_is_a_file_to_download(nurse: FlaskClient, ward: Ward, kind: str):
    (row,) = bring(ward, Medium("file", kind))
    shown = nurse.get(f"/attachments/{row.id}")
    assert shown.headers["Content-Disposition"].startswith("attachment; filename=attachment-1.")
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert f'href="/attachments/{row.id}" download' in nurse.get("/inbox").text


def test_a_recording_can_be_listened_to_from_the_middle(nurse: FlaskClient, ward: Ward):
    (row,) = bring(ward, VOICE)
    assert f'<audio controls preload="none" src="/attachments/{row.id}"' in nurse.get("/inbox").text
    part = nurse.get(f"/attachments/{row.id}", headers={"Range": "bytes=4-6"})
    assert (part.status_code, part.data) == (206, b"a v")


def test_another_team_is_told_that_there_is_no_such_thing(stranger: FlaskClient, admin: FlaskClient, ward: Ward):
    (row,) = bring(ward, PICTURE)
    assert stranger.get(f"/attachments/{row.id}").status_code == 404
    assert admin.get(f"/attachments/{row.id}").status_code == 403
    assert str(row.id) not in stranger.get("/inbox").text


def test_each_opening_is_audited(nurse: FlaskClient, stranger: FlaskClient, ward: Ward):
    (row,) = bring(ward, PICTURE)
    nurse.get(f"/attachments/{row.id}")
    stranger.get(f"/attachments/{row.id}")
    found = ward.world.session.execute(
        select(AuditEvent.agent_id, AuditEvent.patient_id).where(AuditEvent.action == "attachment.opened")
    ).all()
    assert [tuple(one) for one in found] == [(ward.world.clinic.nurse.id, ward.one.id)]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("late", "A picture is on its way."),
        ("lost", "Picture could not be fetched"),
        ("heic", "ask for a screenshot"),
    ],
)
def test_a_nurse_reads_why_there_is_no_picture(nurse: FlaskClient, ward: Ward, reference: str, told: str):
    (row,) = bring(ward, Medium("image", reference))
    assert told in nurse.get("/inbox").text
    assert told in nurse.get(f"/patients/{ward.one.id}").text
    assert nurse.get(f"/attachments/{row.id}").status_code == 404


def test_a_place_and_the_words_around_it_are_escaped(nurse: FlaskClient, ward: Ward):
    bring(ward, Medium("location", note="22.28,114.16 <b>here</b>"))
    assert "Place: 22.28,114.16 &lt;b&gt;here&lt;/b&gt;" in nurse.get("/inbox").text


def test_an_unknown_senders_picture_is_shown_to_the_team_they_wrote_to(
    nurse: FlaskClient, stranger: FlaskClient, ward: Ward
):
    (row,) = bring(ward, PICTURE, sender="+12025550188", text="look")
    assert f"/attachments/{row.id}" in nurse.get("/inbox").text.partition("Unknown senders")[2]
    assert nurse.get(f"/attachments/{row.id}").status_code == 200
    assert stranger.get(f"/attachments/{row.id}").status_code == 404


def test_a_picture_in_a_case_is_shown_to_the_clinician(clinician: FlaskClient, ward: Ward):
    (row,) = bring(ward, PICTURE, text="I have chest pain")
    cases = {link.escalation_id for link in ward.world.links() if link.communication_id == row.communication_id}
    assert cases
    for case in cases:
        page = clinician.get(f"/core/cases/{case}").text
        assert page.count(f'<img src="/attachments/{row.id}"') == 2  # with what came in, and in the conversation


def test_the_patient_is_told_that_the_picture_came(ward: Ward):
    bring(ward, PICTURE)
    assert any("We received your picture" in words for words in ward.world.words(*ward.world.out()))
