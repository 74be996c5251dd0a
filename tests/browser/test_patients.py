"""The patient's page and the pages around it in a browser: no fault that axe sees, no sideways scrolling, a walk."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from care.records.care_plans import active_plans
from care.records.questionnaire_responses import reports
from care.services.notes import write_note
from care.services.proxies import Proxy, add_proxy
from tests.browser.conftest import Desk, shot
from tests.browser.test_walks import _faults as faults


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_around_a_patient_has_a_fault_that_axe_sees(desk: Desk, width: int):
    ward, world = desk.ward, desk.ward.world
    one = ward.one
    write_note(world.session, world.rt, world.clinic.nurse, one.id, "Prefers calls after lunch.", uuid4())
    form = Proxy("Demo Daughter", "child", "in-person", "sms", "+12025550199", "mother")
    proxy = add_proxy(world.session, world.rt, world.clinic.nurse, one.id, form)
    plan, report = active_plans(world.session, one.id)[0], reports(world.session, one.id)[0]
    page = desk.page(width)
    desk.sign_in(page, "nurse")
    base = f"{desk.address}/patients/{one.id}"
    places = {
        "": "patient-page",
        "?show=note": "patient-notes",
        "/timeline": "patient-timeline",
        "/conversation": "patient-conversation",
        f"/reports/{report.id}": "patient-report",
        f"/plans/{plan.id}/pause": "plan-pause",
        f"/plans/{plan.id}/stop": "plan-stop",
        "/proxies/add": "proxy-add",
        f"/proxies/{proxy.id}/end": "proxy-end",
    }
    for place, name in places.items():
        page.goto(base + place)
        assert faults(page) == [], place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        if name != "patient-page":
            shot(page, f"{name}-{width}")
    assert desk.errors == []


def test_a_nurse_takes_the_conversation_over_writes_and_hands_back(desk: Desk):
    page = desk.page()
    desk.sign_in(page, "nurse")
    page.goto(f"{desk.address}/patients/{desk.ward.one.id}")
    page.get_by_text("Write with the patient yourself").click()
    page.get_by_label("For how long").select_option("2")
    page.get_by_role("button", name="Take the conversation over").click()
    page.get_by_text("You write with the patient. The bot is silent.").wait_for()
    page.get_by_label("Write to the patient").fill("Please eat something sweet and measure again.")
    page.get_by_role("button", name="Look at it before sending").click()
    page.get_by_role("heading", name="This is what will arrive").wait_for()
    page.get_by_role("button", name="Send it").click()
    page.get_by_text("The message is on its way.").wait_for()
    page.get_by_role("button", name="Hand back to the bot").click()
    page.get_by_text("The bot answers this patient again.").wait_for()
    page.get_by_role("link", name="Messages", exact=True).click()
    assert re.search(r"show=message", page.url)
    assert page.locator("ol.timeline > li.k-message").count() == page.locator("ol.timeline > li").count() > 0
    assert desk.errors == []
