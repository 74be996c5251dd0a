from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from care.domain.message import Capabilities
from care.records.audit_events import AuditEvent
from care.records.care_plans import active_plans
from care.records.definitions import definition
from care.services import content, foreseeing
from care.services.foreseeing import Reader
from dashboard.plan_preview import calendar
from tests.conftest import FakeChannel
from tests.dashboard.ward import Ward
from tests.services.world import DIABETES, HEART


def of(ward: Ward, canonical: str = HEART) -> str:
    return f"/protocols/{definition(ward.world.session, canonical).id}/preview"


def test_a_protocol_is_shown_day_by_day_as_it_will_look_on_the_phone(nurse: FlaskClient, ward: Ward):
    nurse.application.extensions["care.runtime"].channels["sms"].capabilities = Capabilities(segments=3)
    page = nurse.get(f"{of(ward)}?country=US&channel=sms&weeks=2&starts_on=2026-03-03&zone=America/New_York").text
    assert page.count('class="entry"') == 14
    assert page.count('class="entry again"') == 14
    assert "14 to 28" in page
    assert "unknown: no price is set for this country" in page
    assert "Care: you have questions to answer. Reply OK to begin." in page
    assert "What comes after an OK" in page


def test_a_preview_in_chinese_says_what_will_be_said(nurse: FlaskClient, ward: Ward):
    page = nurse.get(f"{of(ward)}?language=zh-Hans&zone=Asia/Shanghai&country=CN&channel=sms").text
    assert 'lang="zh-Hans"><p>' in page


@pytest.mark.parametrize(
    "asked",
    ["zone=Mars/Olympus", "country=XX", "channel=fax", "language=tlh", "starts_on=soon", "starts_on=9999-01-01"],
)
def test_what_cannot_be_shown_is_said_at_its_field(nurse: FlaskClient, ward: Ward, asked: str):
    page = nurse.get(f"{of(ward)}?{asked}")
    assert page.status_code == 200
    assert "There is nothing to show" in page.text
    assert 'field wrong"' in page.text


def test_a_patients_running_plan_is_shown_and_the_look_is_audited(nurse: FlaskClient, ward: Ward):
    plan = active_plans(ward.world.session, ward.two.id)[0]
    page = nurse.get(f"/patients/{ward.two.id}/plans/{plan.id}/preview").text
    assert "示範病人乙" in page
    assert 'class="entry"' in page
    assert [one.action for one in ward.world.all(AuditEvent)][-1] == "patient.view"


def test_another_patients_plan_is_not_there(nurse: FlaskClient, ward: Ward):
    plan = active_plans(ward.world.session, ward.two.id)[0]
    assert nurse.get(f"/patients/{ward.one.id}/plans/{plan.id}/preview").status_code == 404


def test_a_patient_is_foreseen_on_a_protocol_before_it_is_started(nurse: FlaskClient, ward: Ward):
    chosen = definition(ward.world.session, DIABETES).id
    page = nurse.get(f"/patients/{ward.two.id}/preview?protocol={chosen}&starts_on=2026-03-09&weeks=1").text
    assert page.count('class="entry"') == 14


def test_the_calendar_has_whole_weeks_and_every_message_once(ward: Ward):
    world = ward.world
    sms = FakeChannel("sms")
    world.rt.channels["sms"] = sms  # type: ignore[index]
    reader = Reader("en", "Asia/Hong_Kong", "HK", ("sms",))
    protocol = content.plan(world.session, DIABETES)
    seen = foreseeing.before_start(world.session, world.rt, protocol, reader, date(2026, 3, 4), 3, {})
    weeks = calendar(seen)
    assert all(len(week) == 7 and week[0].day.weekday() == 0 for week in weeks)
    shown = [entry for week in weeks for day in week for entry in day.entries]
    assert len(shown) == seen.tally.most
