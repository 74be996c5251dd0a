"""FCM: what Google's answers mean, one try whatever it says, and only what its own schema knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import firebase_admin
import pytest
from jsonschema import Draft202012Validator

from bots.push import PushChannel
from bots.push_fcm import FcmProvider, read_account
from bots.push_provider import Notice, Target
from care.domain.codes import LANGUAGES
from care.domain.message import Outgoing
from care.errors import CareError, ChannelError
from care.library.notices import FORMS
from care.services.push_registrations import Reachable
from tests.bots.fake_fcm import FcmAnswer, account, google
from tests.conftest import shared

APP = Target("fid", "an-installation")
NOTICE = Notice("Care", "Care: you have a new message.", str(UUID(int=9)))
PATIENT = UUID(int=1)
# What each error leads to, and whether the app is forgotten. The vectors say it in words.
MEANING = {
    "UNREGISTERED": ("permanent", True),
    "SENDER_ID_MISMATCH": ("permanent", True),
    "INVALID_ARGUMENT": ("refused", False),
    "QUOTA_EXCEEDED": ("retryable", False),
    "UNAVAILABLE": ("retryable", False),
    "INTERNAL": ("retryable", False),
    "THIRD_PARTY_AUTH_ERROR": ("retryable", False),
}


class OneApp:
    """A patient with one app, until it is forgotten."""

    def __init__(self, kind: str = "fid", language: str = "en") -> None:
        self.apps = [Reachable(UUID(int=5), kind, "an-installation", language)]

    def reachable(self, patient_id: UUID) -> list[Reachable]:
        assert patient_id == PATIENT
        return list(self.apps)

    def forget(self, registration_ids: Any) -> None:
        self.apps = [app for app in self.apps if app.id not in registration_ids]


def message(notice: str = "notice-message", text: str = "words that must not leave") -> Outgoing:
    return Outgoing(UUID(int=9), "push", str(PATIENT), text, notice, "en")


def failure(provider: FcmProvider, target: Target = APP) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        provider.send(target, NOTICE)
    return caught.value


def vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shared("vectors/fcm_errors.json").read_text(encoding="utf-8"))["vectors"]
    return found


def test_the_vectors_hold_the_errors_that_are_mapped():
    assert {one["errorCode"] for one in vectors()} == set(MEANING)


@pytest.mark.parametrize("code", sorted(MEANING))
def test_each_error_has_its_meaning_after_one_try(code: str):
    one = next(vector for vector in vectors() if vector["errorCode"] == code)
    kind, forgotten = MEANING[code]
    apps = OneApp()
    with google(FcmAnswer(one["http"], one["body"], one["headers"])) as there:
        with pytest.raises(ChannelError) as caught:
            PushChannel(there.provider(), apps).send(message())
        assert len(there.posted) == 1
    assert (caught.value.kind, caught.value.code) == (kind, code)
    asked = one["headers"].get("Retry-After")
    assert caught.value.retry_after == (float(asked) if asked else None)
    assert (apps.apps == []) is forgotten


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (FcmAnswer(500, {}), "unknown"),
        (FcmAnswer(502, b"<html>bad gateway</html>"), "unknown"),
        (FcmAnswer(503, {}, {"Retry-After": "30"}), "retryable"),
        (FcmAnswer(401, {}), "retryable"),
        (FcmAnswer(404, {"error": {"status": "NOT_FOUND"}}), "retryable"),
        (FcmAnswer(400, {"error": {"details": "strange"}}), "unknown"),
        (FcmAnswer(400, {}), "refused"),
        (FcmAnswer(302, b"", {"Location": "/token"}), "unknown"),
        (FcmAnswer(200, b"this is no JSON"), "unknown"),
        (FcmAnswer(200, {"no": "name"}), "unknown"),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_an_answer_without_a_known_code_is_tried_once_too(answer: FcmAnswer, kind: str):
    with google(answer) as there:
        assert failure(there.provider()).kind == kind
        assert (len(there.posted), there.tokens) == (1, 1)


def test_a_pause_that_is_asked_for_is_told_and_not_slept():
    with google(FcmAnswer(429, {}, {"Retry-After": "3600"}), FcmAnswer(429, {})) as there:
        provider = there.provider()
        assert failure(provider).retry_after == 3600
        assert failure(provider).retry_after == 60
        assert len(there.posted) == 2


def test_a_time_out_is_unknown_after_one_try():
    with google(FcmAnswer(silent_for=1.0)) as there:
        found = failure(there.provider(timeout=0.2))
        assert (found.kind, len(there.posted)) == ("unknown", 1)


def test_where_nobody_listens_nothing_was_taken():
    with google() as there:
        provider = there.provider()
        provider.send(APP, NOTICE)
    assert failure(provider).kind == "retryable"


def test_without_a_token_of_google_nothing_is_posted_and_it_is_asked_for_once():
    with google() as there:
        there.token_status = 503
        assert failure(there.provider()).kind == "retryable"
        assert (there.tokens, there.posted) == (1, [])


def test_one_token_serves_many_notices_and_one_that_was_refused_is_not_used_again():
    with google(FcmAnswer(), FcmAnswer(), FcmAnswer(401, {}), FcmAnswer()) as there:
        provider = there.provider()
        assert provider.send(APP, NOTICE) == "projects/care-test/messages/0:1"
        provider.send(APP, NOTICE)
        assert there.tokens == 1
        failure(provider)
        provider.send(APP, NOTICE)
        bearers = [headers["authorization"] for headers in there.headers]
        assert bearers == ["Bearer token-1"] * 3 + ["Bearer token-2"]
        assert set(there.paths) == {"/v1/projects/care-test/messages:send"}


@pytest.mark.parametrize("kind", ["token", "fid"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", sorted(FORMS))
def test_what_is_posted_is_what_googles_schema_knows_and_holds_no_words_of_the_message(
    notice: str, language: str, kind: str
):
    schema = json.loads(shared("vectors/fcm_v1_schema.json").read_text(encoding="utf-8"))["schema"]
    with google() as there:
        PushChannel(there.provider(), OneApp(kind, language)).send(message(notice))
        (posted,) = there.posted
    Draft202012Validator(schema).validate(_camel(posted))
    said = posted["message"]
    assert said[kind] == "an-installation"
    assert said["notification"]["title"] == "Care"
    assert said["data"] == {"ref": str(UUID(int=9))}
    assert said["android"]["notification"]["visibility"] == "PRIVATE"
    assert said["android"]["collapse_key"] == said["apns"]["headers"]["apns-collapse-id"] == "care"
    assert "words that must not leave" not in json.dumps(posted, ensure_ascii=False)
    assert str(PATIENT) not in json.dumps(posted)


def test_the_version_is_the_one_whose_private_names_were_looked_at():
    """Another version may repeat calls by other means: look at bots/push_fcm._make_app before this number moves."""
    assert firebase_admin.__version__ == "7.7.0"


def test_credentials_are_json_or_a_file(tmp_path: Path):
    text = account("http://127.0.0.1:1")
    (tmp_path / "key.json").write_text(text, encoding="utf-8")
    assert read_account(text) == read_account(str(tmp_path / "key.json"))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("/nowhere/key.json", "neither JSON nor a file"),
        ("{}", "client_email, private_key, project_id, type"),
        ("{broken", "JSON"),
        (account("http://127.0.0.1:1", private_key="not-a-key-of-anybody"), "private_key"),
        (account("http://127.0.0.1:1", type="authorized_user"), "type"),
    ],
    ids=["no file", "empty", "broken", "no key", "a person's"],
)
def test_credentials_that_are_none_are_told_by_place_and_without_their_content(value: str, told: str):
    with pytest.raises(CareError, match=r"FCM_CREDENTIALS") as caught:
        read_account(value)
    assert told in caught.value.message
    assert "not-a-key-of-anybody" not in caught.value.message


def _camel(value: Any, free: bool = False) -> Any:
    """The SDK posts names in both spellings that Google reads; the schema knows one. `free`: names that are values."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    spelt = {}
    for name, inner in value.items():
        known = name if free else re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
        inner = _camel(inner, name in ("headers", "data", "payload"))
        spelt[known] = inner.upper() if known == "priority" else inner
    return spelt
