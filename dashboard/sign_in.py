"""Signing in and out, for all staff."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask import session as browser
from werkzeug.wrappers import Response

from care.access import may
from care.errors import CareError, NotAllowed, TooMany
from care.services import signin
from dashboard import blueprint
from dashboard.request import runtime, safe_path, session

COOKIE = "care_staff"


@blueprint.get("/sign-in")
@may("anyone")
def sign_in() -> str | Response:
    """The form."""
    if g.get("staff"):
        return redirect(url_for("dashboard.home"))
    return render_template("sign_in.html", wanted=request.args.get("next", ""), wrong="", username="")


@blueprint.post("/sign-in")
@may("anyone")
def signed_in() -> Response | tuple[str, int]:
    """Check the password; the answer never says which part was wrong."""
    form = request.form
    username, password = form.get("username", "")[:200], form.get("password", "")[:1000]
    try:
        token = signin.staff_sign_in(session(), runtime(), username, password)
    except (NotAllowed, TooMany) as refused:
        return _again(refused, username)
    browser.clear()  # a desk is shared: neither the form's secret nor a notice of whoever was here before stays
    response = redirect(safe_path(form.get("next", ""), url_for("dashboard.home")))
    secure = runtime().public_url.startswith("https://")
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=secure)
    return response


def _again(refused: CareError, username: str) -> tuple[str, int]:
    wrong = "Too many tries. Wait a few minutes and try again." if isinstance(refused, TooMany) else ""
    wrong = wrong or "The user name or the password is not right."
    wanted = request.form.get("next", "")
    return render_template("sign_in.html", wanted=wanted, wrong=wrong, username=username), refused.status


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
