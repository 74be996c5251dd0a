"""Static files, named with their content's hash so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, current_app, send_from_directory, url_for

from care.access import may
from dashboard import blueprint

FOLDER = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600


@cache
def _version(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


@blueprint.app_template_global()
def asset(name: str) -> str:
    """The address of a static file, with its version."""
    version = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12] if current_app.debug else _version(name)
    return url_for("dashboard.static_file", name=name, v=version)


@blueprint.get("/assets/<path:name>")
@may("anyone")
def static_file(name: str) -> Response:
    """One file of the look that all pages share."""
    response = send_from_directory(FOLDER, name, max_age=_YEAR)
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
