"""What every answer carries, whichever door it leaves by."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST_BODY = 1024 * 1024
POLICY = "Content-Security-Policy"
_POLICY = (
    "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors {framing}; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)


def register(app: Flask, secure: bool, framed: Collection[str] = ()) -> None:
    """Set the security headers, and keep whatever is not a file of ours out of every cache.

    Pages of the blueprints in `framed` may stand in a frame on a page of ours; nothing else may stand in any.
    """
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    nobodys, ours = _always(secure, "'none'", "DENY"), _always(secure, "'self'", "SAMEORIGIN")

    def furnish(response: Response) -> Response:
        headers = response.headers
        said = {name.lower() for name in headers.keys()}  # noqa: SIM118  (iterating gives pairs)
        for name, value in ours if request.blueprint in framed else nobodys:
            if name.lower() not in said:
                headers.add(name, value)
            elif name != POLICY:  # a page may narrow the policy for itself, and nothing else
                headers[name] = value
        if "cache-control" not in said:
            headers.add("Cache-Control", "no-store")
        elif not (response.cache_control.public or response.cache_control.no_store):  # our static files; a picture
            headers["Cache-Control"] = "no-store"
        return response

    app.before_request(measure)
    app.after_request(furnish)


def _always(secure: bool, framing: str, frames: str) -> list[tuple[str, str]]:
    """What every answer carries."""
    found = [
        (POLICY, _POLICY.format(framing=framing)),
        ("X-Frame-Options", frames),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
    return [*found, ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")] if secure else found


def measure() -> None:
    """Refuse a large body that comes without its length: Werkzeug would cut it off at the limit and say nothing."""
    without_length = request.content_length is None and "Transfer-Encoding" in request.headers
    if without_length and len(request.get_data(cache=True)) >= LARGEST_BODY:
        raise RequestEntityTooLarge
