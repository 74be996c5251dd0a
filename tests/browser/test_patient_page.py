"""The patient's own page in a browser: a code, today's task, its form to the end, and what is there afterwards."""

from __future__ import annotations

import re
import struct
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from care.records.form_drafts import FormDraft
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.sign_ins import PatientSession
from care.services import content, signin
from care.services.plans import start_plan
from tests.browser.conftest import Desk, shot
from tests.browser.test_walks import WIDTHS, _faults
from tests.care_api.own_forms import PROTOCOL, own_seeds


def picture(side: int = 8) -> bytes:
    """A grey square as a PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\x80" * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


NUMBERS = {"en": "+1 202 555 0101", "zh-Hans": "+86 130 5555 0103", "zh-Hant": "+852 5555 0102"}
WORDS = {
    "en": {"send": "Send me a code", "code": "The 6-digit code", "go": "Sign in", "number": "Your mobile number"},
    "zh-Hans": {"send": "发送验证码", "code": "6 位验证码", "go": "登录", "number": "您的手机号"},
    "zh-Hant": {"send": "發送驗證碼", "code": "6 位驗證碼", "go": "登入", "number": "您的手機號碼"},
}
TODAY = {"en": "What do you need from me today?", "zh-Hans": "今天需要我做什么？", "zh-Hant": "今天需要我做甚麼？"}


def asked(desk: Desk, patient: Patient) -> None:
    """The evening check is asked of this patient from today on."""
    world = desk.ward.world
    content.publish_seeds(world.session, world.now, own_seeds())
    noon = world.now
    world.clock.set(noon - timedelta(hours=13))  # before the morning's task, wherever the patient lives
    start_plan(world.session, world.rt, world.clinic.nurse, patient.id, f"{PROTOCOL}|1", world.now.date())
    world.clock.set(noon)


def phone(desk: Desk, patient: Patient, width: int = 390, **other: Any) -> Any:
    """The page on this patient's phone, signed in with a code."""
    spoken = patient.language
    page = desk.page(width, locale={"en": "en-US", "zh-Hans": "zh-CN", "zh-Hant": "zh-HK"}[spoken], **other)
    page.clock.set_fixed_time(desk.ward.world.now)
    page.goto(f"{desk.address}/me")
    words, world = WORDS[spoken], desk.ward.world
    page.get_by_label(words["number"]).fill(NUMBERS[spoken])
    page.get_by_role("button", name=words["send"]).click()
    code = signin.issue_code(world.session, world.rt, world.clinic.nurse, patient.id)
    page.get_by_label(words["code"]).fill(code)
    page.get_by_role("button", name=words["go"]).click()
    page.get_by_role("heading", name=TODAY[spoken]).wait_for()
    return page


def kept(page: Any) -> None:
    """Wait until what was filled in is kept."""
    page.locator(".state", has_text=re.compile("Saved|保存")).wait_for()


def too_wide(page: Any) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found


