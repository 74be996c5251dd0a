"""Where providers call us. A view verifies, reads, calls one service and answers; nothing is decided here.

A call is answered with success only once it is committed. When the database is away, or there is no hospital in it yet,
the answer is 503, so that the provider tries again. Twilio does if our address there asks for it: docs/operations.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from care.access import may
from care.domain.message import Channel, WebhookCall
from care.errors import NotFound
from care.services import inbox, outbox

LARGEST_BODY = 256 * 1024
_EMPTY_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.post("/twilio/sms")
@may("provider")
def twilio_sms() -> Response:
    """A text: kept and screened; the answer to the patient is a message of its own, so the reply here is empty."""
    return _text("sms")


@blueprint.post("/twilio/whatsapp")
@may("provider")
def twilio_whatsapp() -> Response:
    """The same from WhatsApp."""
    return _text("whatsapp")


@blueprint.post("/twilio/status")
@may("provider")
def twilio_status() -> Response:
    """A receipt of either: the same one twice, or two in the wrong order, end in the same state."""
    channel, call = enabled_channel("sms", "whatsapp"), whole_call()
    channel.verify(call)
    outbox.note_receipt(g.session, g.rt, channel.read_receipt(call), g.rt.now())
    return Response(status=204)


def _text(name: str) -> Response:
    channel, call = enabled_channel(name), whole_call()
    channel.verify(call)
    incoming = channel.read(call, g.rt.now())
    inbox.receive(g.session, g.rt, incoming)
    return Response(_EMPTY_REPLY, content_type="text/xml; charset=utf-8")


def enabled_channel(*names: str) -> Channel:
    """The first of these channels that is there and configured. Raises NotFound."""
    for name in names:
        channel: Channel | None = g.rt.channels.get(name)
        if channel is not None and channel.enabled:
            return channel
    raise NotFound("channel", "this channel is disabled: it is not configured")


def whole_call() -> WebhookCall:
    """The request as it came over the wire: the path not decoded, the body not parsed. Raises 413 for a large body."""
    request.max_content_length = LARGEST_BODY
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path)
    if "://" in raw.partition("?")[0]:  # a client may send the whole address; only path and query count
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    path, _, query = raw.partition("#")[0].partition("?")
    body = request.get_data(cache=True)
    if len(body) > LARGEST_BODY:  # one that came without its length was read before this limit was set
        raise RequestEntityTooLarge
    return WebhookCall(request.method, path, query, cast("Mapping[str, str]", request.headers), body)
