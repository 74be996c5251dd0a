"""The breaker: it opens after failures in a row, tries again after a pause that grows, and closes on success."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from care.domain.breaker import FIRST_PAUSE, LIGHT, LONGEST_PAUSE, Breaker


def failed(times: int, now: float = 0.0, breaker: Breaker | None = None, weight: int = 10) -> Breaker:
    found = breaker or Breaker()
    for _ in range(times):
        found = found.fail(now, weight)
    return found


def test_five_failures_in_a_row_open_it() -> None:
    assert failed(4).state(0) == "closed"
    assert failed(5).state(0) == "open"


def test_a_success_in_between_begins_the_count_anew() -> None:
    assert failed(4, breaker=failed(4).succeed()).state(0) == "closed"


def test_pleas_for_a_pause_open_it_late() -> None:
    assert failed(49, weight=LIGHT).state(0) == "closed"
    assert failed(50, weight=LIGHT).state(0) == "open"


def test_after_the_pause_it_may_be_tried() -> None:
    found = failed(5, now=100.0)
    assert (found.state(100.0), found.wait(100.0)) == ("open", FIRST_PAUSE)
    assert (found.state(100.0 + FIRST_PAUSE), found.wait(101.0)) == ("half-open", 0.0)


def test_a_failed_probe_doubles_the_pause_up_to_a_limit() -> None:
    found, now, pauses = failed(5), 0.0, []
    for _ in range(10):
        now = found.retry_at
        found = found.probe().fail(now)
        pauses.append(found.wait(now))
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert pauses[-1] == LONGEST_PAUSE
    assert found.outage(now) == now


def test_what_began_before_it_opened_does_not_count() -> None:
    found = failed(5, now=10.0)
    assert failed(20, now=10.2, breaker=found) == found


def test_a_probe_that_hangs_is_a_failed_probe() -> None:
    found = failed(5).probe().stall(3.0)
    assert (found.state(3.0), found.wait(3.0)) == ("open", 1.0)


def test_silence_opens_it_at_once() -> None:
    assert Breaker().stall(1.0).state(1.0) == "open"


def test_a_late_success_closes_it() -> None:
    assert failed(5).succeed() == Breaker()


@given(st.lists(st.sampled_from(["ok", "no", "light", "stall", "probe", "wait"])))
def test_whatever_happens_a_success_closes_it_and_it_never_stays_shut_longer_than_its_limit(steps: list[str]) -> None:
    found, now = Breaker(), 0.0
    for step in steps:
        now += LONGEST_PAUSE if step == "wait" else 0.1
        if step == "ok":
            found = found.succeed()
            assert found.state(now) == "closed"
        elif step == "stall":
            found = found.stall(now)
        elif step == "probe" and found.state(now) == "half-open":
            found = found.probe()
        elif step in ("no", "light"):
            found = found.fail(now, 10 if step == "no" else 1)
        assert found.wait(now) <= LONGEST_PAUSE
    assert found.state(now + LONGEST_PAUSE) != "open"
