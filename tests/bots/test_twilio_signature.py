"""Twilio's signature, against vectors made by its own libraries."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlencode

import pytest

from bots.sms import TwilioSms
from bots.twilio_signature import expected, genuine
from care.domain.message import WebhookCall
from care.errors import NotAllowed
from tests.conftest import shared


def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared("vectors/twilio_signature.json").read_text(encoding="utf-8"))
    return found


def vectors() -> list[dict[str, Any]]:
    return [*told()["official"], *told()["generated_by_official_sdks"]]


def vector(name: str) -> dict[str, Any]:
    return next(one for one in vectors() if one["id"] == name)


def fields(one: dict[str, Any]) -> dict[str, list[str]]:
    return {name: value if isinstance(value, list) else [value] for name, value in one["params"].items()}


def is_genuine(one: dict[str, Any], **other: Any) -> bool:
    known = {"tokens": (one["token"],), "url": one["url"], "fields": fields(one)} | other
    return genuine(one["signature"], body=one.get("raw_body", "").encode(), **known)


def test_every_known_signature_is_genuine():
    assert len(vectors()) == 15
    assert [one["id"] for one in vectors() if not is_genuine(one)] == []


def test_the_standard_port_may_have_been_signed_or_not():
    with_port = vector("official_https_port443_added")
    assert is_genuine(with_port, url=with_port["url"].replace(":443", ""))
    without = vector("official_basic")
    assert is_genuine(without, url=without["url"].replace("mycompany.com", "mycompany.com:443"))


def test_another_port_is_another_address():
    one = vector("explicit_port_8443")
    assert not is_genuine(one, url=one["url"].replace(":8443", ""))


def without_blanks(one: dict[str, Any]) -> dict[str, Any]:
    return {"fields": {key: values for key, values in fields(one).items() if values != [""]}}


def normalised(one: dict[str, Any]) -> dict[str, Any]:
    body = unicodedata.normalize("NFKC", one["params"]["Body"]).strip()
    assert body != one["params"]["Body"]
    return {"fields": fields(one) | {"Body": [body]}}


def at(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def moved(one: dict[str, Any]) -> dict[str, Any]:
        assert old in one["url"]
        return {"url": one["url"].replace(old, new)}

    return moved


CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "drop blank params": without_blanks,
    "http:// instead of https://": at("https://", "http://"),
    "strip Body whitespace / NFKC-normalise Body": normalised,
    "decode %2F in query": at("%2F", "/"),
    "wrong token": lambda _: {"tokens": ("54321",)},
    "oid query removed": lambda one: {"url": one["url"].partition("?")[0]},
    "trailing slash added to path": at("inbound", "inbound/"),
}
"""What each negative of the file does to the vector that it is made of, by how it begins."""


def test_every_negative_is_forged():
    forged = told()["negative"]
    assert len(forged) == len(CHANGES) == 7
    for one in forged:
        (change,) = (make for start, make in CHANGES.items() if one["mutate"].startswith(start))
        assert one["expect"] == "invalid"
        assert is_genuine(vector(one["of"]))
        assert not is_genuine(vector(one["of"]), **change(vector(one["of"]))), one["mutate"]


def test_another_body_than_the_one_whose_hash_was_signed_is_forged():
    one = vector("json_bodySHA256")
    assert not genuine(one["signature"], (one["token"],), one["url"], {}, b"{}")


ROOT = "https://care.example.org"


def as_called(one: dict[str, Any]) -> WebhookCall:
    """The call of a vector as it comes over the wire, for an address of ours."""
    path, _, query = one["url"].removeprefix(ROOT).partition("?")
    body = urlencode(fields(one), doseq=True).encode()
    return WebhookCall("POST", path, query, {"x-twilio-signature": one["signature"]}, body)


@pytest.mark.parametrize("name", ["inbound_zh_hans_emoji", "inbound_whatsapp_media", "status_undelivered_30003"])
def test_the_channel_believes_what_is_signed_over_our_public_address_and_the_raw_query(name: str):
    one = vector(name)
    sms = TwilioSms(one["params"]["AccountSid"], one["token"], "+1", ROOT)
    call = as_called(one)
    sms.verify(call)
    decoded = unquote(call.query)
    if decoded != call.query:
        with pytest.raises(NotAllowed):
            sms.verify(replace(call, query=decoded))
    with pytest.raises(NotAllowed):
        TwilioSms(one["params"]["AccountSid"], one["token"], "+1", "http://internal:8000").verify(as_called(one))


def test_either_of_two_tokens_will_do_while_they_are_exchanged():
    signature = expected("old", "https://care.example.org/x", {"From": ["+1"]})
    assert genuine(signature, ("new", "old"), "https://care.example.org/x", {"From": ["+1"]}, b"")
    assert not genuine(signature, ("new",), "https://care.example.org/x", {"From": ["+1"]}, b"")


def test_a_signature_that_is_not_even_text_is_forged():
    assert not genuine("\udcff\udcfe", ("token",), "https://care.example.org/x", {}, b"")
