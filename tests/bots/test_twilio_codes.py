"""Every error code of Twilio has a kind that fits what is known of it, and words for whoever must do something."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from bots.twilio_codes import CODES, kind_of, kind_told
from care.domain.codes import LANGUAGES
from care.errors import ChannelErrorKind
from care.library import provider_reason
from tests.conftest import shared

# What an action of the table begins with, and the kinds that do it. "config" is ours to put right, so that either the
# message waits for it or, where the request was at fault, a nurse hears of that one.
FITS = {
    "config": {"retryable", "refused"},
    "alarm": {"retryable"},
    "bug": {"retryable", "refused"},
    "never processed: safe to retry": {"retryable"},
    "backoff": {"retryable"},
    "retry later": {"retryable"},
    "transient: retry later": {"retryable"},
    "one retry": {"retryable"},
    "ask patient to resend": {"retryable"},
    "NOT idempotent": {"unknown"},
    "ambiguous": {"unknown"},
    "permanent for content": {"refused"},
    "permanent": {"permanent"},
    "other channel": {"permanent"},
    "use ContentSid template": {"refused"},
    "record opt-out": {"opted_out"},
    "opt-out": {"opted_out"},
}


def vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shared("vectors/twilio_errors.json").read_text(encoding="utf-8"))[
        "vectors"
    ]
    return found


def test_every_code_of_the_table_does_what_the_table_says() -> None:
    assert len(vectors()) >= 29
    for one in vectors():
        code, action = str(one["code"]), one["action"]
        fitting = next(kinds for start, kinds in FITS.items() if action.startswith(start))
        assert kind_told(code) in fitting, (code, action)
        assert kind_of(code, one["http"] or 0) in fitting, (code, action)


@pytest.mark.parametrize("code", [*map(str, range(30003, 30010)), "21610", "63016", "63018", "63024", "63032", "63033"])
def test_what_must_be_known_is_known(code: str) -> None:
    assert kind_told(code)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_kind_that_there_is_and_words_in_every_language(code: str) -> None:
    assert kind_told(code) in get_args(ChannelErrorKind)
    said = {language: provider_reason(language, code) for language in LANGUAGES}
    assert len(set(said.values())) == len(LANGUAGES)
    assert not any(code in words for words in said.values()), "a nurse is told what it means"


def test_a_person_who_does_not_want_us_is_told_apart_on_both_channels() -> None:
    assert {code for code in CODES if kind_told(code) == "opted_out"} == {"21610", "63014", "63033"}


def test_what_nobody_has_heard_of_is_judged_by_its_status_and_in_a_receipt_says_nothing() -> None:
    assert (kind_of("99999", 400), kind_of("99999", 500), kind_of("99999", 429)) == ("refused", "unknown", "retryable")
    assert kind_told("99999") == kind_told("") == ""
    assert "99999" in provider_reason("en", "99999")


@pytest.mark.parametrize(
    ("code", "status"), [("20003", 401), ("20404", 404), ("21606", 400), ("30002", 400), ("30034", 400), ("", 403)]
)
def test_what_is_said_of_our_account_or_sender_is_held_against_no_patients_phone(code: str, status: int) -> None:
    assert kind_of(code, status) == "retryable"
