"""Twilio's signature, against vectors made by its own libraries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bots.twilio_signature import expected, genuine
from tests.conftest import shared


def vectors() -> list[dict[str, Any]]:
    told = json.loads(shared("vectors/twilio_signature.json").read_text())
    return [*told["official"], *told["generated_by_official_sdks"]]


def vector(name: str) -> dict[str, Any]:
    return next(one for one in vectors() if one["id"] == name)


def fields(one: dict[str, Any]) -> dict[str, list[str]]:
    return {name: value if isinstance(value, list) else [value] for name, value in one["params"].items()}


def is_genuine(one: dict[str, Any], **other: Any) -> bool:
    known = {"tokens": (one["token"],), "url": one["url"], "fields": fields(one)} | other
    return genuine(one["signature"], body=one.get("raw_body", "").encode(), **known)


def test_every_known_signature_is_genuine():
    assert len(vectors()) >= 15
    assert [one["id"] for one in vectors() if not is_genuine(one)] == []


def test_the_standard_port_may_have_been_signed_or_not():
    with_port = vector("official_https_port443_added")
    assert is_genuine(with_port, url=with_port["url"].replace(":443", ""))
    without = vector("official_basic")
    assert is_genuine(without, url=without["url"].replace("mycompany.com", "mycompany.com:443"))


def test_another_port_is_another_address():
    one = vector("explicit_port_8443")
    assert not is_genuine(one, url=one["url"].replace(":8443", ""))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("inbound_zh_hans_emoji", {"fields": "no blanks"}),
        ("inbound_zh_hans_emoji", {"url": ("https://", "http://")}),
        ("inbound_zh_hans_emoji", {"fields": "normalised"}),
        ("inbound_whatsapp_media", {"url": ("%2F", "/")}),
        ("inbound_zh_hans_emoji", {"tokens": ("54321",)}),
        ("status_undelivered_30003", {"url": ("?oid=01J9ZK5T7QW2", "")}),
        ("inbound_zh_hans_emoji", {"url": ("inbound", "inbound/")}),
        ("json_bodySHA256", {"body": b"{}"}),
    ],
)
def test_what_was_changed_on_the_way_is_forged(name: str, change: dict[str, Any]):
    one = vector(name)
    other: dict[str, Any] = {}
    if change.get("fields") == "no blanks":
        other["fields"] = {key: values for key, values in fields(one).items() if values != [""]}
    elif change.get("fields") == "normalised":
        other["fields"] = fields(one) | {"Body": ["伤口有点红,体温38.5℃ 🤒"]}
    if "url" in change:
        other["url"] = one["url"].replace(*change["url"])
    if "tokens" in change:
        other["tokens"] = change["tokens"]
    if "body" in change:
        assert not genuine(one["signature"], (one["token"],), one["url"], {}, change["body"])
        return
    assert not is_genuine(one, **other)


def test_either_of_two_tokens_will_do_while_they_are_exchanged():
    signature = expected("old", "https://care.example.org/x", {"From": ["+1"]})
    assert genuine(signature, ("new", "old"), "https://care.example.org/x", {"From": ["+1"]}, b"")
    assert not genuine(signature, ("new",), "https://care.example.org/x", {"From": ["+1"]}, b"")


def test_a_signature_that_is_not_even_text_is_forged():
    assert not genuine("\udcff\udcfe", ("token",), "https://care.example.org/x", {}, b"")
