"""WeChat's signatures and envelopes, against Tencent's own samples and against wechatpy in both directions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.wechat_crypto import FRESH, Answered, Envelopes, aes_key, check_fresh, genuine, js_signature, signature
from care.errors import Invalid, NotAllowed
from tests.conftest import NOON, SHARED, require, shared

PATH = "vectors/wechat_crypto.json"
KEY, OTHER = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "A" * 43
APP = "wxb11529c136998cb6"


def vectors(part: str) -> list[Any]:
    """The vectors of one part; one that is absent, where the material is not there, so that a test can say so."""
    path = SHARED / PATH
    return json.loads(path.read_text(encoding="utf-8"))[part] if path.exists() else [None]


def named(vector: Any) -> str:
    return str(vector.get("id") or vector.get("source")) if vector else "absent"


def test_there_are_as_many_vectors_as_we_were_given():
    shared(PATH)
    assert (len(vectors("decrypt_encrypt")), len(vectors("plain_signature"))) == (11, 6)


@pytest.mark.parametrize("vector", vectors("decrypt_encrypt"), ids=named)
def test_each_envelope_opens_and_is_made_again_byte_for_byte(vector: Any):
    require(vector, f"../shared/{PATH} is not on this machine")
    envelopes = Envelopes(vector["app_id"], vector["encoding_aes_key"])
    plain = vector["plaintext_verified"].encode()
    assert envelopes.open(vector["encrypt"]) == plain
    assert envelopes.seal(plain, vector["random16_verified"].encode()) == vector["encrypt"]


@pytest.mark.parametrize("vector", vectors("decrypt_encrypt"), ids=named)
def test_each_envelope_is_signed_as_its_source_says(vector: Any):
    require(vector, f"../shared/{PATH} is not on this machine")
    if "msg_signature" not in vector:
        assert vector["id"].startswith("wxjava_afterAesEncrypt")  # two samples are of the encryption alone
        return
    signed = (vector["timestamp"], vector["nonce"], vector["encrypt"])
    assert genuine(vector["msg_signature"], vector["token"], *signed)
    assert not genuine(vector["msg_signature"], vector["token"], *signed[:2], signed[2][:-4] + "AAA=")


@pytest.mark.parametrize("vector", vectors("plain_signature"), ids=named)
def test_each_plain_signature_is_made_as_its_source_says(vector: Any):
    require(vector, f"../shared/{PATH} is not on this machine")
    assert signature(vector["token"], vector["timestamp"], vector["nonce"]) == vector["signature"]
    assert not genuine(vector["signature"], vector["token"] + "x", vector["timestamp"], vector["nonce"])


@pytest.mark.parametrize("vector", vectors("jsapi_signature"), ids=named)
def test_the_signature_of_a_page_is_made_as_tencent_says(vector: Any):
    require(vector, f"../shared/{PATH} is not on this machine")
    made = js_signature(vector["jsapi_ticket"], vector["noncestr"], vector["timestamp"], vector["url"])
    assert made == vector["signature"]


@given(message=st.text(max_size=300), key=st.sampled_from([KEY, OTHER]))
def test_what_we_seal_wechatpy_opens_and_what_it_seals_we_open(message: str, key: str):
    from wechatpy.crypto import PrpCrypto

    message = message.encode("utf-8", "replace").decode()
    theirs = PrpCrypto(aes_key(key))
    ours = Envelopes(APP, key)
    assert theirs.decrypt(ours.seal(message.encode()), APP) == message
    assert ours.open(theirs.encrypt(message, APP).decode()) == message.encode()


def test_a_reply_of_ours_is_one_that_wechatpy_takes():
    from wechatpy.crypto import WeChatCrypto

    reply = Envelopes(APP, KEY).reply("<xml>早上好</xml>".encode(), "a-token", "1409735669", "nonce")
    given_signature = reply.partition("<MsgSignature><![CDATA[")[2].partition("]")[0]
    theirs = WeChatCrypto("a-token", KEY, APP)
    assert theirs.decrypt_message(reply, given_signature, "1409735669", "nonce") == "<xml>早上好</xml>"


def test_a_call_that_wechatpy_makes_is_signed_as_we_read_it():
    import defusedxml.ElementTree as ElementTree
    from wechatpy.crypto import WeChatCrypto

    made = ElementTree.fromstring(WeChatCrypto("a-token", KEY, APP).encrypt_message("<xml/>", "nonce", "1409735669"))
    encrypted = made.findtext("Encrypt") or ""
    assert genuine(made.findtext("MsgSignature") or "", "a-token", "1409735669", "nonce", encrypted)
    assert Envelopes(APP, KEY).open(encrypted) == b"<xml/>"


def test_the_previous_key_opens_and_the_current_one_seals():
    old, both, new = Envelopes(APP, OTHER), Envelopes(APP, KEY, OTHER), Envelopes(APP, KEY)
    assert both.open(old.seal(b"before")) == b"before"
    assert new.open(both.seal(b"after")) == b"after"
    with pytest.raises(NotAllowed, match="does not open"):
        new.open(old.seal(b"before"))


def test_an_envelope_for_another_account_is_refused():
    with pytest.raises(NotAllowed) as error:
        Envelopes(APP, KEY).open(Envelopes("wxsomebodyelse", KEY).seal(b"hello"))
    assert error.value.code == "account"


@given(st.binary(max_size=200))
def test_whatever_is_no_envelope_is_refused_and_nothing_else_happens(noise: bytes):
    import base64

    for encrypted in (noise.decode("latin-1"), base64.b64encode(noise).decode()):
        with pytest.raises(NotAllowed):
            Envelopes(APP, KEY).open(encrypted)


@pytest.mark.parametrize("size", range(65))
def test_every_length_of_padding_up_to_32_is_made_and_taken(size: int):
    envelopes = Envelopes(APP, KEY)
    assert envelopes.open(envelopes.seal(b"x" * size)) == b"x" * size


@pytest.mark.parametrize("key", ["", "short", "A" * 42, "A" * 44, "!" * 43, "é" * 43])
def test_a_key_that_is_none_is_refused_at_once(key: str):
    with pytest.raises(Invalid, match="43"):
        Envelopes(APP, key)


@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_call_is_fresh_for_five_minutes_either_way(seconds: int, fresh: bool):
    stamp = str(int((NOON + timedelta(seconds=seconds)).timestamp()))
    if fresh:
        check_fresh(stamp, NOON)
        return
    with pytest.raises(NotAllowed, match="too old"):
        check_fresh(stamp, NOON)


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "١٢٣", "9" * 400])
def test_a_call_that_does_not_say_when_is_refused(stamp: str):
    with pytest.raises(NotAllowed):
        check_fresh(stamp, NOON)


def test_what_was_answered_is_known_until_it_is_no_longer_fresh_and_the_memory_is_bounded():
    answered = Answered(most=3)
    answered.remember("a", NOON)
    assert answered.knows("a")
    assert not answered.knows("b")
    answered.remember("b", NOON + 2 * FRESH + timedelta(seconds=1))
    assert not answered.knows("a")
    for number in range(5):
        answered.remember(str(number), datetime(2026, 3, 3, tzinfo=UTC))
    assert [answered.knows(str(number)) for number in range(5)] == [False, False, True, True, True]
