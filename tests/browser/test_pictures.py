"""Pictures and recordings in a real browser: they are drawn and can be played, and need no sight and no wide window."""

from __future__ import annotations

from typing import Any

import pytest

from care.domain.message import Fetched, Medium
from tests.browser.conftest import Desk
from tests.browser.test_walks import WIDTHS, _faults
from tests.dashboard.test_attachments import bring
from tests.services.media_files import film, photo
from tests.services.test_attachments import FetchingChannel

MEDIA = tuple(Medium(kind, kind) for kind in ("image", "voice", "video", "file", "other"))


@pytest.fixture
def sms() -> FetchingChannel:
    media: dict[str, Fetched | Exception] = {
        "image": Fetched(photo((1600, 1200)), "image/jpeg"),
        "voice": Fetched(b"ID3 a voice", "audio/mpeg"),
        "video": Fetched(film(), "video/mp4"),
        "file": Fetched(b"%PDF-1.4", "application/pdf"),
        "other": Fetched(b"", ""),
    }
    return FetchingChannel(media=media)


def _shown(page: Any) -> list[tuple[int, str]]:
    pictures = page.locator(".media img")
    pictures.first.scroll_into_view_if_needed()
    look = "all => Promise.all(all.map(async one => (await one.decode(), [one.naturalWidth, one.alt])))"
    found: list[tuple[int, str]] = pictures.evaluate_all(look)
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_is_drawn_and_what_came_with_it_is_in_reach(desk: Desk, width: int):
    rows = bring(desk.ward, *MEDIA)
    page = desk.page(width)
    desk.sign_in(page, "nurse")
    for place in ("/inbox", f"/patients/{desk.ward.one.id}"):
        page.goto(desk.address + place)
        assert [list(one) for one in _shown(page)] == [[1600, "Picture 1 from the patient"]]
        assert page.locator(".media audio, .media video").count() == 2
        assert page.get_by_text("there was nothing in it").count() == 1
        assert _faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert desk.errors == []
    page.goto(f"{desk.address}/attachments/{rows[0].id}")  # by itself, where not even the browser's own style is let in
    assert page.evaluate("document.contentType") == "image/jpeg"


def test_a_file_is_saved_and_never_opened_as_a_page(desk: Desk):
    rows = bring(desk.ward, *MEDIA)
    page = desk.page()
    desk.sign_in(page, "nurse")
    page.goto(f"{desk.address}/inbox")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the file 4").click()
    assert saved.value.suggested_filename == f"attachment-{rows[3].number + 1}.pdf"
