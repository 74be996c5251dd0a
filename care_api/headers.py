"""What every answer carries, whichever door it leaves by."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST_BODY = 1024 * 1024
_POLICY = (
    "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)


def register(app: Flask, secure: bool) -> None:
    """Set the security headers, and keep whatever is not a file of ours out of every cache."""
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY

    def furnish(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", _POLICY)
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
