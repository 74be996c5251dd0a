"""Signing a closed case off, and taking the signature back."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.errors import Conflict, Invalid
from care.services import sign_offs as acts
from core import blueprint
from core.cases import whose
from core.request import runtime, session, staff, written


@blueprint.post("/cases/<uuid:escalation_id>/sign-off")
@may("clinician")
def sign_off(escalation_id: UUID) -> Response:
    """A clinician has reviewed the closed case."""
    try:
        acts.sign_off(session(), runtime(), staff(), escalation_id, written("note", acts.LONGEST_NOTE * 2))
        flash(_("Signed off. You can take it back for ten minutes."), "done")
    except (Conflict, Invalid) as wrong:
        return _refused(escalation_id, wrong)
    return redirect(url_for("core.case", escalation_id=escalation_id), 303)


@blueprint.post("/cases/<uuid:escalation_id>/sign-off/undo")
@may("clinician")
def take_back_sign_off(escalation_id: UUID) -> Response:
    """The signature is taken back: the case waits again."""
    try:
        acts.take_back(session(), runtime(), staff(), escalation_id)
        flash(_("Your signature is taken back. The case waits again."), "done")
    except Conflict as conflict:
        return _refused(escalation_id, conflict)
    return redirect(url_for("core.case", escalation_id=escalation_id), 303)


def _refused(escalation_id: UUID, wrong: Conflict | Invalid) -> Response:
    session().rollback()
    flash(_("Nothing was changed: %(why)s.", why=whose(wrong)), "warning")
    return redirect(url_for("core.case", escalation_id=escalation_id), 303)
