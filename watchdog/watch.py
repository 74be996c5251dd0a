"""The watch: look, judge, tell, for ever. A look that hangs is an alarm too."""

from __future__ import annotations

import os
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from watchdog.alarms import Alarm, Book, words
from watchdog.checks import look
from watchdog.settings import WatchdogSettings
from watchdog.ways import Way, log, tell

LONGEST_LOOK = 60.0  # seconds after which a look hangs: every question in it has a limit that is far shorter
TELL_AGAIN = 60.0  # seconds until what could not be told is tried again
WEB_PATIENCE = 10.0

Look = Callable[[WatchdogSettings], list[Alarm]]


def once(settings: WatchdogSettings, look: Look = look) -> list[Alarm]:
    """What is wrong at this moment, with no patience for anything."""
    found = _web(settings)
    try:
        return found + look(settings)
    except Exception as error:  # noqa: BLE001  (a look that breaks must not look like good health)
        return [*found, _away(error, 0)]


@dataclass
class Watch:
    """`look` may raise: then the database counts as away. `now` is seconds of a clock that only goes forward.

    `broken` is the type of what broke the last step; empty when it went well.
    """

    settings: WatchdogSettings
    ways: Sequence[Way]
    look: Look = look
    now: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _book: Book = field(init=False)
    _failing: dict[str, float] = field(default_factory=dict)
    _retry_at: float = 0.0
    broken: str = ""

    def __post_init__(self) -> None:
        """Alarms are kept from now on."""
        self._began = self.now()
        self._book = Book(self.settings.repeat)

    def step(self) -> list[Alarm]:
        """Look once and tell what there is to tell. Returns what stands at this moment."""
        seen = self._seen()
        at = self.now()
        news = self._book.note(seen, at)
        if news and at >= self._retry_at:
            text = words(self.settings.name, news)
            log("news", alarms=[list(one.key) for one in news.alarms], over=[list(one.key) for one in news.over])
            if tell(self.ways, text):
                self._book.told(news, at)
            else:
                self._retry_at = at + TELL_AGAIN
        return seen

    def _seen(self) -> list[Alarm]:
        try:
            found = self.look(self.settings)
        except Exception as error:  # noqa: BLE001  (a look that breaks must not look like good health)
            alarms = (
                [_away(error, self._lasting("database"))] if self._lasting("database") >= self.settings.away else []
            )
        else:
            self._failing.pop("database", None)
            alarms = [one for one in found if not self._early(one)]
        web = _web(self.settings)
        if not web:
            self._failing.pop("web", None)
        elif self._lasting("web") >= self.settings.away:
            alarms += web
        return alarms

    def _lasting(self, what: str) -> float:
        """Seconds since this first failed."""
        return self.now() - self._failing.setdefault(what, self.now())

    def _early(self, alarm: Alarm) -> bool:
        """Who has not come yet a moment after the start is not gone: all of Care may have been started just now."""
        return alarm.code == "heartbeat" and self.now() - self._began < self.settings.silent


def run(watch: Watch, stop: threading.Event, longest: float = LONGEST_LOOK) -> None:
    """Step again and again until `stop`. Each step has a thread of its own, so that one that hangs is noticed."""
    stuck = Book(watch.settings.repeat)
    step: threading.Thread | None = None
    began = time.monotonic()
    while not stop.is_set():
        if step is None or not step.is_alive():
            began = time.monotonic()
            step = threading.Thread(target=_guarded, args=(watch,), daemon=True)
            step.start()
            step.join(min(longest, watch.settings.every))
        lasts = time.monotonic() - began
        hangs = step.is_alive() and lasts >= longest
        news = stuck.note(_of_itself(watch, lasts if hangs else 0), time.monotonic())
        if news and tell(watch.ways, words(watch.settings.name, news)):
            stuck.told(news, time.monotonic())
        if not hangs:
            alive()
        stop.wait(watch.settings.every if step.is_alive() else max(0.05, watch.settings.every - lasts))


def _guarded(watch: Watch) -> None:
    try:
        watch.step()
        watch.broken = ""
    except Exception as error:  # noqa: BLE001  (the next look must come, whatever broke this one)
        watch.broken = type(error).__name__
        log("step failed", error=watch.broken)


def _of_itself(watch: Watch, hangs: float) -> list[Alarm]:
    """What is wrong with the watchdog; `hangs`: the seconds for which a look has not come back, 0 when none does."""
    if hangs:
        words = f"the watchdog's look at the database has not come back for {hangs:.0f} s"
        return [Alarm("look-hangs", "", words)]
    if watch.broken:
        return [Alarm("check-failed", "step", f"the watchdog's own step does not work: {watch.broken}")]
    return []


def _away(error: Exception, seconds: float) -> Alarm:
    if isinstance(error, psycopg.OperationalError):
        for_long = f", for {seconds:.0f} s now" if seconds else ""
        return Alarm("database-away", "", f"the database does not answer{for_long}: nobody is paged")
    return Alarm("check-failed", "look", f"nothing can be checked: {type(error).__name__}")


def _web(settings: WatchdogSettings) -> list[Alarm]:
    """Whether the web answers, where WATCHDOG_WEB_URL says that it should."""
    if not settings.web_url:
        return []
    try:
        with urllib.request.urlopen(f"{settings.web_url.rstrip('/')}/healthz", timeout=WEB_PATIENCE):  # noqa: S310
            return []
    except Exception:  # noqa: BLE001  (whatever it answers with, garbage too, it must not keep the other alarms back)
        return [Alarm("web-away", "", "the web does not answer: no text of a patient comes in")]


def alive() -> None:
    """Tell systemd, where it asks for it (WatchdogSec), that the watchdog itself has not stopped."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.send(b"READY=1\nWATCHDOG=1")
