"""One's own account: a new password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Invalid, TooMany
from care.services import staff as accounts
from dashboard import blueprint
from dashboard.request import runtime, session, staff


@blueprint.get("/account")
@may("nurse", "clinician", "admin")
def account() -> str:
    """The form."""
    return render_template("account.html", wrong=None)


@blueprint.post("/account")
@may("nurse", "clinician", "admin")
def change_password() -> Response | tuple[str, int]:
    """Change it; whoever is signed in with the old one, here or elsewhere, signs in again."""
    old, new = (request.form.get(name, "")[:1001] for name in ("old", "new"))
    try:
        accounts.change_password(session(), runtime(), staff(), old, new)
    except (Invalid, TooMany) as wrong:
        session().rollback()
        return render_template("account.html", wrong=wrong), wrong.status
    flash("Your password was changed. Sign in with the new one.", "done")
    return redirect(url_for("dashboard.sign_in"))
