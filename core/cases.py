"""The clinicians' pages: flagged cases, and one case with its evidence and its actions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from care.access import may
from care.domain import trend
from care.domain.codes import Outcome
from care.domain.explanation import remarks
from care.domain.measure import Measure
from care.errors import Conflict, Invalid
from care.records import communications, escalations, lists, observations, practitioners
from care.records.attachments import attachments_of
from care.records.escalations import Escalation, EscalationLink
from care.records.patients import Patient
from care.records.risk_assessments import corrected, read
from care.services import escalations as acts
from care.services.patients import open_patient
from core import blueprint
from core.evidence import Joined, bars, rules_by_reason
from core.request import runtime, session, staff

DAYS = 30
CHARTS = 3
NOTE = 4000


@blueprint.get("/")
@may("clinician", "nurse")
def cases() -> str:
    """The team's open cases in the order of the worklist, and the last that were closed."""
    found = lists.open_escalations(session(), staff())
    closed = lists.closed_escalations(session(), staff())
    both = found + closed
    return render_template(
        "core/cases.html",
        cases=found,
        closed=closed,
        counts=lists.counts(session(), staff()),
        patients=lists.patients_by_id(session(), staff(), {e.patient_id for e in both if e.patient_id}),
        owners=practitioners.names(session(), {e.owner_id for e in both if e.owner_id}),
        links=lists.link_counts(session(), {e.id for e in found}),
    )


@blueprint.get("/cases/<uuid:escalation_id>")
@may("clinician", "nurse")
def case(escalation_id: UUID) -> str:
    """Is this real, what would I do? Opening a case is opening its patient, and audited as such."""
    row = escalations.escalation_of(session(), staff(), escalation_id)
    patient = open_patient(session(), runtime(), staff(), row.patient_id) if row.patient_id else None
    joined = _joined(row)
    latest = next((j.assessment for j in reversed(joined) if j.assessment and j.assessment.contributions), None)
    stands = corrected(session(), latest) if latest else None
    said = read(stands) if stands else None
    owners = {row.owner_id} if row.owner_id else set()
    return render_template(
        "core/case.html",
        case=row,
        patient=patient,
        joined=list(reversed(joined)),
        rules=rules_by_reason(lists.rule_set_documents(session())),
        assessment=stands,
        corrected=stands is not latest,
        bars=bars(stands.contributions) if stands else [],
        remarks=remarks(said, "en") if said else [],
        owners=practitioners.names(session(), owners),
        outcomes=list(Outcome),
        days=DAYS,
        **_about(patient),
    )


def _about(patient: Patient | None) -> dict[str, Any]:
    """The charts and the conversation; nothing for a case of an unknown sender."""
    if patient is None:
        return {"charts": (), "messages": [], "contents": {}, "names": {}, "media": {}}
    now = runtime().now()
    measured = observations.series(session(), patient.id, now - timedelta(days=DAYS), now)
    messages = communications.thread(session(), patient.id, 40)
    writers = {m.practitioner_id for m in messages if m.practitioner_id}
    return {
        "charts": trend.charts([o.measure() for o in measured], patient.glucose_unit)[:CHARTS],
        "messages": messages,
        "contents": communications.contents(session(), [m.id for m in messages]),
        "media": attachments_of(session(), [m.id for m in messages]),
        "names": practitioners.names(session(), writers),
    }


def _joined(row: Escalation) -> list[Joined]:
    """Every report and text of the case with what it said, oldest first."""
    links = escalations.links(session(), row.id)
    responses = lists.responses_by_id(session(), _ids(links, "response_id"))
    messages = lists.communications_by_id(session(), _ids(links, "communication_id"))
    contents = communications.contents(session(), list(messages))
    media = attachments_of(session(), list(messages))
    assessments = lists.assessments_by_id(session(), _ids(links, "assessment_id"))
    measured: dict[UUID, list[Measure]] = {}
    for value in lists.observations_of(session(), set(responses)):
        if value.response_id:
            measured.setdefault(value.response_id, []).append(value.measure())
    return [
        Joined(
            link,
            responses.get(link.response_id) if link.response_id else None,
            measured.get(link.response_id, []) if link.response_id else [],
            messages.get(link.communication_id) if link.communication_id else None,
            contents.get(link.communication_id) if link.communication_id else None,
            assessments.get(link.assessment_id) if link.assessment_id else None,
            media.get(link.communication_id, ()) if link.communication_id else (),
        )
        for link in links
    ]


def _ids(links: list[EscalationLink], column: str) -> set[UUID]:
    return {found for link in links if (found := getattr(link, column)) is not None}


@blueprint.post("/cases/<uuid:escalation_id>/accept")
@may("clinician", "nurse")
def accept(escalation_id: UUID) -> Response:
    """Take the case."""
    try:
        acts.accept(session(), runtime(), staff(), escalation_id)
        flash("The case is yours now. Nobody else is paged while you work on it.", "done")
    except Conflict as conflict:
        name = conflict.detail.get("owner_name")
        flash(f"You did not get it: {f'{name} has this one' if name else conflict.message}.", "warning")
    return redirect(url_for("core.case", escalation_id=escalation_id))


@blueprint.post("/cases/<uuid:escalation_id>/resolve")
@may("clinician", "nurse")
def resolve(escalation_id: UUID) -> Response:
    """Close the case with what came of it: the label that the precision of alerts is measured with."""
    outcome, note = request.form.get("outcome", ""), request.form.get("note", "").strip()
    if outcome not in {o.value for o in Outcome}:
        raise Invalid("outcome", "choose what came of it", place="outcome")
    if len(note) > NOTE:
        raise Invalid("too-long", f"a note has at most {NOTE} characters", place="note")
    try:
        acts.complete(session(), runtime(), staff(), escalation_id, Outcome(outcome), note)
    except Conflict as conflict:
        flash(f"It was not closed: {conflict.message}.", "warning")
        return redirect(url_for("core.case", escalation_id=escalation_id))
    flash("The case is closed, with its outcome.", "done")
    return redirect(url_for("core.cases"))
