"""Every page that staff can open, in a real browser: without a fault that axe sees, within its width, ready at once.

The pages are the application's own routes: a new one is looked at without being named here.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from care.access import STAFF, may
from care.domain.people import Staff
from care.records.definitions import Definition
from care.services import models
from care_api.guard import COOKIE
from tests.browser.conftest import Desk, shot
from tests.browser.test_walks import _faults
from tests.care_api.serving import staff_token
from tests.care_api.test_access import routes
from tests.care_api.test_other_teams import MAKERS, _kinds
from tests.dashboard.ward import Ward
from tests.services.test_models import shipment

READY = 300  # milliseconds from the last byte of an answer until its page can be used
NARROW = 390
READERS = {"en": "en-GB", "zh": "zh-CN"}
NO_PAGES = (".csv", ".pdf", ".xml", ".json", "/rows", "/attachments/", "/assets/", "/metrics", "/card")


def _pages(app: Flask) -> list[tuple[str, str]]:
    """(rule, role) of every page of staff, each as one of the roles that may open it."""
    found = {}
    for _, rule, method, roles in routes(app):
        if method == "GET" and roles & STAFF and not any(part in rule for part in NO_PAGES):
            found[rule] = sorted(roles & STAFF)[-1]
    return sorted(found.items())


def _address(ward: Ward, rule: str) -> str:
    for kind in _kinds(rule):
        name = kind.rsplit("/")[-1]
        made = _shared(ward, rule, name) if name in ("definition_id", "model_id") else MAKERS[kind](ward)
        rule = rule.replace(f"<uuid:{name}>", str(made))
    return rule


def _shared(ward: Ward, rule: str, name: str) -> Any:
    session = ward.world.session
    if name == "model_id":
        return (models.versions(session) or [_model(ward)])[0].id
    kind = "PlanDefinition" if rule.startswith("/protocols") else "Questionnaire"
    return session.scalars(select(Definition.id).where(Definition.kind == kind).order_by(Definition.url)).first()


def _model(ward: Ward) -> Any:
    world = ward.world
    models.register_shipped(world.session, world.now, [shipment(routine_from=0.6)])
    return models.versions(world.session)[0]


def _window(desk: Desk, who: Staff, reader: str) -> Any:
    world = desk.ward.world
    page = desk.page(locale=READERS[reader])
    page.context.add_cookies(
        [{"name": COOKIE, "value": staff_token(world.session, world.rt, who), "url": desk.address}]
    )
    return page


READY_AFTER = """() => {
  const told = performance.getEntriesByType('navigation')[0];
  return told.domContentLoadedEventEnd - told.responseEnd;
}"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


BAR = "document.querySelector('header.top').offsetHeight"
ONE_LINE = 64
DRAWN_ANEW = 200  # milliseconds that a chart takes to notice its new width


def _named(rule: str) -> str:
    return rule.strip("/").replace("<uuid:", "").replace(">", "").replace("/", "-") or "home"


def _at_both_widths(page: Any, name: str, reader: str) -> list[str]:
    """Pictures of the page at a desk and on a phone, and whether it fits the phone."""
    shot(page, f"page-{name}-{reader}-1280")
    page.set_viewport_size({"width": NARROW, "height": 800})
    wide = page.evaluate(TOO_WIDE)
    if page.locator(".plot canvas").count():
        page.wait_for_timeout(DRAWN_ANEW)
    shot(page, f"page-{name}-{reader}-{NARROW}")
    page.set_viewport_size({"width": 1280, "height": 800})
    return [f"{wide} px wider than a phone"] if wide > 0 else []


@pytest.mark.parametrize("reader", sorted(READERS))
def test_every_page_of_staff_is_without_fault_fits_a_phone_and_is_ready_at_once(desk: Desk, reader: str):
    clinic = desk.ward.world.clinic
    people = {"nurse": clinic.nurse, "clinician": clinic.clinician, "admin": clinic.admin}
    windows = {role: _window(desk, who, reader) for role, who in people.items()}
    wrong: list[str] = []
    late: list[tuple[float, str]] = []
    for rule, role in _pages(desk.app):
        page = windows[role]
        answer = page.goto(desk.address + _address(desk.ward, rule))
        if answer.status != 200:
            wrong.append(f"{rule} answered {answer.status} to the {role}")
            continue
        late.append((page.evaluate(READY_AFTER), rule))
        if reader == "zh":  # the same page with other words: what axe sees is the same, and it takes its time
            wrong += [f"{rule}: {fault}" for fault in _faults(page)]
        wrong += [f"{rule}: the bar at the top takes two lines"] if page.evaluate(BAR) > ONE_LINE else []
        if not answer.request.redirected_from:  # what it leads to is a page of this list itself
            wrong += [f"{rule}: {fault}" for fault in _at_both_widths(page, _named(rule), reader)]
    print(*wrong, sep="\n")
    print(f"{len(late)} pages; ready after {sorted(late)[len(late) // 2][0]:.0f} ms (median), {max(late)} (slowest)")
    assert wrong == []
    assert desk.errors == []
    assert sorted(late)[len(late) * 9 // 10][0] <= READY


@pytest.mark.parametrize("reader", sorted(READERS))
def test_the_doors_the_errors_and_the_empty_pages_are_without_fault_too(desk: Desk, reader: str):
    @may("anyone")
    def broken() -> str:
        raise RuntimeError("nobody is told this")

    desk.app.add_url_rule("/broken", "broken", broken)
    clinic = desk.ward.world.clinic
    outside, nurse, elsewhere = (
        desk.page(locale=READERS[reader]),
        *(_window(desk, who, reader) for who in (clinic.nurse, clinic.other_nurse)),
    )
    wrong = []
    for name, page, place, status in (
        ("sign-in", outside, "/sign-in", 200),
        ("me", outside, "/me", 200),
        ("error-404", nurse, "/nowhere", 404),
        ("error-403", nurse, "/admin", 403),
        ("error-500", nurse, "/broken", 500),
        ("empty-worklist", elsewhere, "/worklist", 200),
        ("empty-inbox", elsewhere, "/inbox", 200),
        ("empty-silent", elsewhere, "/silent", 200),
        ("empty-calls", elsewhere, "/calls", 200),
        ("empty-numbers", elsewhere, "/numbers", 200),
    ):
        answer = page.goto(desk.address + place)
        wrong += [f"{name} answered {answer.status}"] if answer.status != status else []
        wrong += [f"{name}: {fault}" for fault in _faults(page) + _at_both_widths(page, name, reader)]
    print(*wrong, sep="\n")
    assert wrong == []
    assert [
        said for said in desk.errors if "status of" not in said
    ] == []  # an error's own status is said by the browser
