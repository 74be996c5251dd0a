"""Errors at the door: problem+json (RFC 9457) for machines, a page for people. Nothing inside is ever shown.

An unexpected error is logged by its type alone: its text may quote a patient.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import lazy_pgettext as _h
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateNotFound
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from care.errors import CareError, NotReady, NotSignedIn
from care.logs import logger

CONTENT_TYPE = "application/problem+json"
_MACHINES = ("/api", "/webhooks", "/healthz", "/readyz", "/metrics")
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_PATIENCE = 8 * 1024 * 1024  # bytes
_COME_BACK = {"Retry-After": "5"}
TITLES = {
    400: _h("heart", "This could not be understood"),
    404: _h("heart", "Not found"),
    405: _h("heart", "This cannot be done here"),
    406: _h("heart", "Not to be had in this form"),
    413: _h("heart", "Too large"),
    415: _h("heart", "This kind of content is not read here"),
    429: _h("heart", "Too many requests"),
}
"""What an error of Flask and its parsers is called on a page; machines read its name in HTTP."""
READ_ONLY = "25006"  # what a standby says to whoever writes, until it is promoted


def register(app: Flask) -> None:
    """Translate every error that can leave a view. HTTPException is translated by the Api, which calls `http_error`."""
    app.register_error_handler(CareError, care_error)
    app.register_error_handler(SQLAlchemyError, database_error)
    app.register_error_handler(Exception, unexpected)


def care_error(error: CareError) -> Response:
    """A deliberate error: its code and message are meant to be read by whoever caused it."""
    if isinstance(error, NotReady):
        logger().error("not ready", code=error.code, route=_route())
        return answer(error.status, error.title, error.message, _COME_BACK, code=error.code)
    if error.status >= 500:
        logger().error("request failed", code=error.code, error=type(error).__name__, route=_route())
        return answer(error.status, error.title, code=error.code)
    headers = {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after" in error.detail:
        headers["Retry-After"] = str(int(float(str(error.detail["retry_after"]))))
    detail = {key: value for key, value in error.detail.items() if key != "retry_after"}
    return answer(error.status, error.title, error.message, headers, code=error.code, **detail)


def http_error(error: HTTPException) -> Response:
    """What Flask and its parsers raise: no such page, not this method, a body too large or against its schema."""
    data = getattr(error, "data", None) or {}
    status = error.code or 500
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        _hear_out()
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(sorted(getattr(error, "valid_methods", None) or ()))}
    else:
        headers = {name: value for name, value in error.get_headers() if name in _KEPT_HEADERS}
    headers |= data.get("headers") or {}
    more: dict[str, Any] = {"code": HTTPStatus(status).phrase.lower().replace(" ", "-")}
    if data.get("messages"):
        more |= {"code": "validation", "errors": list(_flat(data["messages"]))}
    if not for_machines():
        return answer(status, str(TITLES.get(status) or CareError.title), _told_people(error), headers)
    return answer(status, error.name, "" if status >= 500 else _told(error), headers, **more)


def database_error(error: SQLAlchemyError) -> Response:
    """A database that is away is temporary, and the caller should come back; anything else is a fault of ours."""
    if _is_away(error):
        logger().error("database away", error=type(error).__name__, route=_route())
        return answer(503, "Temporarily unavailable", "Please try again in a moment.", _COME_BACK, code="unavailable")
    return unexpected(error)


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether nothing was wrong but the database: gone, too full, overloaded, or a copy that takes no writing yet."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout | PendingRollbackError):
        return True
    gone = isinstance(error, DBAPIError) and error.connection_invalidated
    return gone or getattr(getattr(error, "orig", None), "sqlstate", None) == READ_ONLY


def unexpected(error: Exception) -> Response:
    """A fault of ours: logged by type, told without details."""
    if isinstance(error, HTTPException):
        return http_error(error)
    if type(error).__module__.startswith("gunicorn.http"):  # a body that breaks HTTP itself, found while it was read
        return answer(400, "Bad Request", "The body of the request is broken.", code="bad-request")
    logger().error("unexpected error", error=type(error).__name__, route=_route(), method=request.method)
    return answer(500, "Something went wrong", "The error was noted.", code="internal")


def answer(
    status: int, title: str, detail: str = "", headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """One error, in the form that the caller can read."""
    if not for_machines():
        return Response(_page(status, title, detail), status, headers, content_type="text/html; charset=utf-8")
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    body |= {"detail": detail} if detail else {}
    body |= {key: value for key, value in more.items() if key not in body}
    return Response(json.dumps(body, default=str), status, headers, content_type=CONTENT_TYPE)


def for_machines() -> bool:
    """Whether this request came by a door of machines."""
    return request.path.startswith(_MACHINES)


def _page(status: int, title: str, detail: str) -> str:
    g.setdefault("staff", None)
    try:
        told = current_app.extensions["care.told"]
        return render_template("error.html", status=status, title=told(title), detail=told(detail))
    except TemplateNotFound:
        return f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>{detail}</p></html>"


def _hear_out() -> None:
    """Read what is left of a body that is too large, up to a point: a caller that still talks does not hear why."""
    stream, left = request.environ.get("wsgi.input"), _PATIENCE
    while stream is not None and left > 0 and (chunk := stream.read(min(left, 65_536))):
        left -= len(chunk)


def _route() -> str:
    """The route's pattern, never the address itself, which may hold an id or what somebody typed."""
    return request.url_rule.rule if request.url_rule else "none"


TOO_LARGE = "This is larger than can be taken here: at most a megabyte, and a quarter of that from a provider."
STALE = "This page was open for too long, or in another window somebody else signed in. Open it anew and send it again."


def _told_people(error: HTTPException) -> str:
    """On a page: what is known, and nothing that only its maker would understand."""
    if isinstance(error, CSRFError):
        return STALE
    return TOO_LARGE if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else ""


def _told(error: HTTPException) -> str:
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TOO_LARGE
    if getattr(error, "data", None):
        return "Some of the input cannot be accepted."
    return str(error.description or "")


def _flat(messages: Any, path: str = "") -> Iterable[dict[str, str]]:
    """marshmallow's nested messages as a list of {pointer, message}. The pointer names the place, never the value."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            step = "" if not path and key in ("json", "query", "headers", "form") else f"/{key}"
            yield from _flat(inner, path + step or ("" if step == "" else step))
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _flat(inner, path)
    else:
        yield {"pointer": path, "message": str(messages)}
