"""Enrolling one and many, foreseeing a plan, and a protocol's next version, in a browser; no fault that axe sees."""

from __future__ import annotations

import pytest

from care.records.care_plans import active_plans
from care.records.definitions import definition
from care.records.patients import Patient
from tests.browser.conftest import Desk, shot
from tests.browser.test_walks import WIDTHS, _faults
from tests.services.test_cohort_files import sheet
from tests.services.world import DIABETES


def test_many_are_enrolled_from_a_file_without_a_script(desk: Desk):
    """A browser without scripts does all of it."""
    page = desk.page(java_script_enabled=False)
    desk.sign_in(page, "nurse")
    page.get_by_role("link", name="Enrol", exact=True).click()
    page.get_by_role("link", name="Enrol many from a file").click()
    page.locator("#file").set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": sheet({}, {})})
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Enrol all 2 patients").click()
    page.get_by_text("2 patients were enrolled from this file").wait_for()
    assert len(desk.ward.world.all(Patient)) == 5


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_readable_and_without_a_fault(desk: Desk, width: int):
    world, two = desk.ward.world, desk.ward.two
    plan, known = active_plans(world.session, two.id)[0], definition(world.session, DIABETES).id
    page = desk.page(width)
    desk.sign_in(page, "nurse")

    def look(name: str) -> None:
        assert _faults(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        shot(page, f"{name}-{width}")

    for path, name in (
        ("/enrol", "enrol"),
        ("/enrol/file", "enrol-file"),
        (f"/protocols/{known}/preview?channel=console&weeks=2", "plan-preview"),
        (f"/patients/{two.id}/plans/{plan.id}/preview?weeks=2", "plan-preview-patient"),
        (f"/patients/{two.id}/enrolled", "enrolled"),
        (f"/protocols/{known}/move", "protocol-move"),
    ):
        page.goto(f"{desk.address}{path}")
        look(name)
    page.goto(f"{desk.address}/enrol/file")
    wrong = sheet({}, {"birth_date": "6/6/1966"}, {"address": "+12025550001"})
    page.locator("#file").set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": wrong})
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("heading", name="Cell by cell").wait_for()
    look("enrol-file-look")
    page = desk.page(width)
    desk.sign_in(page, "clinician")
    page.goto(f"{desk.address}/protocols")
    page.get_by_role("button", name="Write the next version").first.click()
    page.get_by_role("heading", name="The next version").wait_for()
    look("protocol-draft")
    page.get_by_label("Times of day").first.fill("09:30")
    page.get_by_role("button", name="Save and see what changes").click()
    page.get_by_role("heading", name="What changes").wait_for()
    look("protocol-review")
    assert desk.errors == []
