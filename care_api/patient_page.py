"""The patient's own page at /me: files that hold no patient. All that it shows of one it asks the API for.

Its modules lie below a folder named by the hash of them all, so that browsers may keep them for ever and never mix two
versions. The service worker keeps these files, and nothing else, for a phone without a connection.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, send_from_directory, url_for

from care.access import may
from care.domain.codes import LANGUAGES
from care.errors import NotFound
from care.library import emergency_number
from care.library.page_texts import page_texts

FOLDER = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600
NAMES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}

blueprint = Blueprint("patient_page", __name__, template_folder="templates")


@cache
def _files() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_file()))


def _hash() -> str:
    parts = [(FOLDER / name).read_bytes() for name in _files()]
    words = json.dumps([page_texts(language) for language in LANGUAGES], ensure_ascii=False).encode()
    return hashlib.sha256(b"\x00".join([*parts, words])).hexdigest()[:12]


@cache
def _kept_hash() -> str:
    return _hash()


def version() -> str:
    """What the folder of the page's files is called."""
    return _hash() if current_app.debug else _kept_hash()


@blueprint.app_template_global()
def own(name: str) -> str:
    """The address of one of the page's files."""
    return url_for("patient_page.static_file", asked=version(), name=name)


@blueprint.get("/me")
@may("anyone")
def page() -> str:
    """The page itself, the same for everybody."""
    country = current_app.extensions["care.settings"].default_country
    return render_template(
        "me.html", emergency=emergency_number(country), channel=_channel(), names=NAMES, folder=own("")
    )


@blueprint.get("/me/assets/<asked>/<path:name>")
@may("anyone")
def static_file(asked: str, name: str) -> Response:
    """One file of the page, or the words of one language."""
    if name.startswith("words.") and name.endswith(".json"):
        language = name.removeprefix("words.").removesuffix(".json")
        if language not in LANGUAGES:
            raise NotFound("file", "no such file")
        response = Response(json.dumps(page_texts(language), ensure_ascii=False), content_type="application/json")
    elif name in _files():
        response = send_from_directory(FOLDER, name, max_age=_YEAR)
    else:
        raise NotFound("file", "no such file")
    if asked != version():  # while servers are exchanged, what one has is not kept under the name of another's
        response.cache_control.public = False
        return response
    response.cache_control.public = True
    response.cache_control.max_age = _YEAR
    response.cache_control.immutable = True
    return response


@blueprint.get("/me/worker.js")
@may("anyone")
def worker() -> Response:
    """The service worker: it keeps the page's own files; its version is theirs."""
    kept = [url_for("patient_page.page"), *(own(name) for name in _files() if name != "worker.js")]
    kept += [own(f"words.{language}.json") for language in LANGUAGES]
    kept.append(_look())
    head = f"const VERSION = {json.dumps(version())};\nconst FILES = {json.dumps(kept)};\n"
    source = (FOLDER / "worker.js").read_text(encoding="utf-8")
    response = Response(head + source, content_type="text/javascript; charset=utf-8")
    response.headers["Service-Worker-Allowed"] = "/me"
    return response


@blueprint.get("/me/manifest.webmanifest")
@may("anyone")
def manifest() -> Response:
    """What a phone needs to keep the page among its apps."""
    icons: list[dict[str, Any]] = [
        {"src": own("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        {"src": own("icon-maskable.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "maskable"},
        {"src": own("icon-192.png"), "sizes": "192x192", "type": "image/png", "purpose": "any"},
        {"src": own("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
    ]
    body = {
        "id": "/me",
        "name": "Care",
        "short_name": "Care",
        "start_url": "/me",
        "scope": "/me",
        "display": "standalone",
        "background_color": "#f4f6f8",
        "theme_color": "#0b5c9e",
        "icons": icons,
    }
    return Response(json.dumps(body), content_type="application/manifest+json")


def _channel() -> str:
    """Where codes are sent to: SMS, or the console in a demonstration."""
    channels = g.rt.channels
    sms, console = channels.get("sms"), channels.get("console")
    demonstration = current_app.extensions["care.settings"].care_simulator or not (sms and sms.enabled)
    return "console" if console and console.enabled and demonstration else "sms"


def _look() -> str:
    """The address of the style sheet that all pages share."""
    asset = current_app.jinja_env.globals["asset"]
    return str(asset("care.css"))  # type: ignore[operator]
