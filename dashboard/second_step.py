"""The second step of signing in: the code of a telephone, or setting one up where the team requires it.

Nobody is signed in here. Who passed the first step holds a token in a cookie of its own, which opens these pages only.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash, make_response, redirect, render_template, request, url_for
from flask import session as browser
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import CareError, Conflict, Invalid, NotSignedIn, TooMany
from care.services import kept_words, sign_in_steps
from care.services.second_factors import SetUp
from care.services.sign_in_steps import LASTS, Step
from dashboard import blueprint
from dashboard.request import runtime, safe_path, session, told
from dashboard.square import square

COOKIE, STEP, STEPS = "care_staff", "care_step", "/sign-in"


def led_on(step: Step, wanted: str, kept: str) -> Response:
    """To the second step, with where they wanted to go and what they had typed; nobody is signed in yet."""
    response = make_response(_page(step.kind, step.token, wanted, kept))
    _hold(response, STEP, step.token, STEPS, int(LASTS.total_seconds()))
    return response


def let_in(token: str, wanted: str, kept: str, codes: Sequence[str] = ()) -> Response:
    """Signed in: on to where they wanted to go, or back to what they had typed."""
    browser.clear()  # a desk is shared: neither the form's secret nor a notice of whoever was here before stays
    found = kept_words.given_back(session(), runtime().now(), token, kept) if kept else None
    onwards = safe_path(wanted, url_for("dashboard.home"))
    if codes:
        response = make_response(render_template("recovery_codes.html", codes=codes, onwards=onwards, typed=found))
    elif found:
        response = make_response(render_template("kept.html", typed=found, onwards=onwards))
    else:
        response = make_response(redirect(onwards))
    _hold(response, COOKIE, token, "/", None)
    response.delete_cookie(STEP, path=STEPS)
    return response


@blueprint.post("/sign-in/code")
@may("anyone")
def second_step() -> Response | tuple[str, int]:
    """The code of the telephone, or a recovery code."""
    wanted, kept = _carried()
    try:
        token = sign_in_steps.second_step(session(), runtime(), _step(), request.form.get("code", "")[:40])
    except (NotSignedIn, TooMany) as refused:
        return _refused(refused, "code", wanted, kept)
    return let_in(token, wanted, kept)


@blueprint.post("/sign-in/set-up")
@may("anyone")
def set_up_step() -> Response | tuple[str, int]:
    """The telephone shows the right code: signed in, and the recovery codes are shown once."""
    wanted, kept = _carried()
    try:
        token, codes = sign_in_steps.set_up_confirmed(session(), runtime(), _step(), request.form.get("code", "")[:40])
    except (NotSignedIn, Conflict, Invalid, TooMany) as refused:
        session().rollback()
        return _refused(refused, "set-up", wanted, kept)
    return let_in(token, wanted, kept, codes)


def _carried() -> tuple[str, str]:
    return request.form.get("next", ""), request.form.get("kept", "")


def _step() -> str:
    return request.cookies.get(STEP, "")[:200]


def _refused(refused: CareError, kind: str, wanted: str, kept: str) -> Response | tuple[str, int]:
    if refused.code in ("step", "set-up"):
        flash(_("Sign in again: %(why)s.", why=told(refused)), "warning")
        response = redirect(url_for("dashboard.sign_in"), 303)
        response.delete_cookie(STEP, path=STEPS)
        return response
    wrong = _("Too many tries. Wait a few minutes and try again.") if isinstance(refused, TooMany) else told(refused)
    return _page(kind, _step(), wanted, kept, wrong), refused.status


def _page(kind: str, token: str, wanted: str, kept: str, wrong: str = "") -> str:
    found: SetUp | None = None
    if kind == "set-up":
        found = sign_in_steps.set_up(session(), runtime().now(), token)
    return render_template(
        "second_step.html", kind=kind, wanted=wanted, kept=kept, wrong=wrong, set_up=found, square=square(found)
    )


def _hold(response: Response, name: str, token: str, path: str, seconds: int | None) -> None:
    secure = runtime().public_url.startswith("https://")
    response.set_cookie(name, token, max_age=seconds, path=path, httponly=True, samesite="Lax", secure=secure)
