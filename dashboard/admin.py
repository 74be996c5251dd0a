"""Accounts of staff. An administrator keeps them and sees no patient."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.records import lists
from care.records.organizations import Organization
from care.records.second_factors import with_second_factor
from care.services import second_factors
from care.services import staff as accounts
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told, written


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
    flash(_("The account was added."), "done")
    return redirect(url_for("dashboard.admin"))


@blueprint.post("/admin/staff/<uuid:practitioner_id>/deactivate")
@may("admin")
def deactivate(practitioner_id: UUID) -> Response:
    """Close an account; its sessions end at once."""
    try:
        accounts.deactivate(session(), runtime(), staff(), practitioner_id)
        flash(_("The account was closed."), "done")
    except Conflict as conflict:
        flash(_("The account was not closed: %(why)s.", why=told(conflict)), "warning")
    return redirect(url_for("dashboard.admin"))


@blueprint.post("/admin/staff/<uuid:practitioner_id>/second-factor")
@may("admin")
def reset_second_factor(practitioner_id: UUID) -> Response:
    """Somebody's telephone is lost: without a second step until they set one up again."""
    try:
        second_factors.reset(session(), runtime(), staff(), practitioner_id)
        flash(_("Their second step is gone, and they are signed out."), "done")
    except Conflict as conflict:
        session().rollback()
        flash(_("Nothing was reset: %(why)s.", why=told(conflict)), "warning")
    return redirect(url_for("dashboard.admin"))


@blueprint.post("/admin/second-factor")
@may("admin")
def require_second_factor() -> Response:
    """Who must have a second step: a team, or the administrators."""
    try:
        team = UUID(written("care_team_id")) if written("care_team_id") else None
    except ValueError:
        raise Invalid("care-team", "choose a care team", place="care_team_id") from None
    second_factors.require(session(), runtime(), staff(), team, written("required") == "yes")
    flash(_("It is changed. Whoever must have one and has none is signed out, and led to set it up."), "done")
    return redirect(url_for("dashboard.admin"), 303)


def _page(wrong: Invalid | Conflict | None) -> str:
    people, teams = lists.staff_list(session(), staff()), lists.care_teams(session(), staff())
    house = session().get_one(Organization, staff().organization_id)
    musts = [("", _("Administrators"), house.second_factor)]
    return render_template(
        "admin.html",
        people=people,
        musts=musts + [(str(team.id), team.name, team.second_factor) for team in teams],
        second=with_second_factor(session(), [person.id for person, _team in people]),
        teams=teams,
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
