"""Where WeChat calls us. One address for all: GET proves to WeChat that we are here, POST brings what was said or done.

It must be answered within five seconds. A call that has no answer by then, or one that WeChat cannot read, is made
again, three times in all; each of them is the same text by its id. So the answer is given once the text is committed
and before it is understood: `success`, and what we say to the patient is a message of its own. While the database is
away the answer is 503: WeChat makes the call again, and where it does not the patient is told by WeChat that the
account cannot be reached, which is true, and better than a text that nobody has.

Only a follower is answered in the answer itself, encrypted like the call: there is no window to write to them yet.
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, g, request

from bots.webhooks import enabled_channel, whole_call
from bots.wechat import WeChat
from bots.wechat_xml import CHANNEL
from care.access import may
from care.domain.message import Incoming, Receipt
from care.services import follows, inbox, outbox

SUCCESS = "success"

blueprint = Blueprint("wechat", __name__, url_prefix="/webhooks/wechat")


@blueprint.get("")
@may("provider")
def prove() -> Response:
    """WeChat asks whether this address is the account's: what it sent is sent back."""
    cast(WeChat, enabled_channel(CHANNEL)).verify(whole_call())
    return _plain(request.args.get("echostr", "")[:200])


@blueprint.post("")
@may("provider")
def hear() -> Response:
    """Keep what was said or done. What was answered before is answered again without any work."""
    channel, call, now = cast(WeChat, enabled_channel(CHANNEL)), whole_call(), g.rt.now()
    channel.verify(call)
    name = channel.name_of(call)
    known = channel.answered.knows(name)
    words = ""
    match channel.hear(call, now):
        case Incoming(event=event) as done if event:
            words = follows.hear(g.session, g.rt, done)  # also when it comes again: the answer must be the same
        case Incoming() as text if not known:
            inbox.receive(g.session, g.rt, text)
        case Receipt() if not known:
            outbox.note_receipt(g.session, g.rt, channel.read_receipt(call), now)
    channel.answered.remember(name, now)
    return Response(channel.answer(call, words), content_type="application/xml") if words else _plain(SUCCESS)


def _plain(words: str) -> Response:
    return Response(words, content_type="text/plain; charset=utf-8")
