"""What came with a text: shown in its thread, opened one by one, and never by another team."""

from __future__ import annotations

import io
from uuid import UUID

from flask import request, send_file
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.services.attachments import open_attachment
from dashboard import blueprint
from dashboard.request import runtime, session, staff

PLAYED = frozenset({"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav", "video/mp4", "video/3gpp"})
"""What browsers play within a page; all else is a file to download."""

NAMES = {
    "image": _l("picture"),
    "voice": _l("recording"),
    "video": _l("film"),
    "location": _l("place"),
    "link": _l("link"),
}
WHY = {
    "empty": _l("there was nothing in it"),
    "too-large": _l("it is too large"),
    "too-many-points": _l("it is too large to be drawn"),
    "broken": _l("it is damaged"),
    "type:image/heic": _l("photos of this kind (HEIC) cannot be shown; ask for a screenshot of it"),
    "provider-away": _l("its provider did not answer for most of a day"),
    "fatal": _l("it could not be looked at safely"),
    "media-too-large": _l("it is too large"),
    "media-type": _l("it is not what it says it is"),
}


@blueprint.get("/attachments/<uuid:attachment_id>")
@may("nurse", "clinician")
def attachment(attachment_id: UUID) -> Response:
    """The bytes, as what they are and nothing else. Opening them is audited."""
    opened = open_attachment(session(), runtime(), staff(), attachment_id)
    response = send_file(
        io.BytesIO(opened.content),
        opened.content_type,
        as_attachment=not opened.picture,
        download_name=opened.name,
        conditional=False,
        etag=False,
        max_age=None,
    )
    response.make_conditional(request.environ, accept_ranges=True, complete_length=len(opened.content))
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.app_template_filter("medium")
def name_of(kind: str) -> str:
    """What a kind of medium is called."""
    return str(NAMES.get(kind) or _("file"))


@blueprint.app_template_filter("plays")
def plays(content_type: str) -> str:
    """`audio` or `video` where the page can play it, else ""."""
    return content_type.partition("/")[0] if content_type in PLAYED else ""


@blueprint.app_template_filter("unkept")
def unkept(reason: str | None, state: str) -> str:
    """Why something was refused, or could not be had."""
    if reason and reason.startswith("type:"):
        return str(WHY.get(reason) or _("files of this kind are not kept"))
    without = _("its provider does not have it") if state == "gone" else _("it could not be read")
    return str(WHY.get(reason or "") or without)
