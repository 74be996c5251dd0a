"""The push channel: a notice to each app of a patient, and what is said of them all together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from uuid import UUID

import pytest

from bots.channels import make_channels
from bots.push import WITHIN, PushChannel
from bots.push_fcm import _KINDS
from bots.push_provider import Notice, Target, load_provider
from care.domain.message import Outgoing, WebhookCall
from care.errors import CareError, ChannelError, Invalid, NotAllowed
from care.library.texts import explains
from care.services.push_registrations import Reachable
from tests.bots.fake_fcm import account
from tests.care_api.serving import settings

PATIENT = UUID(int=1)
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class FakeProvider:
    """A provider that does with each app, by its token, what it is told to."""

    data_location = "US"
    by_country = {"CN": {"reaches": False}}

    def __init__(self, **outcomes: ChannelError) -> None:
        self.outcomes = outcomes
        self.shown: list[tuple[Target, Notice]] = []

    def send(self, target: Target, notice: Notice) -> str:
        self.shown.append((target, notice))
        if target.value in self.outcomes:
            raise self.outcomes[target.value]
        return f"taken-{target.value}"


class FakeRegistrations:
    """The apps of one patient."""

    def __init__(self, *tokens: str, language: str = "en") -> None:
        self.apps = [Reachable(UUID(int=n), "token", token, language) for n, token in enumerate(tokens, start=10)]

    def reachable(self, patient_id: UUID) -> Sequence[Reachable]:
        return list(self.apps)

    def forget(self, registration_ids: Sequence[UUID]) -> None:
        self.apps = [app for app in self.apps if app.id not in registration_ids]

    @property
    def tokens(self) -> list[str]:
        return [app.token for app in self.apps]


def message(notice: str = "notice-message", to: str = str(PATIENT)) -> Outgoing:
    return Outgoing(UUID(int=9), "push", to, "Your dose of Examplomycin is 5 mg", notice, "en")


def failure(provider: FakeProvider, apps: FakeRegistrations, outgoing: Outgoing | None = None) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        PushChannel(provider, apps).send(outgoing or message())
    return caught.value


GONE = ChannelError("permanent", "UNREGISTERED")
BUSY = ChannelError("retryable", "UNAVAILABLE")
LATER = ChannelError("retryable", "QUOTA_EXCEEDED", retry_after=90.0)
LOST = ChannelError("unknown", "no-answer")
WRONG = ChannelError("refused", "INVALID_ARGUMENT")


def test_every_app_is_shown_the_notice_in_its_language_and_never_the_words():
    provider, apps = FakeProvider(), FakeRegistrations("a", "b", language="zh-Hans")
    sent = PushChannel(provider, apps).send(message())
    assert (sent.external_id, sent.delivered) == ("taken-a", False)
    assert [target.value for target, _ in provider.shown] == ["a", "b"]
    assert {notice for _, notice in provider.shown} == {
        Notice("Care", "Care：您有一条新消息。请打开我们的应用或微信公众号。", str(UUID(int=9)))
    }


def test_one_app_that_takes_it_is_enough_and_those_that_are_gone_are_forgotten():
    provider, apps = FakeProvider(a=GONE, b=LOST), FakeRegistrations("a", "b", "c")
    assert PushChannel(provider, apps).send(message()).external_id == "taken-c"
    assert apps.tokens == ["b", "c"]


@pytest.mark.parametrize(
    ("outcomes", "kind", "left"),
    [
        ({"a": GONE, "b": GONE}, "permanent", []),
        ({"a": BUSY, "b": BUSY}, "retryable", ["a", "b"]),
        ({"a": GONE, "b": BUSY}, "retryable", ["b"]),
        ({"a": WRONG, "b": GONE}, "refused", ["a"]),
        ({"a": WRONG, "b": BUSY}, "retryable", ["a", "b"]),
        ({"a": BUSY, "b": LOST}, "unknown", ["a", "b"]),
        ({"a": LOST, "b": GONE}, "unknown", ["a"]),
    ],
)
def test_what_is_said_when_no_app_took_it(outcomes: dict[str, ChannelError], kind: str, left: list[str]):
    apps = FakeRegistrations("a", "b")
    assert failure(FakeProvider(**outcomes), apps).kind == kind
    assert apps.tokens == left


def test_a_provider_that_wants_to_be_left_alone_is():
    provider = FakeProvider(a=LATER)
    found = failure(provider, FakeRegistrations("a", "b"))
    assert (found.kind, found.retry_after, len(provider.shown)) == ("retryable", 90.0, 1)


def test_a_patient_without_an_app_is_another_channels():
    assert failure(FakeProvider(), FakeRegistrations()).kind == "permanent"


def test_what_is_no_notice_is_shown_to_nobody():
    for key in ("", "help", "notice-made-up"):
        provider = FakeProvider()
        assert failure(provider, FakeRegistrations("a"), message(key)).kind == "refused"
        assert provider.shown == []


def test_an_address_that_is_no_patients_is_no_address():
    assert failure(FakeProvider(), FakeRegistrations("a"), message(to="me")).kind == "permanent"


def test_apps_are_tried_only_as_long_as_there_is_time():
    passed = iter([0.0, WITHIN, WITHIN])
    provider = FakeProvider(a=LOST)
    with pytest.raises(ChannelError):
        PushChannel(provider, FakeRegistrations("a", "b"), clock=lambda: next(passed)).send(message())
    assert len(provider.shown) == 1


def test_it_takes_no_texts_and_no_calls():
    channel = PushChannel()
    call = WebhookCall("POST", "/", "", {}, b"")
    with pytest.raises(NotAllowed):
        channel.verify(call)
    with pytest.raises(Invalid):
        channel.read_receipt(call)
    assert not channel.capabilities.two_way


def test_without_a_provider_it_is_there_and_disabled():
    for given in ({}, {"push_provider": "fcm"}):
        channel = make_channels(settings(NOWHERE, **given), sessions=lambda: None)["push"]  # type: ignore[arg-type,return-value]
        assert not channel.enabled
        with pytest.raises(ChannelError, match="not configured"):
            channel.send(message())


def test_fcm_is_enabled_by_its_credentials_and_told_when_they_are_none():
    configured = settings(NOWHERE, push_provider="fcm", fcm_credentials=account("http://127.0.0.1:1"))
    channel = make_channels(configured, sessions=lambda: None)["push"]  # type: ignore[arg-type,return-value]
    assert channel.enabled
    assert channel.capabilities.notices_only
    assert not channel.capabilities.private
    assert not channel.capabilities.in_country("CN").reaches
    assert channel.capabilities.in_country("HK").reaches
    with pytest.raises(CareError, match="FCM_CREDENTIALS"):
        make_channels(settings(NOWHERE, push_provider="fcm", fcm_credentials="{}"))


@pytest.fixture
def hospitals_own():
    """A module of the hospital's, as it would be installed."""
    module = ModuleType("hospital_push")
    module.make = FakeProvider  # type: ignore[attr-defined]
    module.nothing = lambda: object()  # type: ignore[attr-defined]
    module.number = 5  # type: ignore[attr-defined]
    sys.modules["hospital_push"] = module
    yield module
    del sys.modules["hospital_push"]


