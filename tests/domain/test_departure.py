"""What leaves: a message's own words only where and when they may be shown; and where a message goes at all."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import Purpose
from care.domain.departure import (
    LATELY,
    MARGIN,
    WANTS_ANSWER,
    depends_on_texts,
    leaves_as,
    notice_for,
    window_open,
)
from care.domain.message import Capabilities
from care.domain.reach import best, may_keep, takes_answers
from tests.conftest import NOON, ROOT

SMS = Capabilities(
    receipts=True,
    media_in=True,
    data_location="US",
    by_country={"CN": {"two_way": False, "links": False, "media_in": False}},
)
CHANNELS = {
    "SMS": SMS,
    "SMS in China": SMS.in_country("CN"),
    "WhatsApp": Capabilities(window=timedelta(hours=24), receipts=True, data_location="US"),
    "WeChat": Capabilities(window=timedelta(hours=48), quota=5, private=True, data_location="CN"),
    "push": Capabilities(notices_only=True, two_way=False, data_location="US"),
    "console": Capabilities(private=True),
}
CASES = list(csv.DictReader((ROOT / "tests/cases/departure.csv").open(encoding="utf-8")))

purposes = st.sampled_from(list(Purpose))
moments = st.one_of(
    st.none(), st.integers(min_value=-5, max_value=100 * 60).map(lambda minutes: NOON - timedelta(minutes=minutes))
)
abilities = st.builds(
    Capabilities,
    two_way=st.booleans(),
    links=st.booleans(),
    window=st.sampled_from([None, timedelta(hours=24), timedelta(hours=48)]),
    quota=st.integers(min_value=0, max_value=6),
    notices_only=st.booleans(),
    private=st.booleans(),
)


def wrote(words: str) -> datetime | None:
    """ "3 h ago" as a moment."""
    if words == "never":
        return None
    number, unit, _ = words.split()
    return NOON - timedelta(**{"h": {"hours": float(number)}, "min": {"minutes": float(number)}}[unit])


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_the_table_of_what_leaves(case: dict[str, str]) -> None:
    purpose = Purpose(case["message"])
    found = leaves_as(
        CHANNELS[case["channel"]],
        purpose,
        notice_for(purpose),
        wrote(case["patient wrote"]),
        int(case["of ours since"]),
        NOON,
        links=case["link in it"] == "yes",
    )
    assert found == case["leaves as"]


@given(able=abilities, purpose=purposes, spoke_at=moments, answered=st.integers(0, 9), links=st.booleans())
def test_words_leave_only_where_and_when_they_may(
    able: Capabilities, purpose: Purpose, spoke_at: datetime | None, answered: int, links: bool
) -> None:
    found = leaves_as(able, purpose, notice_for(purpose), spoke_at, answered, NOON, links=links)
    if found == "notice":
        assert notice_for(purpose) is not None
    if found == "later":
        assert purpose in (Purpose.REPLY, Purpose.QUESTION), "what must not wait does not"
    if found != "words":
        return
    assert not able.notices_only
    if able.window is not None:
        assert spoke_at is not None, "a window is opened by the patient"
        assert spoke_at + able.window > NOON, "never words outside a window"
        assert not able.quota or answered < able.quota, "never more than the quota within one text"
    if not able.private:
        assert purpose is not Purpose.REMINDER, "never what nobody asked for on a lock screen"
        if purpose is Purpose.NURSE:
            assert spoke_at is not None
            assert NOON - spoke_at < LATELY
    assert able.two_way or purpose not in WANTS_ANSWER, "never a question where no answer comes back"
    assert able.links or not links, "never a link where none may be sent"


@given(quota=st.integers(1, 6), steps=st.lists(st.sampled_from(["text", "reply", "hour"]), max_size=60))
def test_never_more_words_than_the_quota_follow_one_text(quota: int, steps: list[str]) -> None:
    able = Capabilities(window=timedelta(hours=48), quota=quota, private=True)
    now, spoke_at, answered = NOON, None, 0
    for step in steps:
        if step == "hour":
            now += timedelta(hours=1)
        elif step == "text":
            spoke_at, answered = now, 0
        elif leaves_as(able, Purpose.REPLY, "notice-message", spoke_at, answered, now) == "words":
            answered += 1
        assert answered <= quota


@given(able=abilities, purpose=purposes, spoke_at=moments, answered=st.integers(0, 9))
def test_a_conversation_that_is_not_looked_at_decides_nothing(
    able: Capabilities, purpose: Purpose, spoke_at: datetime | None, answered: int
) -> None:
    if not depends_on_texts(able, purpose):
        found = leaves_as(able, purpose, notice_for(purpose), spoke_at, answered, NOON)
        assert found == leaves_as(able, purpose, notice_for(purpose), None, 0, NOON)


def test_a_message_with_a_notice_of_its_own_leaves_as_that() -> None:
    assert notice_for(Purpose.REMINDER, "notice-reminder-again") == "notice-reminder-again"


def test_a_window_closes_a_little_early_and_a_clock_that_was_put_back_leaves_it_open() -> None:
    able = CHANNELS["WhatsApp"]
    assert not window_open(able, NOON - timedelta(hours=24) + MARGIN, NOON)
    assert window_open(able, NOON - timedelta(hours=24) + MARGIN + timedelta(seconds=1), NOON)
    assert window_open(able, NOON + timedelta(hours=1), NOON)


# -- where it goes ---------------------------------------------------------------------------------------------------


def spots(country: str, *names: str) -> list[tuple[str, Capabilities]]:
    return [(name, CHANNELS[name].in_country(country)) for name in names]


@pytest.mark.parametrize(
    ("country", "names", "purpose", "goes"),
    [
        ("US", ("SMS", "WhatsApp"), Purpose.REMINDER, "SMS"),
        ("US", ("WhatsApp", "SMS"), Purpose.REMINDER, "WhatsApp"),
        ("CN", ("SMS", "WeChat"), Purpose.REMINDER, "WeChat"),
        ("CN", ("SMS", "WeChat"), Purpose.QUESTION, "WeChat"),
        ("CN", ("SMS", "WeChat"), Purpose.EMERGENCY, "SMS"),
        ("CN", ("SMS", "push"), Purpose.REMINDER, "push"),
        ("CN", ("SMS", "push"), Purpose.QUESTION, "SMS"),
        ("US", ("push", "SMS"), Purpose.REPLY, "SMS"),
        ("CN", ("SMS",), Purpose.REMINDER, "SMS"),
        ("US", (), Purpose.REMINDER, None),
    ],
)
def test_what_wants_an_answer_goes_where_one_can_be_given(
    country: str, names: tuple[str, ...], purpose: Purpose, goes: str | None
) -> None:
    assert best(purpose, spots(country, *names)) == goes


@given(
    country=st.sampled_from(["US", "HK", "CN", "GB"]),
    names=st.lists(st.sampled_from(list(CHANNELS)), unique=True, max_size=5),
    purpose=purposes,
    spoke_at=moments,
    links=st.booleans(),
)
def test_whatever_a_patient_has_no_question_is_put_where_it_cannot_be_answered(
    country: str, names: list[str], purpose: Purpose, spoke_at: datetime | None, links: bool
) -> None:
    known = spots(country, *names)
    goes = best(purpose, known)
    if goes is None:
        assert not known
        return
    able = dict(known)[goes]
    if purpose in WANTS_ANSWER and any(takes_answers(one, purpose) for _, one in known):
        assert takes_answers(able, purpose)
    if leaves_as(able, purpose, notice_for(purpose), spoke_at, 0, NOON, links=links) == "words":
        assert able.two_way or purpose not in WANTS_ANSWER
        assert able.links or not links


@pytest.mark.parametrize(
    ("locations", "purpose", "goes"),
    [
        ("", Purpose.REMINDER, "SMS"),
        ("CN", Purpose.REMINDER, "WeChat"),
        ("CN,HK", Purpose.NURSE, "WeChat"),
        ("US", Purpose.NURSE, "SMS"),
        ("HK", Purpose.NURSE, None),
        ("HK", Purpose.SIGN_IN, None),
        ("HK", Purpose.EMERGENCY, "SMS"),
    ],
)
def test_a_provider_that_keeps_what_is_sent_elsewhere_is_not_used(
    locations: str, purpose: Purpose, goes: str | None
) -> None:
    allowed = frozenset(filter(None, locations.split(",")))
    assert best(purpose, spots("US", "SMS", "WeChat"), allowed) == goes


def test_a_channel_that_gives_nothing_away_is_allowed_everywhere() -> None:
    assert may_keep(CHANNELS["console"], Purpose.NURSE, frozenset({"HK"}))


def test_every_channel_of_this_installation_says_what_it_can_do() -> None:
    """Each channel as configured, in each country it names: what asks goes nowhere without a way back."""
    from bots.channels import make_channels
    from care.settings import Settings

    secret = "x" * 40
    settings = Settings(database_url="postgresql://x/y", secret_key=secret, care_keys="k", care_token_key="t")  # type: ignore[arg-type]
    for name, channel in make_channels(settings).items():
        for country in ("", *channel.capabilities.by_country):
            able = channel.capabilities.in_country(country)
            for purpose in Purpose:
                for links in (False, True):
                    found = leaves_as(able, purpose, notice_for(purpose), NOON, 0, NOON, links=links)
                    if found == "words":
                        assert able.two_way or purpose not in WANTS_ANSWER, (name, country)
                        assert able.links or not links, (name, country)