def test_a_patient_signs_in_fills_in_a_form_and_finds_the_report(desk: Desk, tmp_path: Path):
    one = desk.ward.one
    asked(desk, one)
    page = phone(desk, one)
    page.get_by_role("link", name="How was your day, and your medicines").click()
    page.get_by_role("heading", name="Evening check").wait_for()
    assert page.get_by_label("How strong was it at its worst?").count() == 0

    page.get_by_role("group", name="Did you have any pain today?").get_by_label("Yes").check()
    page.get_by_label("How strong was it at its worst?").last.fill("4")
    page.get_by_role("group", name="Where did it hurt?").get_by_label("Back").check()
    page.get_by_role("group", name="Where did it hurt?").get_by_label("Nowhere in particular").check()
    assert not page.get_by_role("group", name="Where did it hurt?").get_by_label("Back").is_checked()
    page.get_by_role("group", name="Where did it hurt?").get_by_label("Back").check()
    page.get_by_label("What is your temperature?").fill("3.71")
    page.get_by_label("What is your temperature?").press("Tab")
    page.get_by_text("That cannot be right").wait_for()
    page.get_by_label("What is your temperature?").fill("37.1")
    page.get_by_label("What is your temperature?").press("Tab")
    page.get_by_text("That cannot be right").wait_for(state="hidden")

    page.get_by_label("Name of the medicine").fill("aspirin")
    page.get_by_role("group", name="Did you take it today?").get_by_label("Yes").check()
    page.get_by_role("button", name="Add another: Medicine").click()
    second = page.get_by_role("group", name="Medicine 2")
    second.get_by_label("Name of the medicine").fill("insulin")
    second.get_by_role("group", name="Did you take it today?").get_by_label("No").check()
    second.get_by_label("Why not?").fill("none left")
    page.get_by_role("button", name="Add another: Medicine").click()
    page.get_by_role("group", name="Medicine 3").get_by_label("Name of the medicine").fill("a third")
    page.get_by_role("button", name="Remove Medicine 1").click()
    page.get_by_role("group", name="Medicine 3").wait_for(state="detached")
    names = page.get_by_label("Name of the medicine")
    assert [names.nth(at).input_value() for at in range(names.count())] == ["insulin", "a third"]
    page.get_by_role("button", name="Remove Medicine 2").click()
    page.get_by_role("group", name="Medicine 2").wait_for(state="detached")

    wound = tmp_path / "wound.png"
    wound.write_bytes(picture())
    page.get_by_label("A photo of the wound").set_input_files(str(wound))
    page.get_by_role("button", name="Remove wound.png").wait_for()
    page.get_by_label("When is your next visit?").fill("2026-03-09")
    page.get_by_label("Anything else").fill("I sleep badly")
    page.get_by_label("Anything else").press("Tab")
    kept(page)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    assert _faults(page) == []
    shot(page, "me-form-390")
    page.get_by_label("Name of the medicine").fill("")
    page.get_by_role("button", name="Send my answers").click()
    page.get_by_role("heading", name="Please look at these answers again").wait_for()
    assert _faults(page) == []
    page.get_by_role("button", name="Name of the medicine").click()
    page.keyboard.type("insulin")
    page.get_by_role("button", name="Send my answers").click()
    page.get_by_role("heading", name="Your answers are recorded").wait_for()
    shot(page, "me-sent-390")
    page.get_by_role("link", name="See what I sent").click()
    page.get_by_text("none left").wait_for()
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="Evening check").wait_for()

    session = desk.ward.world.session
    session.expire_all()
    form = select(QuestionnaireResponse).where(QuestionnaireResponse.questionnaire.contains("evening-check"))
    (report,) = session.scalars(form)
    said = {item["linkId"]: item for item in report.document["item"]}
    assert said["temperature"]["answer"][0]["valueQuantity"]["value"] == 37.1
    assert said["photo"]["answer"][0]["valueAttachment"]["contentType"] == "image/jpeg"
    assert said["medicine"]["item"][0]["answer"] == [{"valueString": "insulin"}]
    assert session.scalars(select(FormDraft)).all() == []
    assert [fault for fault in desk.errors if "422" not in fault] == []


def test_a_phone_that_dies_loses_nothing(desk: Desk):
    one = desk.ward.one
    asked(desk, one)
    page = phone(desk, one)
    page.get_by_role("link", name="How was your day").click()
    page.get_by_role("group", name="Did you have any pain today?").get_by_label("Yes").check()
    page.get_by_label("How strong was it at its worst?").last.fill("7")
    page.get_by_label("How strong was it at its worst?").last.press("Tab")
    page.get_by_label("What is your temperature?").fill("warm")
    page.get_by_label("What is your temperature?").press("Tab")
    page.get_by_text("Please write a number").wait_for()
    page.context.close()

    page = phone(desk, one)
    page.get_by_role("link", name="begun").click()
    assert page.get_by_label("How strong was it at its worst?").last.input_value() == "7"
    assert page.get_by_label("What is your temperature?").input_value() == "warm"
    assert page.get_by_text("Please write a number").is_visible()


def test_without_a_connection_what_was_entered_stays_and_is_kept_afterwards(desk: Desk):
    one = desk.ward.one
    asked(desk, one)
    page = phone(desk, one)
    page.get_by_role("link", name="How was your day").click()
    page.get_by_label("Anything else").wait_for()
    page.context.set_offline(True)
    page.get_by_label("Anything else").fill("written in the lift")
    page.get_by_label("Anything else").press("Tab")
    page.locator("#connection", has_text="You are offline").wait_for()
    assert _faults(page) == []
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    shot(page, "me-offline-390")
    page.context.set_offline(False)
    kept(page)
    session = desk.ward.world.session
    session.expire_all()
    (draft,) = session.scalars(select(FormDraft))
    assert draft.answers["else"] == ["written in the lift"]


