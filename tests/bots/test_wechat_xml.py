"""What WeChat tells us: the fifty samples, one by one, and what is no XML of WeChat's."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.wechat_xml import LARGEST, parse, read
from care.domain.message import Incoming, Medium, Receipt
from care.errors import Invalid
from tests.conftest import NOON, SHARED, require, shared

PATH = "vectors/wechat_inbound_xml.json"
# What a person said, with the kinds of media, or did. All others of the fifty lead to nothing.
SAID = {
    "test_parse_text_message": ("this is a test", ()),
    "test_parse_image_message": ("", (Medium("image", "media_id", "image/jpeg"),)),
    "test_parse_voice_message": ("", (Medium("voice", "media_id", "audio/format"),)),
    "test_parse_video_message": ("", (Medium("video", "media_id", "video/mp4"),)),
    "test_parse_location_message": ("", (Medium("location", note="位置信息 (23.134521, 113.358803)"),)),
    "test_parse_link_message": ("", (Medium("link", note="公众平台官网链接\n公众平台官网链接\nurl"),)),
    "test_parse_unknown_message": ("", (Medium("other", note="notsure"),)),
}
DID = {
    "test_parse_subscribe_event": "followed",
    "test_parse_subscribe_event_with_last_trade_no": "followed",
    "test_parse_subscribe_scan_event": "followed:123123",
    "test_parse_subscribe_scan_product_event": "followed",
    "test_subscribe_event": "followed",
    "test_subscribe_scan_event": "followed:123123",
    "test_unsubscribe_event": "unfollowed",
    "test_parse_scan_event": "scanned:123123",
    "test_scan_event": "scanned:SCENE_VALUE",
    "test_parse_click_event": "menu:EVENTKEY",
    "test_click_event": "menu:EVENTKEY",
}
BECAME = {
    "test_template_send_job_finish_event": Receipt("wechat", "200163836", "delivered"),
    "test_template_subscribe_msg_sent_event": Receipt("wechat", "1700827132819554304", "delivered"),
}


def samples() -> list[Any]:
    path = SHARED / PATH
    return json.loads(path.read_text(encoding="utf-8"))["vectors"] if path.exists() else [None]


def document(**fields: str) -> bytes:
    """One message as WeChat writes it."""
    values = {"ToUserName": "gh_ours", "FromUserName": "openid", "CreateTime": "1772452800"} | fields
    return ("<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in values.items()) + "</xml>").encode()


def test_there_are_fifty_samples_and_each_that_means_something_is_among_them():
    shared(PATH)
    names = {one["id"] for one in samples()}
    assert len(samples()) == 50
    assert set(SAID) | set(DID) | set(BECAME) <= names


@pytest.mark.parametrize("sample", samples(), ids=lambda one: one["id"] if one else "absent")
def test_each_sample_is_what_it_is(sample: Any):
    require(sample, f"../shared/{PATH} is not on this machine")
    name, expected = sample["id"], sample["expect"]
    found = read(parse(sample["xml"].encode()), NOON)
    if name in BECAME:
        assert found == BECAME[name]
        return
    if name not in SAID and name not in DID:
        assert found is None
        return
    assert isinstance(found, Incoming)
    assert (found.channel, found.sender, found.recipient) == ("wechat", expected["source"], expected["target"])
    assert (found.text, found.media) == SAID.get(name, ("", ()))
    assert found.event == DID.get(name, "")
    if name in SAID:
        assert found.external_id == expected["msg_id"]


def test_a_text_is_kept_word_for_word_and_its_id_to_the_last_digit():
    found = read(parse(document(MsgType="text", Content=" 血糖３．２ \n", MsgId="9007199254740993001")), NOON)
    assert isinstance(found, Incoming)
    assert (found.text, found.external_id) == (" 血糖３．２ \n", "9007199254740993001")


def test_a_voice_is_for_a_person_with_what_wechat_made_of_it_beside_it():
    found = read(parse(document(MsgType="voice", MediaId="m", Format="amr", Recognition="三点八", MsgId="1")), NOON)
    assert isinstance(found, Incoming)
    assert found.text == ""
    assert found.media == (Medium("voice", "m", "audio/amr", "三点八"),)


def test_an_event_has_one_id_however_often_it_comes_and_it_does_not_hold_the_openid():
    one = read(parse(document(MsgType="event", Event="CLICK", EventKey="begin")), NOON)
    again = read(parse(document(MsgType="event", Event="CLICK", EventKey="begin")), NOON)
    later = read(parse(document(MsgType="event", Event="CLICK", EventKey="begin", CreateTime="1772452801")), NOON)
    other = read(parse(document(MsgType="event", Event="CLICK", EventKey="help")), NOON)
    assert isinstance(one, Incoming) and isinstance(again, Incoming)
    assert isinstance(later, Incoming) and isinstance(other, Incoming)
    assert one.external_id == again.external_id
    assert len({one.external_id, later.external_id, other.external_id}) == 3
    assert "openid" not in one.external_id


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("1772452801", datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)),
        ("123456789", NOON),
        ("99999999999", NOON),
        ("soon", NOON),
        ("", NOON),
    ],
)
def test_an_event_is_of_wechats_time_where_that_can_be(stamp: str, moment: datetime):
    found = read(parse(document(MsgType="event", Event="unsubscribe", CreateTime=stamp)), NOON)
    assert isinstance(found, Incoming)
    assert found.received_at == moment


@pytest.mark.parametrize(
    ("status", "code"),
    [("failed:user block", "user-block"), ("failed: system failed", "system-failed"), ("", "failed"), ("é", "failed")],
)
def test_a_notice_that_did_not_arrive_says_why(status: str, code: str):
    found = read(parse(document(MsgType="event", Event="TEMPLATESENDJOBFINISH", MsgID="7", Status=status)), NOON)
    assert found == Receipt("wechat", "7", "failed", error_code=code)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><xml><Content>&c;</Content></xml>"""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"hello",
        b"{}",
        b"<xml>",
        b"<xml></xml><xml></xml>",
        b"\xff\xfe<\x00x\x00/\x00>\x00",
        "<xml>é</xml>".encode("latin-1"),
        b"<xml>\x00</xml>",
        b"<xml>&#0;</xml>",
        b"<xml>&nbsp;</xml>",
        BOMB,
        b"<!DOCTYPE xml><xml/>",
        b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd"><xml/>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>',
        b"<xml>" + b"x" * LARGEST + b"</xml>",
    ],
)
def test_what_is_no_document_of_wechats_is_refused(body: bytes):
    with pytest.raises(Invalid):
        parse(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"MsgType": "text", "Content": "x"},
        {"MsgType": "text", "Content": "x", "MsgId": "é"},
        {"MsgType": "text", "Content": "x", "MsgId": "1" * 65},
        {"MsgType": "text", "Content": "x", "MsgId": "1", "FromUserName": ""},
        {"MsgType": "event", "Event": "CLICK", "FromUserName": "a b"},
        {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH"},
    ],
)
def test_who_and_which_must_be_said(fields: dict[str, str]):
    with pytest.raises(Invalid):
        read(parse(document(**fields)), NOON)


@given(st.text(max_size=400))
def test_whatever_stands_in_a_document_it_is_read_or_refused(noise: str):
    written = f"<xml><MsgType>{noise}</MsgType><Event>{noise}</Event>{noise}</xml>".encode("utf-8", "replace")
    with contextlib.suppress(Invalid):
        read(parse(written), NOON)
