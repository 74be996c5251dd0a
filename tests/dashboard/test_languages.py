"""The pages in three languages: the switch, the clocks, what an error says, and no word of another language."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.records.audit_events import AuditEvent
from care.records.practitioners import Practitioner
from tests.dashboard.read_pages import Page, foreign, walk
from tests.dashboard.ward import Ward, sign_in

CHINESE = ("zh-Hans", "zh-Hant")
SAME = frozenset(
    """
    Care English WhatsApp SMS CSV PDF FHIR JSON LOINC UCUM Questionnaire STU STOP HELP Enter Esc HbA NPH AST
    PHQ GAD AUDIT mMRC PSI CQL SHA umol OK mmol kPa mmHg min America New York Asia Hong Kong Shanghai UTC
    EST EDT HKT CST BST GMT Test Nurse Clinician Admin Hospital Team Demo Patient One DPO Other Example Person NEWS
    """.split()  # noqa: SIM905
)
"""Names, units, zones and codes: the same in every language."""
THEIR_OWN = ("Could I move my evening reminder to 9 pm? I work late this week.",)
"""What patients wrote, where it stands within a sentence of ours."""


def chosen(client: FlaskClient, language: str, **form: str) -> None:
    """Choose by the switch at the foot of the page."""
    assert client.post("/language", data={"language": language, **form}).status_code == 302


def test_whoever_chooses_a_language_reads_it_here_and_elsewhere(
    app: Flask, session: Session, nurse: FlaskClient, ward: Ward
):
    assert '<html lang="en">' in nurse.get("/worklist").text
    answer = nurse.post("/language", data={"language": "zh-Hant", "back": "/inbox?x=1"})
    assert answer.headers["Location"] == "/inbox?x=1"
    assert '<html lang="zh-Hant">' in nurse.get("/worklist").text
    elsewhere = app.test_client()
    elsewhere.set_cookie("care_staff", _cookie(nurse))
    assert '<html lang="zh-Hant">' in elsewhere.get("/worklist").text
    session.expire_all()
    assert session.get_one(Practitioner, ward.world.clinic.nurse.id).language == "zh-Hant"
    told = session.scalars(select(AuditEvent).where(AuditEvent.action == "staff.language")).one()
    assert told.detail == {"language": "zh-Hant"}


def test_at_a_shared_desk_ones_own_language_comes_before_the_browsers(app: Flask, ward: Ward, nurse: FlaskClient):
    chosen(nurse, "zh-Hans")
    hers = _cookie(nurse)
    sign_in(nurse, ward.world, ward.world.clinic.clinician)
    assert '<html lang="zh-Hans">' in nurse.get("/core/").text  # the browser's, while she has chosen none
    chosen(nurse, "en")
    nurse.set_cookie("care_staff", hers)
    assert '<html lang="zh-Hans">' in nurse.get("/worklist").text


def test_who_is_not_signed_in_chooses_too_and_is_kept_on_this_site(app: Flask):
    client = app.test_client()
    answer = client.post("/language", data={"language": "zh-Hans", "back": "//elsewhere.example"})
    assert answer.headers["Location"] == "/"
    assert "登录" in client.get("/sign-in").text


def test_a_language_that_is_not_spoken_is_refused(nurse: FlaskClient):
    assert nurse.post("/language", data={"language": "xx"}).status_code == 422
    assert nurse.post("/language", data={}).status_code == 422


def test_an_error_is_told_in_the_readers_language(nurse: FlaskClient):
    chosen(nurse, "zh-Hans")
    page = nurse.post("/language", data={"language": "x" * 300}).text
    assert "此处最多填写 200 个字符" in page
    assert "输入有误" in page
    missing = nurse.get("/nowhere").text
    assert "未找到" in missing
    assert "可能属于其他团队" in missing


def test_times_are_in_the_readers_language_with_the_patients_clock_behind_them(nurse: FlaskClient, ward: Ward):
    chosen(nurse, "zh-Hans")
    page = nurse.get(f"/patients/{ward.two.id}").text
    assert re.search(r'title="\d{4}年\d+月\d+日 周.[^"]* · 患者当地 \d{4}年', page)
    assert re.search(r"data-ago>\d+ 分钟前<", page)


def test_machines_are_answered_in_english_whatever_the_browser_asks_for(app: Flask):
    answer = app.test_client().get("/api/v1/nowhere", headers={"Accept-Language": "zh-CN"})
    assert answer.get_json()["title"] == "Not Found"


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("role", ["nurse", "clinician", "admin"])
def test_no_page_says_anything_in_english(language: str, role: str, app: Flask, request: pytest.FixtureRequest):
    client: FlaskClient = request.getfixturevalue(role)
    chosen(client, language)
    pages = dict(walk(app, client, ["/", *_plain(app, role)]))
    assert len(pages) > 8
    assert all(Page(page).language == language for page in pages.values() if "<html" in page)
    assert (
        sorted(
            {f"{words} on {place[:24]}" for place, page in pages.items() for words in foreign(page, SAME, THEIR_OWN)}
        )
        == []
    )


def _cookie(client: FlaskClient) -> str:
    found = client.get_cookie("care_staff")
    assert found
    return found.value


def _plain(app: Flask, role: str) -> list[str]:
    """Pages of this role whose address has no id."""
    from care_api.guard import roles_of

    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return [rule.rule for rule in rules if role in roles_of(app, rule.endpoint, "GET")]