def test_nothing_about_a_patient_stays_on_the_phone(desk: Desk):
    page = phone(desk, desk.ward.one)
    for place in ("reports", "trends", "messages", "more"):
        page.goto(f"{desk.address}/me#/{place}")
        page.wait_for_load_state("networkidle")
    page.evaluate("navigator.serviceWorker.ready")
    stored = page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys())
                for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
            return found;
        }"""
    )
    assert stored
    assert [path for path in stored if path != "/me" and not path.startswith(("/me/assets/", "/assets/"))] == []
    assert page.evaluate("Object.keys(localStorage)") == []
    assert set(page.evaluate("Object.keys(sessionStorage)")) <= {"care-token", "care-language"}
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Your mobile number").wait_for()
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_the_page_opens_without_a_connection_and_says_so(desk: Desk):
    page = phone(desk, desk.ward.one)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.get_by_role("heading", name=TODAY["en"]).wait_for()
    page.context.set_offline(True)
    page.reload()
    page.get_by_text("nothing about you is kept on this phone").wait_for()
    assert page.get_by_role("link", name="Emergency? Call").is_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name=TODAY["en"]).wait_for()


def test_a_message_to_the_team_arrives_and_words_of_danger_are_answered_at_once(desk: Desk):
    page = phone(desk, desk.ward.one)
    page.get_by_role("link", name="Messages").click()
    page.get_by_label("Write to your care team").fill("I have chest pain")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("heading", name="Please read this now").wait_for()
    assert page.get_by_role("link", name="Call 911", exact=True).is_visible()
    assert _faults(page) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_no_view_has_a_fault_of_accessibility_or_needs_sideways_scrolling(desk: Desk, width: int, language: str):
    patient = {"en": desk.ward.one, "zh-Hans": desk.ward.three}[language]
    asked(desk, patient)
    page = desk.page(width, locale={"en": "en-US", "zh-Hans": "zh-CN"}[language])
    page.goto(f"{desk.address}/me")
    page.get_by_label(WORDS[language]["number"]).wait_for()
    faults = {"sign-in": _faults(page)}
    suffix = f"{'zh-' if language == 'zh-Hans' else ''}{width}"
    shot(page, f"me-sign-in-{suffix}")
    page.context.close()
    page = phone(desk, patient, width)
    task = page.locator("a.task").last.get_attribute("href")
    for name, place in {
        "today": "#/today",
        "form": task,
        "reports": "#/reports",
        "trends": "#/trends",
        "messages": "#/messages",
        "help": "#/more",
    }.items():
        page.goto(f"{desk.address}/me{place}")
        page.locator("main h1").wait_for()
        page.wait_for_load_state("networkidle")
        if name == "form":
            page.get_by_role("group").first.get_by_role("radio").first.check()
            kept(page)
        faults[name] = _faults(page) + ([f"{too_wide(page)} px too wide"] if too_wide(page) > 0 else [])
        if name != "form" or language == "zh-Hans" or width == 1280:
            page.evaluate("scrollTo(0, 0)")
            shot(page, f"me-{name}-{suffix}")
    assert [f"{name}: {fault}" for name, found in faults.items() for fault in found] == []
    assert desk.errors == []


def test_the_page_holds_in_the_dark_and_speaks_three_languages(desk: Desk):
    asked(desk, desk.ward.one)
    page = phone(desk, desk.ward.one, color_scheme="dark")
    assert _faults(page) == []
    shot(page, "me-today-dark")
    page.get_by_label("Language").select_option("zh-Hant")
    page.get_by_role("heading", name=TODAY["zh-Hant"]).wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    page.get_by_role("link", name="How was your day").click()
    page.get_by_role("button", name="傳送我的回答").wait_for()
    assert _faults(page) == []
    page.get_by_role("link", name="趨勢").click()
    page.locator("figure").first.wait_for()
    assert _faults(page) == []


def test_a_form_is_filled_in_with_the_keyboard_alone(desk: Desk):
    asked(desk, desk.ward.one)
    page = phone(desk, desk.ward.one)
    page.locator("a.task").last.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Evening check").wait_for()
    page.get_by_role("group", name="Did you have any pain today?").get_by_label("Yes").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("group", name="Did you have any pain today?").get_by_label("No").is_checked()
    kept(page)
    page.get_by_role("button", name="Send my answers").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your answers are recorded").wait_for()


def test_a_session_that_ends_while_a_form_is_filled_in_takes_nothing_with_it(desk: Desk):
    one, world = desk.ward.one, desk.ward.world
    asked(desk, one)
    page = phone(desk, one)
    page.get_by_role("link", name="How was your day").click()
    page.get_by_label("Anything else").wait_for()
    world.session.execute(update(PatientSession).values(revoked_at=world.now))
    world.session.commit()
    page.get_by_label("Anything else").fill("still here")
    page.get_by_label("Anything else").press("Tab")
    page.get_by_text("Please sign in again").wait_for()
    code = signin.issue_code(world.session, world.rt, world.clinic.nurse, one.id)
    page.get_by_label("Your mobile number").fill(NUMBERS["en"])
    page.get_by_role("button", name="I have a code already").click()
    page.get_by_label("The 6-digit code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Evening check").wait_for()
    assert page.get_by_label("Anything else").input_value() == "still here"
    kept(page)


def test_the_next_person_on_the_phone_does_not_see_the_form_of_the_one_before(desk: Desk):
    one, three, world = desk.ward.one, desk.ward.three, desk.ward.world
    asked(desk, one)
    page = phone(desk, one)
    page.get_by_role("link", name="How was your day").click()
    page.get_by_label("Anything else").fill("a secret")
    world.session.execute(update(PatientSession).values(revoked_at=world.now))
    world.session.commit()
    page.get_by_label("Anything else").press("Tab")
    page.get_by_label("Your mobile number").fill(NUMBERS["zh-Hans"])
    code = signin.issue_code(world.session, world.rt, world.clinic.nurse, three.id)
    page.get_by_role("button", name="I have a code already").click()
    page.get_by_label("The 6-digit code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("该内容已不存在").first.wait_for()
    assert page.locator("textarea").count() == 0
