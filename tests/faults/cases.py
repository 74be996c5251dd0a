"""The cases that measure time: real clocks, two worker processes with the product's own lanes, a provider that is ill.

Each is a promise in seconds. They are not tests, since a busy machine would break them without any fault of ours.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from care.domain.message import Incoming
from care.runtime import wall_clock
from care.services import inbox
from launch.postgres import Embedded
from tests.faults import stage
from tests.faults.messenger import ACCOUNT
from tests.faults.provider import OTHER_ACCOUNT
from tests.faults.scene import Line, people, scene
from tests.faults.script import STAFF, Manners

GOOD = Manners({"ok": 1.0}, 0, 0, 0, never=1.0, shuffled=0, undelivered=0, seed=1)
BAD = "+12025550666"


def _spread(server: Embedded, how: str, count: int = 300) -> float:
    """Seconds until all good messages were accepted, with every tenth one to an address that is answered with `how`."""
    manners = {ACCOUNT: replace(GOOD, special={BAD: how} if how else {}), OTHER_ACCOUNT: GOOD}
    with scene(server, manners) as here:
        here.work()
        time.sleep(1.5)
        bad = [("sms", BAD if number % 10 == 0 else f"+1202555{number:04d}", None, None) for number in range(count)]
        good = sum(1 for one in bad if one[1] != BAD)
        began = time.monotonic()
        here.queue(bad)
        found = here.until(lambda lines: sum(1 for one in lines if one["to"] != BAD) >= good, 30)
        times = [one["mono"] - began for one in found if one["to"] != BAD]
        return max(times) if len(times) >= good else 99.0


def others_wait_for_nobody(server: Embedded) -> list[Line]:
    """A provider that answers some with 429 and an hour's pause, or hangs: no other row is delayed by more than 2 s."""
    clean = _spread(server, "")
    found = []
    for how in ("429-hour", "hang-before", "hang-after"):
        seconds = _spread(server, how)
        delay = max(0.0, seconds - clean)
        found.append(_case(f"some are answered with {how}: delay of the others", delay, 2.0, clean=round(clean, 2)))
    return found


def one_provider_ill(server: Embedded) -> list[Line]:
    """One provider answers everything with 429, or hangs: rows of the other are delayed by no more than 2 s."""
    found = []
    clean = _two(server, "ok")
    for how in ("429-hour", "hang-before"):
        delay = max(0.0, _two(server, how) - clean)
        found.append(_case(f"one provider always {how}: delay of the other's", delay, 2.0, clean=round(clean, 2)))
    return found


def _two(server: Embedded, how: str, count: int = 400) -> float:
    with scene(server, {ACCOUNT: replace(GOOD, odds={how: 1.0}), OTHER_ACCOUNT: GOOD}) as here:
        here.work()
        time.sleep(1.5)
        began = time.monotonic()
        here.queue(
            [("whatsapp" if number % 2 else "sms", f"+1202555{number:04d}", None, None) for number in range(count)]
        )
        odd = {f"+1202555{number:04d}" for number in range(1, count, 2)}
        found = here.until(lambda lines: sum(1 for one in lines if one["to"] in odd) >= len(odd), 30)
        times = [one["mono"] - began for one in found if one["to"] in odd]
        return max(times) if len(times) >= len(odd) else 99.0


def a_page_overtakes(server: Embedded, count: int = 100_000) -> list[Line]:
    """A page to staff while 100,000 routine messages are queued is handed to the provider within 5 s.

    From the text that says something dangerous to the page at the provider, through inbox, escalation and outbox.
    """
    with scene(server, {ACCOUNT: GOOD, OTHER_ACCOUNT: GOOD}) as here:
        here.queue([("sms", f"+1{2_025_000_000 + number}", None, None) for number in range(count)])
        here.work(("worker", "worker", "clock"))
        here.until(lambda lines: len(lines) > 300, 30)
        began = time.monotonic()
        with here.sessions() as session:
            inbox.receive(session, here.rt, Incoming("sms", BAD, "my chest pain is getting worse", "SM1", wall_clock()))
        found = here.until(lambda lines: any(one["to"] in STAFF for one in lines), 30)
        pages = [one["mono"] - began for one in found if one["to"] in STAFF]
        routine = len(found) - len(pages)
        return [_case("a page among 100,000 routine messages", min(pages, default=99.0), 5.0, sent_before=routine)]


def one_of_two_dead(server: Embedded, count: int = 2_000) -> list[Line]:
    """With one of two providers dead and 2,000 messages, 99 % are out within 10 s."""
    found = []
    for name, how, refused in (("refuses connections", "ok", True), ("hangs", "hang-before", False)):
        with scene(server, {ACCOUNT: replace(GOOD, odds={how: 1.0}), OTHER_ACCOUNT: GOOD}, refused) as here:
            everybody = people(here, count)
            here.work()
            time.sleep(1.5)
            began = time.monotonic()
            here.queue(everybody)
            enough = count * 99 // 100
            times = sorted(one["mono"] - began for one in here.until(lambda lines: len(lines) >= count, 40))
            at = times[enough - 1] if len(times) >= enough else 99.0
            more = {"out": len(times), "share_at_10_s": sum(1 for one in times if one <= 10) / count}
            found.append(_case(f"one of two providers {name}: 99 % of {count:,} out", at, 10.0, **more))
    return found


def _case(name: str, seconds: float, limit: float, **more: Any) -> Line:
    line = {"name": name, "seconds": round(seconds, 2), "limit": limit, "holds": seconds <= limit}
    return line | {key: round(value, 4) if isinstance(value, float) else value for key, value in more.items()}


def measure() -> list[Line]:
    """All cases, one after another, on a cluster of their own."""
    with stage.cluster() as server:
        stage.prepare(server)
        found: list[Line] = []
        for cases in (others_wait_for_nobody, one_provider_ill, a_page_overtakes, one_of_two_dead):
            for one in cases(server):
                print(f"{one['name']:64}{one['seconds']:>8} s  of {one['limit']} s", flush=True)
                found.append(one)
        return found
