"""Who is there: deny by default. Endpoints say by `may(...)` who may call them; one that does not answers nobody."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from flask import Flask, Response, g, redirect, render_template, request
from sqlalchemy.orm import Session

from care.access import STAFF, allowed_roles
from care.errors import NotAllowed, NotFound, NotSignedIn
from care.runtime import Runtime
from care.services import integrators, kept_words, signin
from care_api.database import db
from care_api.problems import answer, for_machines

COOKIE = "care_staff"
SIGN_IN = "/sign-in"


def register(app: Flask, rt: Runtime) -> None:
    """Before each request: g.session, g.rt, and whoever of staff, patient and integrator an endpoint asks for."""

    def admit() -> Response | None:
        g.rt, g.session, g.staff, g.patient, g.integrator = rt, db.session(), None, None, None
        if request.url_rule is None or _is_static():
            return None
        roles = roles_of(app, request.endpoint or "", request.method)
        if request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False):
            return None  # answered by Flask with the list of methods, and nothing else
        if not roles:
            raise NotAllowed("closed", "nobody may call this")
        if "developer" in roles and not app.extensions["care.settings"].care_simulator:
            raise NotFound("page", "there is no such page")
        if roles & {"anyone", "provider", "monitor", "developer"}:
            _recognise(g.session)
            return None
        if "integrator" in roles:
            g.integrator = integrators.integrator_by_key(g.session, bearer())
            return None
        if "patient" in roles:
            g.patient = signin.patient_by_token(g.session, rt.now(), bearer())
            return None
        return _admit_staff(g.session, roles)

    app.before_request(admit)


def roles_of(app: Flask, endpoint: str, method: str) -> frozenset[str]:
    """The roles that an endpoint names for this method; none if it names none."""
    return allowed_roles(app.view_functions.get(endpoint), method)


def bearer() -> str:
    """The token in the Authorization header. Raises NotSignedIn when there is none or it is malformed."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token or len(token) > 200 or not token.isascii() or not token.isprintable():
        raise NotSignedIn("token", "sign in first: Authorization: Bearer and the token")
    return token


def _admit_staff(session: Session, roles: frozenset[str]) -> Response | None:
    try:
        g.staff = signin.staff_by_token(session, g.rt.now(), _cookie())
    except NotSignedIn:
        if for_machines():
            raise
        return _to_sign_in()
    if g.staff.role.value not in roles & STAFF:
        raise NotAllowed("role", "your role may not do this")
    return None


def _recognise(session: Session) -> None:
    """Know a member of staff on a page that is for anyone; a token that is no longer good is simply nobody's."""
    if not for_machines() and COOKIE in request.cookies:
        with suppress(NotSignedIn):
            g.staff = signin.staff_by_token(session, g.rt.now(), _cookie())


def _cookie() -> str:
    token = request.cookies.get(COOKIE, "")
    if not token or len(token) > 200 or not token.isascii() or not token.isprintable():
        raise NotSignedIn("token", "sign in first")
    return token


def _to_sign_in() -> Response:
    """To the sign-in page, and back to this page afterwards if it can simply be read again."""
    if request.headers.get("HX-Request"):  # a fragment of a page must not be replaced by the sign-in page
        return answer(401, "Not signed in", "Sign in again.", {"HX-Redirect": SIGN_IN})
    if request.method not in ("GET", "HEAD"):
        return _with_what_was_typed() or redirect(SIGN_IN, 303)  # type: ignore[return-value]
    here = request.full_path.rstrip("?")
    return redirect(f"{SIGN_IN}?{urlencode({'next': here})}" if here != "/" else SIGN_IN)  # type: ignore[return-value]


def _with_what_was_typed() -> Response | None:
    """The sign-in page that carries the form which was on its way, sealed for whoever the session was of."""
    token, fields = request.cookies.get(COOKIE, "")[:200], list(request.form.items(multi=True))
    kept = kept_words.keep(g.session, g.rt.now(), token, request.path, fields) if fields else ""
    if not kept:
        return None
    return Response(render_template("sign_in.html", wanted="", wrong="", username="", kept=kept), 401)


def _is_static() -> bool:
    """Files of ours hold no patient, and need no look into the database."""
    return (request.endpoint or "").endswith((".static", ".static_file"))
