"""The telephone, thresholds, settings and the second step in a real browser: no fault that axe sees, and words stay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyotp
import pytest

from care.records.form_drafts import form_draft
from care.records.tasks import Task
from care.services import plans, second_factors
from tests.browser.conftest import PASSWORD, Desk
from tests.browser.test_walks import _faults as faults

WIDTHS = (1280, 390)


def task_address(desk: Desk) -> tuple[str, Task]:
    world = desk.ward.world
    plans.expand_due(world.session, world.rt, world.now)
    mine = [one for one in world.all(Task) if one.patient_id == desk.ward.two.id and one.expires_at > world.now]
    task = min(mine, key=lambda one: one.due_at)
    world.clock.set(max(world.now, task.due_at))
    return f"{desk.address}/patients/{desk.ward.two.id}/phone/{task.id}", task


def look(page: Any, name: str) -> None:
    """A picture for whoever wants to look."""
    folder = os.environ.get("LOOK", "")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_have_no_fault(desk: Desk, width: int) -> None:
    patient, (form, _task) = f"{desk.address}/patients/{desk.ward.two.id}", task_address(desk)
    page = desk.page(width)
    desk.sign_in(page, "clinician")
    for name, address in (
        ("phone", f"{patient}/phone"),
        ("phone-form", form),
        ("thresholds", f"{patient}/thresholds"),
        ("settings", f"{patient}/settings"),
        ("calls", f"{desk.address}/calls"),
        ("account", f"{desk.address}/account"),
    ):
        page.goto(address)
        look(page, f"{name}-{width}")
        assert faults(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    page.locator("#password-again").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    page.get_by_alt_text("A square code").wait_for()
    look(page, f"second-factor-{width}")
    assert faults(page) == []
    assert desk.errors == []


def test_the_form_keeps_itself_and_shows_what_follows(desk: Desk) -> None:
    address, task = task_address(desk)
    page = desk.page()
    desk.sign_in(page, "nurse")
    page.goto(address)
    field = page.locator("#q-weight")
    field.fill("74.1")
    field.press("Tab")
    page.locator("#kept", has_text="Kept").wait_for()
    draft = form_draft(desk.ward.world.session, task.id)
    assert draft is not None and draft.answers["weight"] == [{"value": "74.1", "code": "kg"}]
    page.reload()
    assert page.locator("#q-weight").input_value() == "74.1"
    assert desk.errors == []


def test_a_second_step_is_asked_for_and_required_first(desk: Desk) -> None:
    world = desk.ward.world
    second_factors.require(world.session, world.rt, world.clinic.admin, world.clinic.team.id, True)
    page = desk.page(390)
    page.goto(f"{desk.address}/sign-in")
    page.get_by_label("User name").fill("nurse")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Set up a second step first").wait_for()
    look(page, "set-up-390")
    assert faults(page) == []
    shown = second_factors.pending(world.session, world.clinic.nurse)
    assert shown is not None
    page.get_by_label("Code that the app shows").fill(pyotp.TOTP(shown.secret).at(world.now))
    page.get_by_role("button", name="Confirm and sign in").click()
    page.get_by_role("heading", name="Keep these codes somewhere safe").wait_for()
    look(page, "codes-390")
    assert faults(page) == []
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Sign out").wait_for()
