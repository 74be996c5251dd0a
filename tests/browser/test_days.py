"""A nurse's case and a clinician's, from the text on a patient's phone to the audit, in a browser, in two languages."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from tests.browser.conftest import Demonstration, shot
from tests.browser.test_walks import _faults

READERS = {"en": "en-GB", "zh": "zh-CN"}
DANGER = {"en": "I have chest pain and cannot breathe", "zh": "我胸口痛，喘不上气"}
ANSWER = {
    "en": "Please sit down and call 911 now. I am calling you in a minute.",
    "zh": "请先坐下，马上拨打120。我一分钟后给您打电话。",
}
NOTE = {"en": "On the way to hospital.", "zh": "已去急诊。"}
HEADINGS = {"en": "Whom do I call next?", "zh": "下一个该联系谁？"}


def staff_page(demonstration: Demonstration, who: str, reader: str, width: int = 1280) -> Any:
    """A window in which a member of staff has signed in; their browser asks for the reader's language."""
    page = demonstration.desk.page(width, locale=READERS[reader])
    page.set_default_timeout(15000)
    page.goto(f"{demonstration.desk.address}/sign-in")
    page.locator("input[name=username]").fill(who)
    page.locator("input[name=password]").fill(demonstration.passwords[who])
    page.locator("main form button").click()
    page.locator("header .who form").wait_for()
    return page


def text_danger(demonstration: Demonstration, reader: str) -> tuple[Any, float]:
    """A patient texts words of danger; the phone, and when the words stood on it."""
    phones = demonstration.open(language={"en": "en", "zh": "zh-Hans"}[reader])
    mine = phones.locator("article", has=phones.locator("[name=text]")).first
    box = mine.locator("[name=text]")
    box.fill(DANGER[reader])
    box.press("Enter")
    mine.locator(".mine", has_text=DANGER[reader]).wait_for()
    return mine, monotonic()


def read_preview_and_send(page: Any, words: str) -> None:
    """Write to the patient from the page that is open; what is sent is what was shown."""
    page.locator("form textarea[name=text]").first.fill(words)
    page.locator("form:has(textarea[name=text]) button").first.click()
    assert page.locator(".phone p").last.inner_text() == words
    page.locator("main form:has(input[name=text]) button").click()
    page.locator(".notice.done").wait_for()


@pytest.mark.parametrize("reader", ["en", "zh"])
def test_a_nurse_answers_a_red_flag_from_the_list_to_the_audit(demonstration: Demonstration, reader: str):
    nurse = staff_page(demonstration, "demo-nurse", reader)
    nurse.goto(f"{demonstration.desk.address}/worklist")
    assert nurse.locator("h1").inner_text() == HEADINGS[reader]
    before = set(nurse.locator("li[data-id]").evaluate_all("rows => rows.map((row) => row.dataset.id)"))
    nurse.evaluate("window.sameDocument = true")

    mine, began = text_danger(demonstration, reader)
    new = nurse.locator("li.new[data-priority=stat]").first
    new.wait_for()
    print(f"on the open worklist after {monotonic() - began:.2f} s")
    assert nurse.evaluate("window.sameDocument") is True, "the page was loaded again"
    case = new.get_attribute("data-id")
    assert case not in before
    row = nurse.locator(f"li[data-id='{case}']")

    row.locator("form.claim button").click()
    row.locator("a.hand").wait_for()
    assert row.locator(".why").inner_text()
    shot(nurse, f"day-claimed-{reader}-1280")

    nurse.goto(f"{demonstration.desk.address}/core/cases/{case}")
    nurse.get_by_text(DANGER[reader]).first.wait_for()
    assert _faults(nurse) == []
    shot(nurse, f"day-why-{reader}-1280")
    nurse.goto(f"{demonstration.desk.address}/escalations/{case}/open")
    read_preview_and_send(nurse, ANSWER[reader])
    mine.locator(".ours", has_text=ANSWER[reader][:20]).wait_for()

    nurse.goto(f"{demonstration.desk.address}/worklist")
    nurse.locator(f"li[data-id='{case}'] a.finish").click()
    dialog = nurse.locator("#closing")
    dialog.locator("input[value=sent-to-emergency]").check()
    dialog.locator("textarea[name=note]").fill(NOTE[reader])
    dialog.locator("button.button:not([type=button])").click()
    nurse.locator("#undo:not([hidden])").wait_for()

    nurse.goto(f"{demonstration.desk.address}/escalations/{case}/audit")
    trail = nurse.locator("main table tbody tr")
    assert trail.count() >= 4  # raised, looked at, claimed, closed
    assert _faults(nurse) == []
    shot(nurse, f"audit-{reader}-1280")
    nurse.goto(f"{demonstration.desk.address}/numbers")
    right = nurse.locator("section[aria-labelledby=h-right] tbody tr")
    assert right.count() >= 1
    assert "100" in " ".join(right.locator("td:nth-of-type(2)").all_inner_texts())
    assert _faults(nurse) == []
    shot(nurse, f"numbers-{reader}-1280")
    assert demonstration.desk.errors == []


@pytest.mark.parametrize("reader", ["en", "zh"])
def test_a_clinician_reads_a_case_acts_and_signs_off(demonstration: Demonstration, reader: str):
    text_danger(demonstration, reader)
    clinician = staff_page(demonstration, "demo-clinician", reader)
    clinician.goto(f"{demonstration.desk.address}/core/")
    assert _faults(clinician) == []
    shot(clinician, f"cases-{reader}-1280")
    clinician.locator("main a[href*='/core/cases/']").first.click()
    clinician.wait_for_url("**/core/cases/*")
    case = clinician.url.rpartition("/")[2].partition("?")[0]
    clinician.get_by_text(DANGER[reader]).first.wait_for()
    clinician.locator(f"form[action$='/core/cases/{case}/accept'] button").click()
    clinician.locator(f"form[action$='/core/cases/{case}/resolve']").wait_for()

    read_preview_and_send(clinician, ANSWER[reader])
    clinician.goto(f"{demonstration.desk.address}/core/cases/{case}")
    visit = clinician.locator("#visit form")
    visit.locator("textarea[name=note]").fill(NOTE[reader])
    visit.locator("button").click()
    clinician.locator("#visit blockquote", has_text=NOTE[reader]).wait_for()
    shot(clinician, f"case-{reader}-1280")

    resolve = clinician.locator(f"form[action$='/core/cases/{case}/resolve']")
    resolve.locator("[name=outcome][value=phoned], option[value=phoned]").first.wait_for(state="attached")
    if resolve.locator("select[name=outcome]").count():
        resolve.locator("select[name=outcome]").select_option("phoned")
    else:
        resolve.locator("input[value=phoned]").check()
    resolve.locator("button").click()
    clinician.goto(f"{demonstration.desk.address}/core/cases/{case}")
    clinician.locator(f"form[action$='/core/cases/{case}/sign-off'] button").click()
    clinician.goto(f"{demonstration.desk.address}/escalations/{case}/audit")
    assert clinician.locator("main table tbody tr").count() >= 5
    assert demonstration.desk.errors == []
