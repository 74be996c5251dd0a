"""A real browser on a real server: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import make_server

from bots.channels import make_channels
from care.runtime import Runtime
from care.services import simulated_phones, staff
from care.services.demo_clinic import seed_demo
from care.services.simulated_time import moved_clock
from risk.registry import load_bundles, make_assess
from scheduler.clock import run
from tests.care_api.serving import serving, settings
from tests.conftest import ROOT, Clinic, Clock, require
from tests.dashboard.ward import Ward, furnish, today
from tests.services.world import make_world

PASSWORD = "correct-battery-demo-staple"
SHOTS = Path(os.environ.get("SCREENSHOTS_TO", ROOT / "docs" / "screenshots"))
COLOURS = 48  # enough for flat pages; a picture of a page is then a third of its size
TALLEST = 3000  # pixels of a page that a picture in the docs shows
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)


@dataclass
class Desk:
    """A browser with the address of the server. `errors` are what its console complained of."""

    browser: Any
    address: str
    ward: Ward
    errors: list[str]
    app: Any = None

    def page(self, width: int = 1280, **other: Any) -> Any:
        """A new window of its own, with no cookies."""
        context = self.browser.new_context(viewport={"width": width, "height": 800}, **other)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def sign_in(self, page: Any, who: str) -> None:
        """Through the form."""
        page.goto(f"{self.address}/sign-in")
        page.get_by_label("User name").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests of this process."""
    found = shutil.which("chromium")
    require(found, "Chromium (Debian's package chromium) is not on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def desk(
    chromium: Any, session: Session, database_url: str, rt: Runtime, clock: Clock, clinic: Clinic
) -> Iterator[Desk]:
    """The ward behind a server, and a browser in front of it."""
    rt = replace(rt, assess=make_assess(load_bundles()))
    ward = furnish(make_world(session, rt, clock, clinic))
    for person in (clinic.nurse, clinic.clinician):
        staff.set_password(session, rt, clinic.admin, person.id, PASSWORD)
    today(ward)
    with serving(database_url, rt) as app:
        app.config["WTF_CSRF_ENABLED"] = True
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Desk(chromium, f"http://127.0.0.1:{server.port}", ward, [], app)
        finally:
            server.shutdown()
            thread.join()
            for context in chromium.contexts:
                context.close()


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


def shot(page: Any, name: str) -> None:
    """Keep a picture for the docs, when they are asked for (make screenshots)."""
    if os.environ.get("SCREENSHOTS") == "1":
        SHOTS.mkdir(parents=True, exist_ok=True)
        with Image.open(BytesIO(page.screenshot(full_page=True))) as taken:
            few = (
                taken.convert("RGB")
                .crop((0, 0, taken.width, min(taken.height, TALLEST)))
                .quantize(COLOURS, dither=Image.Dither.NONE)
            )
            few.save(SHOTS / f"{name}.png", optimize=True)
