"""The switch of languages that every page carries."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import LANGUAGES
from care.errors import Invalid
from care.services import staff_languages
from dashboard import blueprint
from dashboard.request import back, runtime, session, somebody, written

COOKIE = "care_language"
_YEAR = 365 * 24 * 3600


@blueprint.post("/language")
@may("anyone")
def choose_language() -> Response:
    """Read on in another language: kept in this browser, and with the account of whoever is signed in."""
    wanted = written("language")
    if wanted not in LANGUAGES:
        raise Invalid("unknown-value", "this language is not spoken here", place="language")
    if (who := somebody()) is not None:
        staff_languages.choose_language(session(), runtime(), who, wanted)
    response = redirect(back(url_for("dashboard.home")))
    secure = runtime().public_url.startswith("https://")
    response.set_cookie(COOKIE, wanted, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure)
    return response
