"""The language of a page: what the reader chose, else what their browser asks for, else English."""

from __future__ import annotations

from flask import Flask, g, has_request_context, request
from flask_babel import Babel

LANGUAGES = {"en": "en", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant"}
COOKIE = "care_language"
_HANT = ("zh-hant", "zh-hk", "zh-tw", "zh-mo")


def register(app: Flask, catalogues: str) -> None:
    """Give templates and views their words, in the language of whoever reads."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = catalogues
    Babel(app, default_locale="en", locale_selector=lambda: LANGUAGES[reader_language()])


def reader_language() -> str:
    """en, zh-Hans or zh-Hant."""
    if not has_request_context():
        return "en"
    found = g.get("reader_language")
    if found is None:
        found = g.reader_language = _chosen()
    return str(found)


def _chosen() -> str:
    kept = request.cookies.get(COOKIE, "")
    if kept in LANGUAGES:
        return kept
    for wanted, _ in request.accept_languages:
        spelt = wanted.lower().replace("_", "-")
        if spelt.startswith(_HANT):
            return "zh-Hant"
        if spelt.startswith("zh"):
            return "zh-Hans"
        if spelt.startswith("en"):
            return "en"
    return "en"
