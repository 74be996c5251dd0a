"""The models' pages in a browser: no fault that axe sees, no sideways scrolling, and the kill switch in one form."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from care.domain.monitoring import Case, figures
from care.records.model_versions import ModelReview
from care.services import models, staff
from tests.browser.conftest import PASSWORD, Desk
from tests.browser.test_walks import WIDTHS, _faults
from tests.services.test_models import let_in, shipment


@pytest.mark.parametrize("width", WIDTHS)
def test_models_are_read_and_ended_without_a_fault(desk: Desk, width: int):
    world = desk.ward.world
    models.register_shipped(world.session, world.now, [shipment(routine_from=0.6)])
    row = models.register(world.session, world.rt, world.clinic.admin, shipment("2.0.0"))
    let_in(world.session, world.rt, world.clinic, row, "shadow")
    (first, _) = models.versions(world.session)
    for number, alarms in enumerate(([], ["observed-expected"])):
        found = figures([Case(0.25, True)] + [Case(0.25, False)] * 3, 0.6).told()
        week = date(2026, 2, 2) + timedelta(days=7 * number)
        said = {"figures": found, "alarms": alarms, "recorded_at": world.now}
        for group in ("all", f"site:{world.clinic.team.id}"):
            world.session.add(ModelReview(model_id=first.id, week=week, group=group, **said))
    world.session.commit()
    staff.set_password(world.session, world.rt, world.clinic.admin, world.clinic.admin.id, PASSWORD)
    page, faults = desk.page(width), {}
    desk.sign_in(page, "admin")
    for place in ("/models", f"/models/{first.id}", f"/models/{row.id}"):
        page.goto(desk.address + place)
        faults[place] = _faults(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults[place] += [f"{wide} px wider than the window"] if wide > 0 else []
    assert [f"{place}: {fault}" for place, found in faults.items() for fault in found] == []
    page.goto(f"{desk.address}/models/{first.id}")
    page.locator("#end-note").fill("It calls the wrong people")
    page.get_by_role("button", name="End this version").click()
    page.get_by_text("It is out of use").wait_for()
    assert desk.errors == []
