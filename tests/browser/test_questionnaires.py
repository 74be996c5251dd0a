"""A hospital's own questionnaire in a browser: imported, walked in both faces, published; no fault that axe sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from care.services import staff
from tests.browser.conftest import PASSWORD, Desk, shot
from tests.browser.test_walks import WIDTHS, _faults
from tests.dashboard.brought import file


def _signed_in(desk: Desk, width: int = 1280, **other: Any) -> Any:
    world = desk.ward.world
    staff.set_password(world.session, world.rt, world.clinic.admin, world.clinic.admin.id, PASSWORD)
    page = desk.page(width, **other)
    desk.sign_in(page, "admin")
    return page


def _bring(desk: Desk, page: Any, folder: Path, source: bytes) -> None:
    brought = folder / "after-surgery.json"
    brought.write_bytes(source)
    page.goto(f"{desk.address}/questionnaires/import")
    page.get_by_label("A file").set_input_files(str(brought))
    page.get_by_role("button", name="Read it").click()


def _settled(page: Any) -> None:
    page.wait_for_function("() => !document.getElementById('walk').hasAttribute('aria-busy')")


def _still(page: Any) -> None:
    """As it looks before anyone scrolls the page; the chat is at its end."""
    page.evaluate("() => { scrollTo(0, 0); const c = document.getElementById('chat'); c.scrollTop = c.scrollHeight; }")


def _say(page: Any, text: str) -> None:
    page.get_by_label("Write as the patient").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".sent p", has_text=text).last.wait_for()
    _settled(page)


def test_one_is_imported_walked_in_both_faces_and_published(desk: Desk, tmp_path: Path):
    page = _signed_in(desk)
    page.get_by_role("link", name="Questionnaires").click()
    page.get_by_role("link", name="Bring your own").click()
    _bring(desk, page, tmp_path, file())
    page.get_by_role("heading", name="After your operation").wait_for()
    shot(page, "questionnaire-draft-1280")
    page.get_by_role("link", name="Walk it as a patient").click()

    page.locator(".got p").first.wait_for()
    _say(page, "4")
    assert page.get_by_label("Severe, it is all I can think of").is_checked()
    page.get_by_label("Where does it hurt most?").fill("Left knee")
    page.get_by_label("Where does it hurt most?").press("Tab")
    page.locator(".sent p", has_text="Left knee").wait_for()
    page.get_by_role("group", name="Did you have a fever?").get_by_label("Yes").check()
    page.get_by_label("What was the highest temperature").wait_for()
    _say(page, "no")
    _say(page, "38.6")
    assert page.get_by_label("What was the highest temperature").input_value() == "38.6"
    page.get_by_label("What was the highest temperature").fill("386")
    page.get_by_label("What was the highest temperature").press("Tab")
    page.get_by_role("alert").get_by_text("1 answer needs another look").wait_for()
    page.get_by_label("What was the highest temperature").fill("38.9")
    page.get_by_label("What was the highest temperature").press("Tab")
    page.locator(".sent p", has_text="38.9").wait_for()
    _settled(page)
    _still(page)
    shot(page, "questionnaire-walk-1280")
    page.get_by_role("button", name="Send the form").click()
    page.get_by_text("complete", exact=True).wait_for()
    assert '"valueDecimal": 38.9' in page.get_by_label("QuestionnaireResponse").inner_text()

    page.get_by_role("link", name="Back").click()
    page.get_by_label("Why it is published").fill("agreed by the surgical ward")
    page.get_by_role("button", name="Publish for good").click()
    page.get_by_text("It is published").wait_for()
    page.get_by_role("link", name="Questionnaires").click()
    assert page.get_by_role("heading", name="Drafts").count() == 0
    page.get_by_role("link", name="After your operation").first.wait_for()
    assert desk.errors == []


def test_the_language_is_switched_in_the_middle_of_a_walk(desk: Desk, tmp_path: Path):
    page = _signed_in(desk)
    _bring(desk, page, tmp_path, file())
    page.get_by_role("link", name="Walk it as a patient").click()
    _say(page, "2")
    page.get_by_label("The patient reads").select_option("zh-Hans")
    page.locator(".got p", has_text="伤口周围的皮肤发红或发热吗").wait_for()
    _say(page, "没有")
    _say(page, "有")
    _say(page, "38度5")
    _settled(page)
    assert page.get_by_label("最高多少度").input_value() == "38.5"
    assert page.get_by_label("轻微，几乎感觉不到").is_checked()
    _still(page)
    shot(page, "questionnaire-walk-zh-1280")
    page.set_viewport_size({"width": 390, "height": 800})
    _still(page)
    shot(page, "questionnaire-walk-zh-390")
    assert desk.errors == []


def test_a_walk_to_its_end_shows_the_score_and_the_report(desk: Desk):
    page = _signed_in(desk)
    page.goto(f"{desk.address}/questionnaires")
    page.get_by_role("link", name=re.compile("PHQ-2")).first.click()
    page.get_by_role("link", name="Walk it as a patient").click()
    page.get_by_label("The patient reads").select_option("zh-Hant")
    page.locator(".got p").nth(1).wait_for()
    _say(page, "4")
    _say(page, "幾乎每天")
    page.get_by_text("complete", exact=True).wait_for()
    assert "6 of 0 to 6" in page.get_by_role("row", name=re.compile("PHQ-2")).inner_text()
    assert page.get_by_text("It is valid FHIR").is_visible()
    _still(page)
    shot(page, "questionnaire-score-1280")
    assert desk.errors == []


def test_a_step_without_a_connection_is_told_and_can_be_taken_again(desk: Desk, tmp_path: Path):
    page = _signed_in(desk)
    _bring(desk, page, tmp_path, file())
    page.get_by_role("link", name="Walk it as a patient").click()
    page.context.set_offline(True)
    page.get_by_label("Write as the patient").fill("1")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("alert").get_by_text("No connection").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".sent p", has_text="1").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert page.get_by_label("No pain").is_checked()


def test_all_of_it_works_without_scripts(desk: Desk, tmp_path: Path):
    page = _signed_in(desk, java_script_enabled=False)
    _bring(desk, page, tmp_path, file())
    page.get_by_role("link", name="Walk it as a patient").click()
    page.get_by_label("Write as the patient").fill("1")
    page.get_by_role("button", name="Send", exact=True).click()
    assert page.get_by_label("No pain").is_checked()
    page.get_by_role("group", name="Did you have a fever?").get_by_label("No").check()
    page.get_by_role("button", name="Send the form").click()
    page.get_by_text("complete", exact=True).wait_for()
    page.get_by_role("link", name="Back").click()
    page.get_by_label("Why it is published").fill("agreed by the surgical ward")
    page.get_by_role("button", name="Publish for good").click()
    page.get_by_text("It is published").wait_for()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_of_it_has_a_fault_of_accessibility_or_needs_sideways_scrolling(desk: Desk, tmp_path: Path, width: int):
    page = _signed_in(desk, width)
    faults: dict[str, list[str]] = {}

    def look(name: str, keep: bool = False) -> None:
        faults[name] = _faults(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults[name] += [f"{wide} px wider than the window"] if wide > 0 else []
        if keep:
            shot(page, f"{name}-{width}")

    _bring(desk, page, tmp_path, file(item=[{"linkId": "colour", "type": "choice", "text": "Which colour?"}]))
    page.get_by_text("It was not imported").wait_for()
    look("questionnaire-refused", keep=True)
    _bring(desk, page, tmp_path, file())
    page.get_by_role("link", name="Walk it as a patient").wait_for()
    look("questionnaire-draft", keep=width == 390)
    page.get_by_role("link", name="Walk it as a patient").click()
    page.locator(".got p").first.wait_for()
    _say(page, "4")
    page.get_by_role("group", name="Did you have a fever?").get_by_label("No").check()
    page.locator(".sent p", has_text="fever").wait_for()
    _settled(page)
    _still(page)
    look("questionnaire-walk", keep=width == 390)
    _say(page, "chest pain")
    look("walk-alarm")
    page.goto(f"{desk.address}/questionnaires")
    look("questionnaires", keep=True)
    page.get_by_role("link", name="Daily heart check").first.click()
    page.get_by_role("heading", name="Where it is used").wait_for()
    look("questionnaire")
    assert [f"{name}: {fault}" for name, found in faults.items() for fault in found] == []
    assert [said for said in desk.errors if "422" not in said] == []


def test_a_walk_holds_in_the_dark_and_at_twice_the_size(desk: Desk, tmp_path: Path):
    page = _signed_in(desk, 640, color_scheme="dark")
    _bring(desk, page, tmp_path, file())
    for step in ("draft", "walk"):
        assert _faults(page) == [], step
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, step
        if step == "draft":
            page.get_by_role("link", name="Walk it as a patient").click()
            _say(page, "4")
