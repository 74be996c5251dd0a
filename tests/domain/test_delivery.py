"""Delivery: what is known of a message only grows, in whatever order the news comes."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import ATTEMPTS, attempts_for, is_news, pause_after, read_word, settled, status_of


def test_any_order_of_the_same_news_ends_in_one_state():
    for news in permutations([Delivery.SENDING, Delivery.SENT, Delivery.FAILED, Delivery.DELIVERED]):
        known = Delivery.QUEUED
        for one in news:
            known = one if is_news(known, one) else known
        assert known is Delivery.DELIVERED


def test_what_is_unknown_is_not_settled_and_every_end_is():
    open_ends = {Delivery.QUEUED, Delivery.SENDING, Delivery.UNKNOWN}
    assert {one for one in Delivery if not settled(one)} == open_ends


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("delivered", Delivery.DELIVERED),
        (" READ ", Delivery.DELIVERED),
        ("undelivered", Delivery.FAILED),
        ("sent", Delivery.SENT),
        ("queued", Delivery.SENT),
        ("a word of tomorrow", None),
    ],
)
def test_a_providers_word_is_read_or_tells_nothing(word: str, meaning: Delivery | None):
    assert read_word(word) is meaning


def test_every_delivery_has_a_status_of_fhir():
    assert {status_of(one) for one in Delivery} == set(CommunicationStatus)


def test_pauses_grow_to_a_quarter_of_an_hour_and_obey_the_provider_within_a_day():
    pauses = [pause_after(number, None) for number in range(1, ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=15)
    assert timedelta(hours=3) < sum(pauses, timedelta()) < timedelta(hours=5)
    assert pause_after(1, 3_600) == timedelta(hours=1)
    assert pause_after(1, 1e12) == timedelta(days=1)


def test_within_some_minutes_a_nurse_knows_that_an_emergency_reply_did_not_leave():
    tried = attempts_for(Purpose.EMERGENCY)
    waited = sum((pause_after(number, 3_600, Purpose.EMERGENCY) for number in range(1, tried)), timedelta())
    assert waited <= timedelta(minutes=5)
    assert attempts_for(Purpose.REMINDER) == ATTEMPTS
