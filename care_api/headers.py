"""What every answer carries, whichever door it leaves by."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST_BODY = 1024 * 1024
_POLICY = (
    "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors {framing}; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)


def register(app: Flask, secure: bool, framed: Collection[str] = ()) -> None:
    """Set the security headers, and keep whatever is not a file of ours out of every cache.

    Pages of the blueprints in `framed` may stand in a frame on a page of ours; nothing else may stand in any.
    """
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY

    def furnish(response: Response) -> Response:
        headers = response.headers
        may_stand_in_ours = request.blueprint in framed
        headers.setdefault(
            "Content-Security-Policy", _POLICY.format(framing="'self'" if may_stand_in_ours else "'none'")
        )
        headers["X-Frame-Options"] = "SAMEORIGIN" if may_stand_in_ours else "DENY"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if not (response.cache_control.public or response.cache_control.no_store):  # our own static files; a picture
            headers["Cache-Control"] = "no-store"
        if secure:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response

    app.before_request(measure)
    app.after_request(furnish)


def measure() -> None:
    """Refuse a large body that comes without its length: Werkzeug would cut it off at the limit and say nothing."""
    without_length = request.content_length is None and "Transfer-Encoding" in request.headers
    if without_length and len(request.get_data(cache=True)) >= LARGEST_BODY:
        raise RequestEntityTooLarge
