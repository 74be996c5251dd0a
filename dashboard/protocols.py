"""The protocols that patients can be put on, and who is still on an older version of one."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import Role
from care.errors import Invalid
from care.records import definitions
from care.records.protocol_drafts import open_protocol_drafts
from care.services import content
from care.services import protocols as plans
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told


@blueprint.get("/protocols")
@may("nurse", "clinician", "admin")
def protocols() -> str:
    """The newest version of each, with what a patient is asked and how often; older ones below it."""
    older: dict[str, list[definitions.Definition]] = {}
    for one in definitions.published(session(), content.PLAN):
        older.setdefault(one.url, []).insert(0, one)
    shown = [(found[0], content.plan(session(), found[0].id), found[1:]) for found in older.values()]
    drafts = {draft.url: draft for draft in open_protocol_drafts(session(), staff())}
    return render_template(
        "protocols.html",
        protocols=shown,
        drafts=drafts if staff().role != Role.NURSE else {},
        edits=staff().role != Role.NURSE,
        moves=staff().role != Role.ADMIN,
    )


@blueprint.get("/protocols/<uuid:definition_id>/move")
@may("nurse", "clinician")
def move_plans(definition_id: UUID) -> str:
    """The team's patients who are on an older version, and what changes for each of them."""
    target = plans.protocol(session(), definition_id)
    waiting = plans.on_older(session(), staff(), target)
    return render_template("protocol_move.html", target=target, waiting=waiting, chosen=set())


@blueprint.post("/protocols/<uuid:definition_id>/move")
@may("nurse", "clinician")
def moved_plans(definition_id: UUID) -> Response:
    """Move the chosen plans to this version, each from the patient's next midnight on."""
    target = plans.protocol(session(), definition_id)
    try:
        chosen = [UUID(one) for one in request.form.getlist("plan")]
        done = plans.move(session(), runtime(), staff(), target, chosen)
    except ValueError:
        flash(_("Nothing was changed: choose patients from the list."), "warning")
        return redirect(url_for("dashboard.move_plans", definition_id=definition_id), 303)
    except Invalid as wrong:
        session().rollback()
        flash(_("Nothing was changed: %(why)s.", why=told(wrong)), "warning")
        return redirect(url_for("dashboard.move_plans", definition_id=definition_id), 303)
    flash(ngettext("%(num)s plan was moved.", "%(num)s plans were moved.", done.moved), "done")
    if done.left:
        words = ngettext("%(num)s plan had ended meanwhile.", "%(num)s plans had ended meanwhile.", done.left)
        flash(words, "warning")
    return redirect(url_for("dashboard.move_plans", definition_id=definition_id), 303)
