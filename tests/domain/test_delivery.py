"""Delivery: what is known of a message only grows, in whatever order the news comes."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import combinations, permutations, product

import pytest

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import ATTEMPTS, attempts_for, is_news, pause_after, read_word, settled, status_of
from tests.conftest import shared


def test_any_order_of_the_same_news_ends_in_one_state():
    for news in permutations([Delivery.SENDING, Delivery.SENT, Delivery.FAILED, Delivery.DELIVERED]):
        known = Delivery.QUEUED
        for one in news:
            known = one if is_news(known, one) else known
        assert known is Delivery.DELIVERED


WORDS = (
    "accepted",
    "scheduled",
    "queued",
    "sending",
    "sent",
    "delivered",
    "read",
    "undelivered",
    "failed",
    "canceled",
)


def after(*words: str, known: Delivery = Delivery.SENDING) -> Delivery:
    """What is known of a message after these words of its provider."""
    for word in words:
        news = read_word(word)
        known = news if news is not None and is_news(known, news) else known
    return known


def test_every_order_of_any_five_words_of_a_provider_ends_in_one_state():
    for five in combinations(WORDS, 5):
        ends = {after(*order) for order in permutations(five)}
        assert len(ends) == 1, five
        arrived = {"delivered", "read"} & set(five)
        assert (ends == {Delivery.DELIVERED}) == bool(arrived), five


def test_no_word_takes_back_what_one_of_a_higher_rank_said():
    """The rule of the table; but of two last words it takes the first, and we take the one that it arrived."""
    ranks = json.loads(shared("vectors/twilio_errors.json").read_text(encoding="utf-8"))["status_rank"]
    assert set(ranks) == set(WORDS)
    for first, second in product(ranks, repeat=2):
        if ranks[first] > ranks[second]:
            assert after(first, second) is after(first), (first, second)
        elif ranks[first] < ranks[second]:
            assert after(first, second) is after(second) or first in ("undelivered", "failed", "canceled")
    for last in ("undelivered", "failed", "canceled"):
        assert after("delivered", last) is after("read", last) is Delivery.DELIVERED
        assert after(last, "delivered") is Delivery.DELIVERED


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
