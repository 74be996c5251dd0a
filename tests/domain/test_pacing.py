"""The bucket: it never grants more than its rate allows, and what urgent messages overdrew is paid later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from care.domain.pacing import Bucket


def test_it_fills_at_its_rate_and_no_further_than_a_second() -> None:
    granted, empty = Bucket(10, 10, 0.0).take(25, 0.0)
    assert granted == 10
    assert empty.take(25, 0.5)[0] == 5
    assert empty.take(25, 100.0)[0] == 10


def test_a_sender_slower_than_one_a_second_still_sends() -> None:
    _, empty = Bucket(0.5, 1, 0.0).take(1, 0.0)
    assert empty.take(1, 1.9)[0] == 0
    assert empty.take(1, 2.0)[0] == 1


def test_what_was_overdrawn_is_paid_by_those_who_can_wait() -> None:
    granted, owing = Bucket(10, 0, 0.0).take(20, 0.0, overdraw=True)
    assert granted == 20
    assert owing.take(5, 1.9)[0] == 0
    assert owing.take(5, 2.5)[0] == 5


@given(
    st.floats(0.1, 100),
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 2)), max_size=60),
)
def test_over_any_stretch_no_more_leave_than_the_rate_and_one_burst(rate: float, asks: list[tuple[int, float]]) -> None:
    bucket, now, total = Bucket(rate, 0.0, 0.0), 0.0, 0
    for wanted, pause in asks:
        now += pause
        granted, bucket = bucket.take(wanted, now)
        total += granted
        assert 0 <= granted <= wanted
    assert total <= rate * now + 1e-6 * len(asks) + 1
