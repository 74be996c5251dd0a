"""The look and the script of the cases, named with their content's hash."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, current_app, send_from_directory, url_for

from care.access import may
from core import blueprint

FOLDER = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600


def _hash(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


_kept_hash = cache(_hash)


@blueprint.app_template_global()
def core_asset(name: str) -> str:
    """The address of a file of these pages, with its version."""
    version = _hash(name) if current_app.debug else _kept_hash(name)
    return url_for("core.static_file", name=name, v=version)


@blueprint.get("/assets/<path:name>")
@may("anyone")
def static_file(name: str) -> Response:
    """One of them."""
    response = send_from_directory(FOLDER, name, max_age=_YEAR)
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
