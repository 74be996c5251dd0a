"""Reports with every kind of answer, as an app posts them: kept whole, or refused naming the item."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care import library
from care.domain.questionnaire import read_questionnaire
from care.domain.questionnaire.validate import validate
from care.library.seeds import Seed, sha256_of
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.runtime import Runtime
from care.services import content, enrolment
from tests.care_api.serving import enrolled
from tests.conftest import ROOT, Clinic

FORM = "https://care.invalid/fhir/Questionnaire/every-kind"
PROTOCOL = "https://care.invalid/fhir/PlanDefinition/every-kind"


def form() -> dict[str, Any]:
    """A form with a group that repeats, a file, a time and a choice with room for one's own words."""
    medicine = [
        {"linkId": "name", "type": "string", "text": "Which medicine?", "required": True, "maxLength": 20},
        {"linkId": "taken", "type": "time", "text": "When?"},
        {"linkId": "why-not", "type": "text", "text": "Why not?", "enableWhen": [_when("taken", False)]},
    ]
    moods = [{"valueCoding": {"system": "urn:mood", "code": code, "display": code.title()}} for code in ("good", "bad")]
    return {
        "resourceType": "Questionnaire",
        "url": FORM,
        "version": "1.0.0",
        "status": "active",
        "title": "Every kind",
        "item": [
            {"linkId": "well", "type": "boolean", "text": "Are you well?", "required": True},
            {"linkId": "medicine", "type": "group", "text": "Medicines", "repeats": True, "item": medicine},
            {"linkId": "wound", "type": "attachment", "text": "A photo of the wound"},
            {"linkId": "mood", "type": "open-choice", "text": "Your mood?", "answerOption": moods},
            {"linkId": "site", "type": "url", "text": "Your diary's address?"},
            {"linkId": "doctor", "type": "reference", "text": "Your doctor?"},
        ],
    }


def _when(asked: str, exists: bool) -> dict[str, Any]:
    return {"question": asked, "operator": "exists", "answerBoolean": exists}


def _seed(kind: str, document: dict[str, Any]) -> Seed:
    return Seed(kind, document["url"], document["version"], document, sha256_of(document))


def _protocol() -> dict[str, Any]:
    """The heart failure protocol, asking this form instead."""
    path = Path(ROOT) / "care/library/protocols/heart-failure-daily.json"
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) | {"url": PROTOCOL, "extension": []}
    made["action"][0]["definitionCanonical"] = f"{FORM}|1.0.0"
    return made


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient who is asked this form."""
    seeds = [*library.seeds(), _seed("Questionnaire", form()), _seed("PlanDefinition", _protocol())]
    content.publish_seeds(session, rt.now(), seeds)
    made = enrolled(session, rt, clinic.nurse)
    enrolment.start_plan(session, rt, clinic.nurse, made.id, f"{PROTOCOL}|1.0.0", rt.now().date())
    return made


def answer(link_id: str, *values: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"linkId": link_id, "answer": list(values), **more}


def medicine(*items: dict[str, Any]) -> dict[str, Any]:
    return {"linkId": "medicine", "item": list(items)}


PHOTO = {"contentType": "image/png", "title": "left heel", "data": "iVBORw0KGgo=", "size": 8}
WHOLE = [
    answer("well", {"valueBoolean": True}),
    medicine(answer("name", {"valueString": "Aspirin"}), answer("taken", {"valueTime": "08:30:00"})),
    medicine(answer("name", {"valueString": "Enalapril"}), answer("why-not", {"valueString": "I forgot"})),
    answer("wound", {"valueAttachment": PHOTO}),
    answer("mood", {"valueString": "up and down"}),
    answer("site", {"valueUri": "https://example.org/diary"}),
    answer("doctor", {"valueReference": {"display": "Dr Example"}}),
]


def report(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{FORM}|1.0.0",
        "status": "completed",
        "item": copy.deepcopy(list(items)),
    }


def test_a_report_with_every_kind_of_answer_is_kept_whole(
    session: Session, client: FlaskClient, bearer: dict[str, str]
) -> None:
    found = client.post("/api/v1/me/reports", json=report(*WHOLE), headers=bearer)
    assert found.status_code == 201, found.json
    (listed,) = client.get("/api/v1/me/reports", headers=bearer).json["reports"]
    kept = listed["document"]
    assert validate(read_questionnaire(form()), kept) == []
    assert [_bare(item) for item in kept["item"]] == WHOLE


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """An item without the text of its question, which the app need not send."""
    made = {name: part for name, part in item.items() if name != "text"}
    return made | {"item": [_bare(each) for each in item["item"]]} if "item" in item else made


def test_what_was_kept_can_be_handed_in_again_as_it_is(
    session: Session, client: FlaskClient, bearer: dict[str, str]
) -> None:
    client.post("/api/v1/me/reports", json=report(*WHOLE), headers=bearer)
    first = client.get("/api/v1/me/reports", headers=bearer).json["reports"][0]["document"]
    found = client.post("/api/v1/me/reports", json=first, headers=bearer)
    assert found.status_code == 201, found.json
    second = client.get("/api/v1/me/reports", headers=bearer).json["reports"][0]["document"]
    assert second["id"] != first["id"]
    assert second["item"] == first["item"]


WELL = WHOLE[0]
BAD = [
    ("a required question of a second instance", [WHOLE[1], medicine(WHOLE[1]["item"][1])], "name", [1], "required"),
    (
        "a text that is too long in an instance",
        [medicine(answer("name", {"valueString": "x" * 21}))],
        "name",
        [0],
        "too-long",
    ),
    (
        "an answer that is not asked in its instance",
        [WHOLE[1], medicine(*WHOLE[1]["item"], answer("why-not", {"valueString": "I did not"}))],
        "why-not",
        [1],
        "not-enabled",
    ),
    (
        "a time that is none",
        [medicine(WHOLE[1]["item"][0], answer("taken", {"valueTime": "25:00:00"}))],
        "taken",
        [0],
        "not-a-date",
    ),
    (
        "a file of another size",
        [answer("wound", {"valueAttachment": PHOTO | {"size": 9}})],
        "wound",
        None,
        "wrong-size",
    ),
    ("a file that is no base64", [answer("wound", {"valueAttachment": {"data": "%%%%"}})], "wound", None, "wrong-size"),
    ("an address that is a script", [answer("site", {"valueUri": "javascript:alert(1)"})], "site", None, "not-a-url"),
    (
        "a reference to nothing known",
        [answer("doctor", {"valueReference": {"reference": "Chicken/1"}})],
        "doctor",
        None,
        "wrong-resource",
    ),
    (
        "another one's option",
        [answer("mood", {"valueCoding": {"system": "urn:x", "code": "good"}})],
        "mood",
        None,
        "not-an-option",
    ),
    ("two moods", [answer("mood", {"valueString": "a"}, {"valueString": "b"})], "mood", None, "not-repeating"),
]


@pytest.mark.parametrize(
    ("items", "link_id", "instance", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_an_answer_that_cannot_stand_is_refused_with_its_item_and_nothing_is_kept(
    items: list[dict[str, Any]],
    link_id: str,
    instance: list[int] | None,
    code: str,
    session: Session,
    client: FlaskClient,
    bearer: dict[str, str],
) -> None:
    found = client.post("/api/v1/me/reports", json=report(WELL, *items), headers=bearer)
    assert found.status_code == 422
    assert found.content_type == "application/problem+json"
    (error,) = found.json["errors"]
    assert (error["linkId"], error.get("instance"), error["code"]) == (link_id, instance, code)
    assert found.json["link_id"] == link_id
    session.rollback()
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 0
