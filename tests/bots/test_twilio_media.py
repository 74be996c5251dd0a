"""Media at Twilio: from its own hosts alone, with our token at its API alone, within limits, and what it says it is."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from bots.sms import TwilioSms
from bots.twilio_media import LARGEST, fetch
from care.domain.message import Medium
from care.errors import ChannelError
from tests.bots.stub_provider import DRIP, Answer, Provider, provider

ACCOUNT, TOKEN = "AC" + "1" * 32, "a-token"
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
PICTURE = Medium("image", f"https://api.twilio.com{PATH}", "image/jpeg")
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)
STORE = "https://mms.twiliocdn.com/AC1/file?Expires=1&Signature=x"


def picture(content: bytes = JPEG, content_type: str = "image/jpeg", **more: Any) -> Answer:
    return Answer(200, raw=content, headers={"Content-Type": content_type}, **more)


def leads_to(place: str, status: int = 307) -> Answer:
    return Answer(status, raw=b"", headers={"Location": place})


def get(stub: Provider, medium: Medium = PICTURE) -> tuple[bytes, str]:
    found = fetch(medium, ACCOUNT, TOKEN, stub.url)
    return found.content, found.content_type


def failing(*answers: Answer, medium: Medium = PICTURE) -> tuple[str, str, int]:
    """Kind and code of what goes wrong, and how often the provider was asked."""
    with provider(*answers) as stub, pytest.raises(ChannelError) as caught:
        get(stub, medium)
    return caught.value.kind, caught.value.code, len(stub.asked)


def test_a_picture_is_got_with_our_token() -> None:
    with provider(picture()) as stub:
        assert get(stub) == (JPEG, "image/jpeg")
    assert stub.asked[0]["path"] == PATH
    assert stub.asked[0]["headers"]["Authorization"] == "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()


def test_the_store_that_it_leads_to_is_asked_without_our_token() -> None:
    with provider(leads_to(STORE), picture()) as stub:
        assert get(stub) == (JPEG, "image/jpeg")
    assert [one["path"] for one in stub.asked] == [PATH, "/mms.twiliocdn.com/AC1/file?Expires=1&Signature=x"]
    assert ["Authorization" in one["headers"] for one in stub.asked] == [True, False]


def test_the_older_store_is_one_bucket_and_no_other_of_its_host() -> None:
    host = "https://s3-external-1.amazonaws.com"
    with provider(leads_to(f"{host}/media.twiliocdn.com/AC1/x"), picture()) as stub:
        assert get(stub)[0] == JPEG
    assert failing(leads_to(f"{host}/somebody-elses/x"), picture()) == ("permanent", "media-elsewhere", 1)
    assert failing(leads_to(f"{host}/media.twiliocdn.com/../other/x"), picture())[1:] == ("media-elsewhere", 1)
    assert failing(leads_to(f"{host}/media.twiliocdn.com/%2E./other/x"), picture())[1:] == ("media-elsewhere", 1)


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/x",
        "http://mms.twiliocdn.com/x",
        "https://mms.twiliocdn.com.evil.example/x",
        "https://mms.twiliocdn.com@evil.example/x",
        "https://user:secret@mms.twiliocdn.com/x",
        "https://mms.twiliocdn.com:8443/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "file:///etc/passwd",
        "//evil.example/x",
        "https://[broken",
        "",
    ],
)
def test_where_else_it_leads_is_never_asked(place: str) -> None:
    kind, code, asked = failing(leads_to(place), picture())
    assert (kind, asked) == ("permanent", 1)
    assert code == "media-elsewhere"


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "https://evil.example" + PATH,
        "http://api.twilio.com" + PATH,
        f"https://api.twilio.com/2010-04-01/Accounts/AC{'2' * 32}/Messages/MM1/Media/ME1",
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/../AC{'2' * 32}/Messages.json",
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/%2e%2E/AC{'2' * 32}/Messages.json",
        STORE,
        "https://api.twilio.com.evil.example" + PATH,
    ],
)
def test_what_is_not_our_accounts_is_never_asked_for(reference: str) -> None:
    assert failing(picture(), medium=Medium("image", reference, "image/jpeg")) == ("permanent", "media-elsewhere", 0)


def test_a_medium_that_leads_on_and_on_is_left() -> None:
    assert failing(leads_to(STORE))[:2] == ("permanent", "media-elsewhere")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, "permanent"), (410, "permanent"), (401, "retryable"), (429, "retryable"), (503, "retryable")],
)
def test_what_is_gone_is_told_from_what_is_away(status: int, kind: str) -> None:
    assert failing(Answer(status, {"code": 20404}))[:2] == (kind, f"media-{status}")


def test_a_medium_may_be_ten_megabytes_and_no_more() -> None:
    with provider(picture(JPEG[:4] + bytes(LARGEST - 4))) as stub:
        assert len(get(stub)[0]) == LARGEST
    assert failing(picture(JPEG[:4] + bytes(LARGEST - 3)))[:2] == ("permanent", "media-too-large")


def test_a_medium_without_end_is_broken_off() -> None:
    assert failing(picture(JPEG[:4] + bytes(3 * LARGEST)))[:2] == ("permanent", "media-too-large")


@pytest.mark.parametrize(
    ("content", "declared", "named"),
    [
        (b"<html><script>alert(1)</script></html>", "image/jpeg", "image/jpeg"),
        (b"<svg onload=alert(1)>", "image/svg+xml", "image/svg+xml"),
        (JPEG, "audio/ogg", "audio/ogg"),
        (JPEG, "application/pdf", "application/pdf"),
        (b"%PDF-1.7", "image/png", "image/png"),
        (JPEG, "image/jpeg", "text/html"),
        (b"MZ\x90\x00", "image/jpeg", "image/png"),
    ],
)
def test_what_is_not_what_it_says_it_is_is_refused(content: bytes, declared: str, named: str) -> None:
    medium = Medium("image", PICTURE.reference, declared)
    assert failing(picture(content, named), medium=medium)[:2] == ("permanent", "media-type")


@pytest.mark.parametrize(
    ("content", "declared", "named", "kept"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/jpeg", "image/png", "image/png"),
        (b"%PDF-1.7", "application/pdf", "application/pdf", "application/pdf"),
        (b"\x00\x00\x00\x18ftyp3gp4", "audio/3gpp", "audio/3gpp", "audio/3gpp"),
        (b"#!AMR\n", "audio/amr", "", "audio/amr"),
        (JPEG, "image/jpeg", "application/octet-stream", "image/jpeg"),
        (b"BEGIN:VCARD", "text/vcard", "text/vcard; charset=utf-8", "text/vcard"),
    ],
)
def test_what_is_what_it_says_it_is_is_kept(content: bytes, declared: str, named: str, kept: str) -> None:
    with provider(picture(content, named)) as stub:
        assert get(stub, Medium("file", PICTURE.reference, declared)) == (content, kept)


def test_a_store_that_drips_is_left() -> None:
    dripping = picture(JPEG[:4] + bytes(int(10 / DRIP)), drips="body")
    with provider(leads_to(STORE), dripping) as stub, pytest.raises(ChannelError) as caught:
        fetch(PICTURE, ACCOUNT, TOKEN, stub.url, seconds=0.3)
    assert (caught.value.kind, caught.value.code) == ("retryable", "no-answer")


def test_a_provider_that_is_away_is_asked_again_later() -> None:
    with provider() as stub:
        gone = stub.url
    with pytest.raises(ChannelError) as caught:
        fetch(PICTURE, ACCOUNT, TOKEN, gone)
    assert (caught.value.kind, caught.value.code) == ("retryable", "connection")


def test_no_error_says_where_a_medium_is() -> None:
    with provider(Answer(404)) as stub, pytest.raises(ChannelError) as caught:
        get(stub)
    assert "ME1" not in f"{caught.value} {caught.value.__cause__} {caught.value.detail}"


def test_the_channel_gets_its_own_media_and_a_disabled_one_none() -> None:
    with provider(picture()) as stub:
        sms = TwilioSms(ACCOUNT, TOKEN, "+14155550199", base_url=stub.url)
        assert sms.fetch(PICTURE).content == JPEG
        here = Medium("image", f"{stub.url}{PATH}", "image/jpeg")
        assert sms.fetch(here).content == JPEG, "a provider on this machine names its own address"
    with pytest.raises(ChannelError, match="not configured"):
        TwilioSms().fetch(PICTURE)