def test_a_provider_of_ones_own_is_loaded_by_its_name(hospitals_own: ModuleType):
    made = make_channels(settings(NOWHERE, push_provider="hospital_push:make"), sessions=lambda: None)  # type: ignore[arg-type,return-value]
    assert made["push"].enabled
    assert made["push"].capabilities.data_location == "US"


@pytest.mark.parametrize("name", ["nowhere_at_all:make", "hospital_push:missing", "hospital_push:number"])
def test_a_provider_that_is_not_there_stops_the_start_with_its_name(name: str, hospitals_own: ModuleType):
    with pytest.raises(CareError, match="PUSH_PROVIDER") as caught:
        make_channels(settings(NOWHERE, push_provider=name))
    assert name in caught.value.message


def test_what_is_no_provider_is_told_by_what_it_lacks(hospitals_own: ModuleType):
    with pytest.raises(CareError, match="send, data_location, by_country"):
        load_provider("hospital_push:nothing")


def test_a_name_that_can_be_none_is_refused_by_the_settings():
    with pytest.raises(ValueError, match="push_provider"):
        settings(NOWHERE, push_provider="firebase")


def test_every_error_of_push_is_put_in_words_for_a_nurse():
    ours = set(_KINDS) - {"APNS_AUTH_ERROR"} | {"no-app", "no-token", "connection", "no-answer", "disabled"}
    assert {code for code in ours if not explains(code)} == set()
