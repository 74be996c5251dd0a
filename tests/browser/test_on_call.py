"""Handing on, setting aside, and a team's ladder and rota in a browser; no fault that axe sees."""

from __future__ import annotations

import pytest

from care.services import escalations, staff
from tests.browser.conftest import PASSWORD, Desk, shot
from tests.browser.test_walks import WIDTHS, _faults


def test_an_alert_is_offered_to_a_colleague_without_a_script(desk: Desk):
    """A browser without scripts does all of it."""
    world = desk.ward.world
    escalations.accept(world.session, world.rt, world.clinic.nurse, desk.ward.alert(desk.ward.one).id)
    page = desk.page(java_script_enabled=False)
    desk.sign_in(page, "nurse")
    page.goto(f"{desk.address}/worklist?show=mine")
    page.get_by_role("link", name="Hand on").click()
    page.get_by_label("Colleague", exact=True).select_option(label="Test Clinician, clinician")
    page.get_by_role("button", name="Offer it").click()
    page.get_by_text("Your colleague is paged").wait_for()
    page.get_by_text("offered to Test Clinician").wait_for()
    assert desk.ward.alert(desk.ward.one).offered_to_id == world.clinic.clinician.id


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_readable_and_without_a_fault(desk: Desk, width: int):
    world = desk.ward.world
    alert = desk.ward.alert(desk.ward.one)
    escalations.accept(world.session, world.rt, world.clinic.nurse, alert.id)
    page = desk.page(width)
    desk.sign_in(page, "nurse")
    for path, name in (("/worklist?show=mine", "worklist-mine"), (f"/escalations/{alert.id}/handover", "handover")):
        page.goto(f"{desk.address}{path}")
        assert _faults(page) == []
        shot(page, f"{name}-{width}")
    staff.set_password(world.session, world.rt, world.clinic.admin, world.clinic.admin.id, PASSWORD)
    boss = desk.page(width)
    desk.sign_in(boss, "admin")
    boss.goto(f"{desk.address}/admin/teams/{world.clinic.team.id}/on-call")
    assert _faults(boss) == []
    assert boss.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    shot(boss, f"on-call-{width}")
    assert desk.errors == []
