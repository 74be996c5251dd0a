"""Signing in and out, for all staff."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask import session as browser
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import CareError, NotAllowed, TooMany
from care.services import sign_in_steps, signin
from dashboard import blueprint
from dashboard.request import runtime, session
from dashboard.second_step import COOKIE, led_on, let_in


@blueprint.get("/sign-in")
@may("anyone")
def sign_in() -> str | Response:
    """The form."""
    if g.get("staff"):
        return redirect(url_for("dashboard.home"))
    return render_template("sign_in.html", wanted=request.args.get("next", ""), wrong="", username="", kept="")


@blueprint.post("/sign-in")
@may("anyone")
def signed_in() -> Response | tuple[str, int]:
    """Check the password; the answer never says which part was wrong."""
    form = request.form
    username, password = form.get("username", "")[:200], form.get("password", "")[:1000]
    wanted, kept = form.get("next", ""), form.get("kept", "")
    try:
        step = sign_in_steps.first_step(session(), runtime(), username, password)
    except (NotAllowed, TooMany) as refused:
        return _again(refused, username)
    return let_in(step.token, wanted, kept) if step.kind == "in" else led_on(step, wanted, kept)


def _again(refused: CareError, username: str) -> tuple[str, int]:
    wrong = _("Too many tries. Wait a few minutes and try again.") if isinstance(refused, TooMany) else ""
    wrong = wrong or _("The user name or the password is not right.")
    wanted, kept = request.form.get("next", ""), request.form.get("kept", "")
    return render_template("sign_in.html", wanted=wanted, wrong=wrong, username=username, kept=kept), refused.status


@blueprint.post("/sign-out")
@may("anyone")
def sign_out() -> Response:
    """End the session here and in the database."""
    token = request.cookies.get(COOKIE)
    if token:
        signin.staff_sign_out(session(), runtime(), token)
    browser.clear()
    response = redirect(url_for("dashboard.sign_in"))
    response.delete_cookie(COOKIE)
    return response
