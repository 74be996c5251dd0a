"""The story on the patient's page: in one order, by pages, by kinds, and with as many queries however long it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from care.records.questionnaire_responses import QuestionnaireResponse, reports
from care.services.notes import write_note
from dashboard import story
from tests.dashboard.ward import Ward


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    said: list[str] = []

    def listen(*about: object) -> None:
        said.append(str(about[2]))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def lines(page: str) -> list[str]:
    return re.findall(r'<li class="k-(\w+)', page)


def test_all_kinds_stand_in_one_order_with_links_to_where_they_come_from(nurse: FlaskClient, ward: Ward):
    write_note(ward.world.session, ward.world.rt, ward.world.clinic.nurse, ward.one.id, "Calls at noon.", uuid4())
    page = nurse.get(f"/patients/{ward.one.id}").text
    assert set(lines(page)) == {"note", "message", "escalation", "report", "consent"}
    assert "Calls at noon." in page
    assert f"/patients/{ward.one.id}/reports/" in page
    assert "/core/cases/" in page
    assert re.search(r'href="#m-[0-9a-f-]{36}"', page)


@pytest.mark.parametrize("kind", ["report", "message", "escalation", "consent", "note", "call", "missed"])
def test_a_kind_is_shown_alone_and_stands_in_the_address(nurse: FlaskClient, ward: Ward, kind: str):
    page = nurse.get(f"/patients/{ward.one.id}?show={kind}").text
    assert set(lines(page)) <= {kind}
    assert re.search(rf'show={kind}#timeline" aria-current="true"', page)
    if not lines(page):
        assert "There is nothing of this kind." in page


def test_what_is_no_kind_and_no_place_is_refused(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}"
    for wrong in ("?show=secrets", "?before=yesterday", "?before=99999999999999999999999-00", "?before=1-xyz"):
        assert nurse.get(base + wrong).status_code == 422, wrong
        assert nurse.get(base + "/timeline" + wrong).status_code == 422, wrong


def test_pages_follow_one_another_to_the_first_event(nurse: FlaskClient, ward: Ward):
    session, world = ward.world.session, ward.world
    for number in range(230):
        write_note(session, world.rt, world.clinic.nurse, ward.one.id, f"note number {number}", uuid4())
    seen: list[str] = []
    place = f"/patients/{ward.one.id}?show=note"
    for _page in range(5):
        page = nurse.get(place).text
        found = re.findall(r"note number (\d+)", page)
        assert len(found) <= story.ROWS
        seen += found
        further = re.search(r'rel="next" href="([^"]+show=note[^"]+)"', page)
        if further is None:
            break
        place = further.group(1).replace("&amp;", "&").partition("#")[0]
    assert seen == [str(number) for number in reversed(range(230))]


def test_the_number_of_queries_does_not_grow_with_the_rows(nurse: FlaskClient, ward: Ward):
    session, world = ward.world.session, ward.world
    nurse.get(f"/patients/{ward.one.id}")
    with counted() as few:
        nurse.get(f"/patients/{ward.one.id}")
    for _ in range(60):
        write_note(session, world.rt, world.clinic.nurse, ward.one.id, "again", uuid4())
        world.receive("one more text", sender="+12025550101")
    with counted() as many:
        assert nurse.get(f"/patients/{ward.one.id}").status_code == 200
    assert len(many) <= len(few) + 1, [one for one in many if one not in few]
    assert len(many) <= 30


def test_a_corrected_report_is_marked_and_the_correction_leads_back(nurse: FlaskClient, ward: Ward):
    session, now = ward.world.session, ward.world.now
    old = reports(session, ward.two.id)[0]
    new = QuestionnaireResponse(
        organization_id=old.organization_id,
        patient_id=old.patient_id,
        questionnaire=old.questionnaire,
        status="completed",
        source="staff",
        document=old.document,
        authored_at=old.authored_at,
        recorded_at=now,
        supersedes_id=old.id,
        attempts=0,
    )
    old.status = "amended"
    session.add(new)
    session.commit()
    page = nurse.get(f"/patients/{ward.two.id}?show=report").text
    assert "corrected later" in page and "a correction" in page and 'class="k-report past"' in page
    base = f"/patients/{ward.two.id}/reports"
    assert f"{base}/{new.id}" in nurse.get(f"{base}/{old.id}").text
    assert f"{base}/{old.id}" in nurse.get(f"{base}/{new.id}").text


def test_a_report_is_read_with_its_questions_and_only_on_its_own_patient(
    nurse: FlaskClient, stranger: FlaskClient, ward: Ward
):
    report = reports(ward.world.session, ward.two.id)[0]
    page = nurse.get(f"/patients/{ward.two.id}/reports/{report.id}").text
    assert "What is your weight this morning?" in page and "73.7 kg" in page
    assert nurse.get(f"/patients/{ward.one.id}/reports/{report.id}").status_code == 404
    assert stranger.get(f"/patients/{ward.two.id}/reports/{report.id}").status_code == 404


def test_an_empty_story_says_what_to_do(nurse: FlaskClient, ward: Ward):
    new = ward.world.patient("+12025550111", protocol=None)
    page = nurse.get(f"/patients/{new.id}").text
    assert lines(page) == ["consent"]
    assert "No messages yet." in page and "none running" in page and "A chart appears with the first reading" in page


def test_what_is_known_late_says_so(nurse: FlaskClient, ward: Ward):
    report = reports(ward.world.session, ward.two.id)[0]
    report.recorded_at = report.authored_at + timedelta(hours=5)
    ward.world.session.commit()
    assert "known to us" in nurse.get(f"/patients/{ward.two.id}?show=report").text
