"""The simulator in a browser: a patient's phones, the nurse's page beside them, and the clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import make_server

from bots.channels import make_channels
from care.runtime import Runtime
from care.services import simulated_phones
from care.services.demo_clinic import seed_demo
from care.services.simulated_time import moved_clock
from risk.registry import load_bundles, make_assess
from scheduler.clock import run
from tests.browser.conftest import Desk, shot
from tests.browser.test_walks import _faults
from tests.care_api.serving import serving, settings
from tests.conftest import Clock

WIDTHS = (1280, 390)


@dataclass
class Demonstration:
    """The demo clinic behind a server with its clock and its worker, and how its nurse signs in."""

    desk: Desk
    passwords: dict[str, str]

    def open(self, patient: str = "Demo Patient One", width: int = 1280, language: str = "en", **other: Any) -> Any:
        """The page of this patient, in a window of its own."""
        page = self.desk.page(width, **other)
        page.set_default_timeout(15000)
        page.goto(f"{self.desk.address}/simulator?language={language}")
        choice = page.locator("select[name=patient] option", has_text=patient).get_attribute("value")
        page.goto(f"{self.desk.address}/simulator?language={language}&patient={choice}")
        return page

    def sign_in(self, page: Any) -> Any:
        """The nurse's page in its frame, signed in."""
        frame = page.frame_locator("iframe")
        frame.get_by_label("User name").fill("demo-nurse")
        frame.get_by_label("Password").fill(self.passwords["demo-nurse"])
        frame.get_by_role("button", name="Sign in").click()
        frame.get_by_role("button", name="Sign out").wait_for()
        return frame


@pytest.fixture
def demonstration(
    chromium: Any, session: Session, empty_database: Engine, database_url: str, clock: Clock
) -> Iterator[Demonstration]:
    """The demo clinic, as `make run` has it, from noon of a Monday on."""
    chosen = settings(database_url, care_simulator="1")
    began = monotonic()
    rt = Runtime(
        clock=moved_clock(database_url, wall=lambda: clock.now + timedelta(seconds=monotonic() - began)),
        channels=make_channels(chosen, sink=lambda message: None),
        assess=make_assess(load_bundles()),
    )
    logins = seed_demo(session, rt)
    simulated_phones.furnish(session, rt)
    stop = threading.Event()
    opened = sessionmaker(empty_database, expire_on_commit=False)
    with serving(database_url, rt, care_simulator="1") as app:
        app.config["WTF_CSRF_ENABLED"] = True
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threads = [threading.Thread(target=server.serve_forever, daemon=True)]
        threads += [threading.Thread(target=run, args=(lane, opened, rt, stop)) for lane in ("clock", "worker")]
        for thread in threads:
            thread.start()
        desk = Desk(chromium, f"http://127.0.0.1:{server.port}", None, [])  # type: ignore[arg-type]
        try:
            yield Demonstration(desk, {one["username"]: one["password"] for one in logins})
        finally:
            for context in chromium.contexts:
                context.close()
            stop.set()
            server.shutdown()
            for thread in threads:
                thread.join()


def phone(page: Any, name: str) -> Any:
    """One phone of the page."""
    return page.get_by_role("article", name=name)


def say(page: Any, name: str, words: str) -> None:
    """Write on a phone, and send it with the Enter key."""
    box = phone(page, name).get_by_role("textbox")
    box.fill(words)
    box.press("Enter")


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
