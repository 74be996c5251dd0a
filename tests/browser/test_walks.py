"""Walks through the pages with a real browser: a nurse's and a clinician's; and no page with a fault that axe sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Desk, shot

WIDTHS = (1280, 390)


def _faults(page: Any) -> list[str]:
    """What axe finds wrong, in short."""
    from axe_core_python.sync_playwright import Axe

    found = Axe().run(page)["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:200]})"
        for fault in found
        for node in fault["nodes"]
    ]


def _pages(desk: Desk) -> dict[str, str]:
    alert = desk.ward.alert(desk.ward.one)
    return {
        "worklist": "/worklist",
        "inbox": "/inbox",
        "patient": f"/patients/{desk.ward.one.id}",
        "patient-weight": f"/patients/{desk.ward.two.id}",
        "case": f"/core/cases/{alert.id}",
        "cases": "/core/",
        "find": "/find",
        "enrol": "/enrol",
        "protocols": "/protocols",
    }


def test_a_nurse_reads_why_takes_it_and_closes_it(desk: Desk):
    page = desk.page()
    desk.sign_in(page, "nurse")
    assert page.url.endswith("/worklist")
    first = page.locator("ol.rows > li").first
    assert first.get_attribute("data-priority") == "stat"
    page.get_by_role("link", name="DPO, 67", exact=True).first.click()
    page.get_by_role("heading", name="Demo Patient One").wait_for()
    page.get_by_role("link", name="Read why").first.click()
    page.get_by_role("heading", name="Glucose very low: 49 mg/dL").wait_for()
    assert page.get_by_text("Rule glucose-very-low").is_visible()
    assert page.locator(".plot canvas").count() >= 1
    page.get_by_role("button", name="Accept this case").click()
    page.get_by_text("The case is yours now").wait_for()
    page.get_by_label("Phoned the patient").check()
    shot(page, "case-accepted-1280")
    page.get_by_label("Note").fill("Ate and measured again: 104.")
    page.get_by_role("button", name="Close with this outcome").click()
    page.get_by_text("The case is closed").wait_for()
    assert desk.ward.alert(desk.ward.one).outcome == "phoned"
    assert desk.errors == []


def test_a_message_is_seen_as_it_will_arrive_and_then_sent(desk: Desk):
    page = desk.page()
    desk.sign_in(page, "nurse")
    page.goto(f"{desk.address}/patients/{desk.ward.three.id}")
    page.get_by_label("Write to the patient").fill("请先吃点东西，15分钟后再测一次。")
    page.get_by_role("button", name="Look at it before sending").click()
    assert page.locator(".phone p[lang='zh-Hans']").inner_text() == "请先吃点东西，15分钟后再测一次。"
    shot(page, "message-1280")
    page.get_by_role("button", name="Send it").click()
    page.get_by_text("on its way").wait_for()
    assert desk.errors == []


def test_a_clinician_opens_the_case_in_core_and_resolves_it(desk: Desk):
    page = desk.page()
    desk.sign_in(page, "clinician")
    assert page.url.endswith("/core/")
    page.get_by_role("link", name="DPO, 67", exact=True).first.click()
    page.get_by_role("button", name="Accept this case").click()
    page.get_by_label("Adjusted the plan or treatment").check()
    page.get_by_role("button", name="Close with this outcome").click()
    page.get_by_text("The case is closed").wait_for()
    assert page.get_by_role("heading", name="Closed last").is_visible()
    assert desk.errors == []


def test_a_stat_alert_comes_to_the_top_of_the_open_list_by_itself(desk: Desk):
    page = desk.page()
    desk.sign_in(page, "nurse")
    before = page.locator("ol.rows > li").count()
    desk.ward.world.tell("血糖 2.4", sender="+8613055550103")
    page.wait_for_function("n => document.querySelectorAll('li[data-priority=stat]').length > n", arg=2, timeout=6000)
    assert page.locator("ol.rows > li").count() >= before
    assert desk.errors == []


def test_an_open_list_says_when_its_reader_was_signed_out(desk: Desk):
    page = desk.page()
    desk.sign_in(page, "nurse")
    page.context.clear_cookies()
    page.get_by_text("You were signed out").wait_for()


def test_everything_that_is_read_or_acknowledged_works_without_scripts(desk: Desk):
    page = desk.page(java_script_enabled=False)
    desk.sign_in(page, "nurse")
    page.get_by_role("button", name="Claim DPO, 67").first.click()
    page.get_by_text("It is yours now").wait_for()
    page.get_by_role("link", name="DPO, 67", exact=True).first.click()
    page.get_by_text("The readings as a table").first.click()
    assert page.get_by_role("region", name="Glucose: readings").is_visible()
    page.get_by_label("Acted on it").check()
    page.get_by_role("button", name="Close with this outcome").click()
    page.get_by_text("Closed, with its outcome").wait_for()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_has_a_fault_of_accessibility_or_needs_sideways_scrolling(desk: Desk, width: int):
    page = desk.page(width)
    page.goto(f"{desk.address}/sign-in")
    faults = {"sign-in": _faults(page)}
    desk.sign_in(page, "nurse")
    for name, place in _pages(desk).items():
        page.goto(desk.address + place)
        faults[name] = _faults(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults[name] += [f"{wide} px wider than the window"] if wide > 0 else []
    assert [f"{name}: {fault}" for name, found in faults.items() for fault in found] == []
    assert desk.errors == []


def test_pages_hold_in_the_dark_and_at_twice_the_size(desk: Desk):
    dark = desk.page(color_scheme="dark")
    desk.sign_in(dark, "nurse")
    large = desk.page(640)
    desk.sign_in(large, "nurse")
    for name, place in _pages(desk).items():
        if name in ("worklist", "inbox", "case"):
            dark.goto(desk.address + place)
            assert _faults(dark) == [], name
            if name == "worklist":
                shot(dark, "worklist-dark")
        large.goto(desk.address + place)
        wide = large.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, name
