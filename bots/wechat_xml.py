"""What WeChat tells us, in its XML: a person's text or medium, what a person did, or what became of a message.

No document type and no entity is taken: WeChat sends none, and they are how a small document becomes a large one.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from care.domain.message import Incoming, Medium, MediumKind, Receipt
from care.errors import Invalid

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CHANNEL = "wechat"
LARGEST = 64 * 1024  # bytes; a text of a person has at most a few thousand
_IDENTIFIER = re.compile(r"[!-~]{1,64}")
_NOTE = 1_000
_SCENE = "qrscene_"
_ALMOST_NOW = timedelta(minutes=10)
_MEDIA: dict[str, MediumKind] = {
    "image": "image",
    "voice": "voice",
    "video": "video",
    "shortvideo": "video",
    "file": "file",
    "location": "location",
    "link": "link",
}
# Not by a person: a thing that is bound to the account. What a person does with it comes as a message of its own.
_THINGS = frozenset(("device_text", "device_event", "device_status"))

Heard = Incoming | Receipt | None
"""None: there is nothing to do. What a menu's photo or place leads to comes as a message of its own."""


def parse(body: bytes) -> Element:
    """The document. Raises Invalid for one that is too large, not in UTF-8, no XML, or with a DTD or entities."""
    import defusedxml.ElementTree as ElementTree
    from defusedxml import DefusedXmlException

    if len(body) > LARGEST:
        raise Invalid("too-large", "the document is too large")
    try:
        # As text, so that the document's own word on its encoding counts for nothing.
        found: Element = ElementTree.fromstring(body.decode("utf-8").strip(), forbid_dtd=True)
    except (DefusedXmlException, ElementTree.ParseError, ValueError):
        raise Invalid("xml", "the body is no XML that is taken") from None
    return found


def read(document: Element, now: datetime) -> Heard:
    """What is told. Raises Invalid when a sender or an identifier is missing or cannot be read."""
    kind = _said(document, "MsgType")
    if kind == "event":
        return _event(document, now)
    if kind in _THINGS:
        return None
    text = _said(document, "Content", strip=False) if kind == "text" else ""
    media = () if kind == "text" else (_medium(document, kind),)
    return Incoming(
        channel=CHANNEL,
        sender=_identifier(document, "FromUserName"),
        text=text,
        external_id=_identifier(document, "MsgId"),  # 64 bits: as text, which no float rounds
        received_at=now,
        recipient=_said(document, "ToUserName")[:64],
        media=media,
    )


def _event(document: Element, now: datetime) -> Heard:
    event, key = _said(document, "Event"), _said(document, "EventKey")
    match event.lower():
        case "subscribe":
            scene = key.removeprefix(_SCENE) if key.startswith(_SCENE) else ""
            return _did(document, "followed", scene, now)
        case "unsubscribe":
            return _did(document, "unfollowed", "", now)
        case "scan":
            return _did(document, "scanned", key, now)
        case "click":
            return _did(document, "menu", key, now)
        case "templatesendjobfinish":
            status = _said(document, "Status").lower()
            failed = status.removeprefix("failed").strip(": ").replace(" ", "-")
            return _receipt(_identifier(document, "MsgID"), "" if status == "success" else failed or "failed")
        case "subscribe_msg_sent_event":
            return _sent(document)
    return None


def _did(document: Element, what: str, with_: str, now: datetime) -> Incoming:
    """Something that a person did. It has no id, so it has one of who, when and what: three tries are one event."""
    sender, stamp = _identifier(document, "FromUserName"), _said(document, "CreateTime")
    event = f"{what}:{with_[:64]}" if with_ else what
    # Hashed, for an event's id is kept in the clear, and an openid is not.
    name = hashlib.sha256(f"{sender}\n{stamp}\n{event}".encode()).hexdigest()[:40]
    return Incoming(
        channel=CHANNEL,
        sender=sender,
        text="",
        external_id=f"event-{name}",
        received_at=_moment(stamp, now),
        recipient=_said(document, "ToUserName")[:64],
        event=event,
    )


def _moment(stamp: str, now: datetime) -> datetime:
    """When a person did it, by WeChat's clock, if that is at all like ours."""
    if stamp.isascii() and stamp.isdigit() and len(stamp) < 12:
        told = datetime.fromtimestamp(int(stamp), UTC)
        if abs(told - now) < _ALMOST_NOW:
            return told
    return now


def _sent(document: Element) -> Receipt | None:
    """What became of a subscription notice. It is sent to one person, so its list has one entry."""
    for one in document.findall("SubscribeMsgSentEvent/List"):
        code = _said(one, "ErrorCode")
        return _receipt(_identifier(one, "MsgID"), "" if code == "0" else code or "failed")
    return None


def _receipt(external_id: str, error: str) -> Receipt:
    code = error if _IDENTIFIER.fullmatch(error) or not error else "failed"
    return Receipt(CHANNEL, external_id, "failed" if error else "delivered", error_code=code)


def _medium(document: Element, kind: str) -> Medium:
    """What is not a text. It is never read as an answer, not even what WeChat makes of a voice."""
    known: MediumKind = _MEDIA.get(kind, "other")
    reference = _said(document, "MediaId") or (_said(document, "PicUrl") if known == "image" else "")
    match known:
        case "image":
            return Medium(known, reference, "image/jpeg")
        case "voice":
            form = re.sub(r"[^a-z0-9]", "", _said(document, "Format").lower())[:20]
            return Medium(known, reference, f"audio/{form}" if form else "", _said(document, "Recognition")[:_NOTE])
        case "video":
            return Medium(known, reference, "video/mp4")
        case "file":
            return Medium(known, reference, "", _said(document, "Title")[:_NOTE])
        case "location":
            where = f"{_said(document, 'Location_X')}, {_said(document, 'Location_Y')}"
            return Medium(known, note=f"{_said(document, 'Label')} ({where})".strip()[:_NOTE])
        case "link":
            told = (_said(document, name) for name in ("Title", "Description", "Url"))
            return Medium(known, note="\n".join(one for one in told if one)[:_NOTE])
    return Medium("other", reference, "", kind[:60])


def _said(document: Element, name: str, strip: bool = True) -> str:
    """The text of an element, "" where there is none. A person's words are not stripped."""
    found = document.findtext(name) or ""
    return found.strip() if strip else found


def _identifier(document: Element, name: str) -> str:
    value = _said(document, name)
    if not _IDENTIFIER.fullmatch(value):
        raise Invalid("field", f"{name} is missing or cannot be read", place=name)
    return value
