"""Bringing a questionnaire by the pages: read, refused in plain words, looked at, published, retired."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.records.definitions import definition
from care.records.questionnaire_drafts import open_drafts
from care.services import questionnaires
from tests.dashboard.brought import URL, file
from tests.dashboard.ward import Ward

IMPORT = "/questionnaires/import"
SCRIPT = "<script>alert(1)</script>"


def bring(client: FlaskClient, source: bytes, **more: Any) -> Any:
    upload = {"file": (io.BytesIO(source), "form.json")}
    return client.post(IMPORT, data=upload, content_type="multipart/form-data", **more)


def place_of(answer: Any) -> str:
    return str(answer.headers["Location"])


def test_a_file_becomes_a_draft_with_a_report_and_is_published(admin: FlaskClient, nurse: FlaskClient, ward: Ward):
    brought = bring(admin, file())
    assert brought.status_code == 303
    page = admin.get(place_of(brought)).text
    for words in ("After your operation", "nobody is asked it yet", "7 (2 must be answered)", "简体中文", "SMS parts"):
        assert words in page
    assert "After your operation" not in nurse.get("/questionnaires").text
    publish = f"{place_of(brought)}/publish"
    assert admin.post(publish, data={"reason": "", "version": "1.0.0"}).status_code == 422
    done = admin.post(publish, data={"reason": "agreed", "version": "1.0.0"}, follow_redirects=True)
    assert "It is published" in done.text
    assert definition(ward.world.session, f"{URL}|1.0.0").document["status"] == "active"
    assert "After your operation" in nurse.get("/questionnaires").text
    assert open_drafts(ward.world.session, ward.world.clinic.admin) == []
    acts = set(ward.world.session.scalars(select(AuditEvent.action)))
    assert {"questionnaire.import", "questionnaire.publish"} <= acts


def test_pasted_text_is_read_too(admin: FlaskClient, ward: Ward):
    assert admin.post(IMPORT, data={"text": file().decode()}).status_code == 303
    assert "choose a file" in admin.post(IMPORT, data={"text": "  "}).text.lower()


def test_what_cannot_be_asked_is_refused_item_by_item(admin: FlaskClient, ward: Ward):
    items = [{"linkId": "colour", "type": "choice"}, {"linkId": "size", "type": "choice"}]
    page = bring(admin, file(item=items))
    assert page.status_code == 422
    for words in ("It was not imported", "colour", "size", "choice-without-options"):
        assert words in page.text
    assert open_drafts(ward.world.session, ward.world.clinic.admin) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"\xff\xfe\x00{", "not UTF-8"),
        (b"linkId,text", "not JSON"),
        (b"<html></html>", "XML"),
        (b"{" * 100_000, "not JSON"),
        (b'{"resourceType": "Patient"}', "not a Questionnaire"),
    ],
)
def test_what_is_no_questionnaire_is_said_to_be_none(admin: FlaskClient, ward: Ward, source: bytes, words: str):
    page = bring(admin, source)
    assert page.status_code == 422
    assert words in page.text


def test_ten_megabytes_are_refused(admin: FlaskClient, ward: Ward):
    assert bring(admin, b" " * (10 * 1024 * 1024)).status_code == 413


def test_ten_thousand_items_and_a_circle_are_answered_in_words(admin: FlaskClient, ward: Ward):
    many = [{"linkId": str(number), "type": "boolean", "text": "?"} for number in range(10_001)]
    page = bring(admin, file(item=many))
    assert page.status_code == 422
    assert "10000 items" in page.text
    circle = [
        {
            "linkId": one,
            "type": "boolean",
            "text": "?",
            "enableWhen": [{"question": other, "operator": "=", "answerBoolean": True}],
        }
        for one, other in (("a", "b"), ("b", "a"))
    ]
    assert "circle" in bring(admin, file(item=circle)).text


def test_a_thousand_questions_have_a_page_and_can_be_walked(admin: FlaskClient, ward: Ward):
    many = [{"linkId": str(number), "type": "boolean", "text": f"Question {number}?"} for number in range(1_000)]
    brought = bring(admin, file(item=many))
    assert "1000" in admin.get(place_of(brought)).text
    assert admin.get(f"{place_of(brought)}/walk").status_code == 200


def test_nothing_of_a_form_is_markup(admin: FlaskClient, ward: Ward):
    xhtml = {"url": "http://hl7.org/fhir/StructureDefinition/rendering-xhtml", "valueString": f"<b>bold</b>{SCRIPT}"}
    item = {
        "linkId": SCRIPT,
        "type": "choice",
        "text": f"Which? {SCRIPT}",
        "_text": {"extension": [xhtml]},
        "answerOption": [{"valueString": f"One {SCRIPT}"}],
    }
    brought = bring(admin, file(title=f"Title {SCRIPT}", item=[item]))
    for path in (place_of(brought), f"{place_of(brought)}/walk", "/questionnaires"):
        page = admin.get(path).text
        assert SCRIPT not in page, path
        assert "<b>bold" not in page, path
        assert "&lt;script&gt;" in page, path
    refused = bring(admin, file(item=[{"linkId": SCRIPT, "type": "choice"}]))
    assert SCRIPT not in refused.text
    assert "default-src 'self'" in refused.headers["Content-Security-Policy"]


def test_a_version_that_is_taken_is_told_before_and_after(admin: FlaskClient, ward: Ward):
    world = ward.world
    first = questionnaires.import_draft(world.session, world.rt, world.clinic.admin, file())
    questionnaires.publish(world.session, world.rt, world.clinic.admin, first.id, "first")
    brought = bring(admin, file(title="Mended"))
    assert "is published already" in admin.get(place_of(brought)).text
    refused = admin.post(f"{place_of(brought)}/publish", data={"reason": "mended", "version": "1.0.0"})
    assert refused.status_code == 409
    assert "give this one another version" in refused.text
    assert admin.post(f"{place_of(brought)}/publish", data={"reason": "mended", "version": "1.0.1"}).status_code == 303


def test_a_draft_is_discarded_once(admin: FlaskClient, ward: Ward):
    there = place_of(bring(admin, file()))
    assert "was discarded" in admin.post(f"{there}/discard", follow_redirects=True).text
    assert "Nothing was changed" in admin.post(f"{there}/discard", follow_redirects=True).text
    assert "It was discarded" in admin.get(there).text


def test_a_published_version_is_retired_unless_a_protocol_asks_it(admin: FlaskClient, ward: Ward):
    page = admin.get("/questionnaires").text
    asked = re.search(r'href="(/questionnaires/[0-9a-f-]{36})"><strong>Daily heart check', page)
    assert asked
    refused = admin.post(f"{asked[1]}/retire", data={"reason": "replaced"})
    assert (refused.status_code, "heart-failure-daily" in refused.text) == (409, True)
    there = place_of(bring(admin, file()))
    made = place_of(admin.post(f"{there}/publish", data={"reason": "agreed"}))
    assert admin.post(f"{made}/retire", data={"reason": "because"}).status_code == 422
    assert "is retired" in admin.post(f"{made}/retire", data={"reason": "unused"}, follow_redirects=True).text
    assert "retired" in admin.get("/questionnaires").text


def test_nurses_and_clinicians_read_and_walk_what_is_published_and_bring_nothing(
    admin: FlaskClient, nurse: FlaskClient, clinician: FlaskClient, ward: Ward
):
    there = place_of(bring(admin, file()))
    made = place_of(admin.post(f"{there}/publish", data={"reason": "agreed"}))
    for client in (nurse, clinician):
        assert "Bring your own" not in client.get("/questionnaires").text
        assert "Retire" not in client.get(made).text
        assert client.get(f"{made}/walk").status_code == 200
        for path in (IMPORT, there, f"{there}/walk"):
            assert client.get(path).status_code == 403, path
        assert bring(client, file()).status_code == 403
        for path in (f"{there}/publish", f"{there}/discard", f"{made}/retire"):
            assert client.post(path).status_code == 403, path


def test_a_bundle_that_holds_one_questionnaire_is_unpacked_and_says_so(admin: FlaskClient, ward: Ward):
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": json.loads(file())}]}
    brought = bring(admin, json.dumps(bundle).encode(), follow_redirects=True)
    assert "Read from a Bundle" in brought.text


def test_what_was_read_leniently_and_what_is_left_undone_is_told_once(admin: FlaskClient, ward: Ward):
    cql = {
        "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression",
        "valueExpression": {"language": "text/cql", "expression": "Age"},
    }
    items = [{"linkId": f"q{n}", "type": "string", "text": "?", "extension": [cql]} for n in range(12)]
    page = admin.get(place_of(bring(admin, file(item=items)))).text
    assert "Expressions in CQL" in page
    assert page.count("initial value") == 1
    assert "and 4 more" in page
