"""A code for WeChat from the patient's page."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from care.records.audit_events import AuditEvent
from care.records.bindings import BindingCode
from care.records.patients import contact_points
from tests.dashboard.ward import Ward


def test_the_page_offers_a_code_for_wechat(nurse: FlaskClient, ward: Ward):
    page = nurse.get(f"/patients/{ward.one.id}").text
    assert f'action="/patients/{ward.one.id}/binding-code"' in page


def test_a_code_is_shown_once_works_and_is_kept_out_of_caches(nurse: FlaskClient, ward: Ward):
    answer = nurse.post(f"/patients/{ward.one.id}/binding-code", data={"label": " mother "})
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(r'class="code">(\w{4}) (\w{4})<', answer.text)
    assert found
    world = ward.world
    world.receive(found[1] + found[2], "oOPENID", channel="wechat")
    (bound,) = [one for one in contact_points(world.session, ward.one.id) if one.channel == "wechat"]
    assert (bound.address, bound.label) == ("oOPENID", "mother")
    assert "patient.issue-binding-code" in {event.action for event in world.all(AuditEvent)}


def test_a_label_that_is_too_long_makes_no_code(nurse: FlaskClient, ward: Ward):
    answer = nurse.post(f"/patients/{ward.one.id}/binding-code", data={"label": "x" * 41})
    assert answer.status_code == 422
    assert ward.world.all(BindingCode) == []
