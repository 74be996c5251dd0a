"""One's own account: a new password, and the second step of signing in."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import CareError, Conflict, Invalid, TooMany
from care.services import second_factors
from care.services import staff as accounts
from dashboard import blueprint
from dashboard.request import runtime, session, staff
from dashboard.second_step import COOKIE
from dashboard.square import square


@blueprint.get("/account")
@may("nurse", "clinician", "admin")
def account() -> str:
    """The forms."""
    return _page()


@blueprint.post("/account")
@may("nurse", "clinician", "admin")
def change_password() -> Response | tuple[str, int]:
    """Change it; whoever is signed in with the old one, here or elsewhere, signs in again."""
    old, new = (request.form.get(name, "")[:1001] for name in ("old", "new"))
    try:
        accounts.change_password(session(), runtime(), staff(), old, new)
    except (Invalid, TooMany) as wrong:
        session().rollback()
        return _page(wrong, "password"), wrong.status
    flash(_("Your password was changed. Sign in with the new one."), "done")
    return redirect(url_for("dashboard.sign_in"))


@blueprint.post("/account/second-factor")
@may("nurse", "clinician", "admin")
def change_second_factor() -> Response | tuple[str, int]:
    """Set it up, renew its codes, or take it away; each with the password, since a screen may be open."""
    act, password = request.form.get("act", ""), request.form.get("old", "")[:1001]
    desk = session(), runtime(), staff()
    try:
        if act == "begin":
            second_factors.begin(*desk, password)
            return _set_up(None)
        if act == "confirm":
            return _codes(second_factors.confirm(*desk, request.form.get("code", "")[:40], _token()))
        if act == "codes":
            return _codes(second_factors.renew_codes(*desk, password))
        if act == "remove":
            second_factors.remove(*desk, password, _token())
            flash(_("Signing in takes your password alone again."), "done")
    except (Invalid, Conflict, TooMany) as wrong:
        session().rollback()
        if act == "confirm" and wrong.code != "nothing-begun":
            return _set_up(wrong)
        return _page(wrong, "second-factor"), wrong.status
    return redirect(url_for("dashboard.account"), 303)


def _token() -> str:
    return request.cookies.get(COOKIE, "")[:200]


def _page(wrong: CareError | None = None, about: str = "") -> str:
    standing = second_factors.standing(session(), staff())
    return render_template("account.html", wrong=wrong, about=about, standing=standing)


def _set_up(wrong: CareError | None) -> Response:
    found = second_factors.pending(session(), staff())
    page = render_template("second_factor.html", wrong=wrong, set_up=found, square=square(found))
    return make_response(page, wrong.status if wrong else 200)


def _codes(codes: list[str]) -> Response:
    onwards = url_for("dashboard.account")
    return make_response(render_template("recovery_codes.html", codes=codes, onwards=onwards, typed=None))
