"""Silent patients: who has gone quiet, and why? Each cause apart, with one thing to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.domain.silence import Cause
from care.records import lists
from care.records.patients import Patient
from care.records.silent import Quiet
from care.records.silent import silent as quiet
from care.services import silences
from dashboard import blueprint
from dashboard.places import opened, sealed
from dashboard.request import runtime, session, staff, written

ROWS, FIRST = 50, 10  # of one cause, and of each beside the others
CAUSES = {
    Cause.UNDELIVERED: (
        _l("Undelivered"),
        _l("Nothing that we sent is known to have arrived: the address may be wrong, or the phone off."),
    ),
    Cause.UNREAD: (_l("Unread"), _l("Questions went out, and nothing at all came back.")),
    Cause.PARTIAL: (_l("Partial"), _l("Something came, a text or some answers, but no whole report.")),
    Cause.REFUSED: (_l("Refused"), _l("The patient told us that they do not want to answer for now.")),
    Cause.ADMITTED: (_l("Admitted"), _l("In hospital. Others look after them, and questions can wait.")),
    Cause.PAUSED: (_l("Paused"), _l("Their plans rest, so nothing is asked.")),
    Cause.OPTED_OUT: (_l("Opted out"), _l("They stopped messages: we must not write unless they agree again.")),
}


@dataclass(frozen=True)
class Line:
    """One silent patient as the page shows them."""

    quiet: Quiet
    patient: Patient


@blueprint.get("/silent")
@may("nurse", "clinician")
def silent() -> str:
    """Groups by cause; one group is shown whole, page by page, when it is asked for."""
    asked = request.args.get("cause", "")
    only = next((one for one in Cause if one.value == asked), None)
    found = quiet(session(), staff(), runtime().now())
    numbers = {cause: sum(one.cause is cause for one in found) for cause in CAUSES}
    shown: dict[Cause, list[Quiet]] = {}
    for cause in [only] if only else CAUSES:
        shown[cause] = _page([one for one in found if one.cause is cause], bool(only))
    ids = {one.patient_id for group in shown.values() for one in group}
    people = lists.patients_by_id(session(), staff(), ids)
    last = shown[only] if only else []
    behind = sealed("silent", _place(last[-1])) if len(last) == ROWS else ""
    groups = {cause: [Line(one, people[one.patient_id]) for one in group] for cause, group in shown.items()}
    return render_template("silent.html", groups=groups, numbers=numbers, only=only, causes=CAUSES, next_page=behind)


@blueprint.post("/patients/<uuid:patient_id>/silence")
@may("nurse", "clinician")
def mark_silence(patient_id: UUID) -> Response:
    """What only a person can know."""
    silences.mark(session(), runtime(), staff(), patient_id, written("cause"))
    flash(_("It is noted."), "done")
    return redirect(url_for("dashboard.silent"))


@blueprint.post("/patients/<uuid:patient_id>/silence/end")
@may("nurse", "clinician")
def end_silence(patient_id: UUID) -> Response:
    """It holds no longer."""
    silences.unmark(session(), runtime(), staff(), patient_id, written("cause"))
    flash(_("It is noted. If they stay quiet, they are listed by what is known then."), "done")
    return redirect(url_for("dashboard.silent"))


def _page(group: list[Quiet], whole: bool) -> list[Quiet]:
    """The rows behind the place that the address holds; who leaves the list meanwhile shifts nobody."""
    if not whole:
        return group[:FIRST]
    after = opened("silent", request.args.get("after", ""))
    return [one for one in group if after is None or _place(one) > after][:ROWS]


def _place(one: Quiet) -> str:
    """As text it sorts as the list does."""
    at = one.last_report.astimezone(UTC).isoformat(timespec="microseconds") if one.last_report else ""
    return f"{at}|{one.patient_id}"
