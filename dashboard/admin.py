"""Accounts of staff. An administrator keeps them and sees no patient."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.records import lists
from care.services import staff as accounts
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written


@blueprint.get("/admin")
@may("admin")
def admin() -> str:
    """Everyone of the organization."""
    return _page(None)


@blueprint.post("/admin/staff")
@may("admin")
def add_staff() -> Response | tuple[str, int]:
    """A new account, with a first password that the person changes."""
    try:
        _add()
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _page(wrong), wrong.status
    flash("The account was added.", "done")
    return redirect(url_for("dashboard.admin"))


@blueprint.post("/admin/staff/<uuid:practitioner_id>/deactivate")
@may("admin")
def deactivate(practitioner_id: UUID) -> Response:
    """Close an account; its sessions end at once."""
    try:
        accounts.deactivate(session(), runtime(), staff(), practitioner_id)
        flash("The account was closed.", "done")
    except Conflict as conflict:
        flash(f"The account was not closed: {conflict.message}.", "warning")
    return redirect(url_for("dashboard.admin"))


def _page(wrong: Invalid | Conflict | None) -> str:
    return render_template(
        "admin.html",
        people=lists.staff_list(session(), staff()),
        teams=lists.care_teams(session(), staff()),
        values=request.form,
        wrong=wrong,
    )


def _add() -> None:
    team = written("care_team_id")
    try:
        team_id = UUID(team) if team else None
    except ValueError:
        raise Invalid("care-team", "choose a care team", place="care_team_id") from None
    accounts.add_staff(
        session(),
        runtime(),
        staff(),
        username=written("username", 60),
        name=written("name", 120),
        role=written("role"),
        care_team_id=team_id,
        password=request.form.get("password", "")[:1000],
    )
