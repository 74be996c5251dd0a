"""The simulator in a browser: a patient's phones, the nurse's page beside them, and the clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Demonstration, phone, say, shot
from tests.browser.test_walks import _faults

WIDTHS = (1280, 390)


def too_wide(page: Any) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found


def test_a_red_flag_from_a_phone_is_answered_there_and_reaches_the_nurse(demonstration: Demonstration):
    page = demonstration.open()
    nurse = demonstration.sign_in(page)
    say(page, "SMS, phone of Demo Patient One", "I have chest pain and cannot breathe")
    mine = phone(page, "SMS, phone of Demo Patient One")
    mine.locator(".mine", has_text="chest pain").wait_for()
    mine.locator(".ours", has_text="911").wait_for()
    mine.get_by_role("group", name="What anybody can see").get_by_text("911").wait_for()
    nurse.locator(".row-stat").first.wait_for()
    mine.get_by_role("button", name="Delivered").click()
    mine.locator(".state-delivered").wait_for()
    assert demonstration.desk.errors == []


def test_a_day_later_the_reminder_arrives(demonstration: Demonstration):
    page = demonstration.open("Demo Patient Two")
    demonstration.sign_in(page)
    mine = phone(page, "SMS, phone of Demo Patient Two")
    before = mine.locator(".ours").count()
    page.get_by_role("button", name="+1 day").click()
    page.locator(".ahead", has_text="1 d ahead").wait_for()
    page.get_by_role("button", name="To next reminder").click()
    mine.locator(".ours").nth(before).wait_for()
    page.get_by_role("button", name="Back to real time").click()
    page.locator(".ahead", has_text="Real time").wait_for()
    assert page.frame_locator("iframe").get_by_role("button", name="Sign out").is_visible()
    assert demonstration.desk.errors == []


def test_a_strangers_text_and_a_call_that_comes_twice(demonstration: Demonstration):
    page = demonstration.open()
    unknown = phone(page, "SMS, phone of Somebody unknown")
    unknown.get_by_role("checkbox").check()
    say(page, "SMS, phone of Somebody unknown", "Hello, who is this?")
    unknown.locator(".ours").wait_for()
    assert unknown.locator(".mine").count() == 1
    assert unknown.locator(".ours").count() == 1


def test_it_works_without_a_script(demonstration: Demonstration):
    page = demonstration.open(java_script_enabled=False)
    mine = phone(page, "SMS, phone of Demo Patient One")
    mine.get_by_role("textbox").fill("glucose 118")
    mine.get_by_role("button", name="Send", exact=True).click()
    mine.locator(".mine", has_text="glucose 118").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_used_by_everybody(demonstration: Demonstration, width: int, scheme: str):
    for language, patient in (("en", "Demo Patient One"), ("zh-Hans", "示例病人甲"), ("zh-Hant", "示例病人丙")):
        page = demonstration.open(patient, width, language, color_scheme=scheme)
        page.locator("textarea").first.wait_for()
        assert _faults(page) == [], (language, width)
        assert too_wide(page) <= 0


@pytest.mark.parametrize("width", WIDTHS)
def test_what_it_looks_like(demonstration: Demonstration, width: int):
    english = demonstration.open(width=width)
    demonstration.sign_in(english)
    mine = phone(english, "SMS, phone of Demo Patient One")
    mine.locator(".ours").first.wait_for()  # the answer to what was written when the clinic was made
    before = mine.locator(".ours").count()
    english.get_by_role("button", name="To next reminder").click()
    mine.locator(".ours").nth(before).wait_for()
    say(english, "SMS, phone of Demo Patient One", "OK")
    mine.locator(".ours").nth(before + 1).wait_for()
    say(english, "SMS, phone of Demo Patient One", "I have chest pain")
    mine.locator(".ours", has_text="911").wait_for()
    english.frame_locator("iframe").locator(".row-stat").first.wait_for()
    assert _faults(english) == []
    english.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    english.wait_for_timeout(1500)
    shot(english, f"simulator-en-{width}")

    chinese = demonstration.open("示例病人甲", width, "zh-Hans")
    demonstration.sign_in(chinese)
    chinese.get_by_role("button", name="到下一次提醒").click()
    mine = phone(chinese, "微信，示例病人甲的手机")
    mine.locator(".ours").first.wait_for()
    say(chinese, "微信，示例病人甲的手机", "好")
    mine.locator(".mine", has_text="好").wait_for()
    mine.locator(".ours").nth(1).wait_for()
    say(chinese, "微信，示例病人甲的手机", "胸口痛，喘不过气")
    mine.locator(".ours", has_text="120").wait_for()
    chinese.frame_locator("iframe").locator(".row-stat").nth(1).wait_for()
    assert _faults(chinese) == []
    chinese.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    chinese.wait_for_timeout(1500)
    shot(chinese, f"simulator-zh-{width}")
