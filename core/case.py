"""Everything that the page of one case shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import current_app, request

from care.domain import trend
from care.domain.codes import Outcome, Priority
from care.domain.explanation import band_change, gaps, instead, news, silence
from care.domain.measure import Measure
from care.domain.undo import WITHIN, read_act, undone
from care.errors import Conflict
from care.records import case_evidence, communications, escalations, lists, observations, practitioners
from care.records.attachments import attachments_of
from care.records.escalations import Escalation, EscalationLink
from care.records.patients import Patient
from care.records.risk_assessments import RiskAssessment, corrected, read
from care.records.visit_requests import visits_of
from care.services import sign_offs, visits
from care.services.patients import open_patient
from core.deeds import deeds
from core.evidence import Joined, bars, compared, fired
from core.request import language, runtime, session, staff
from core.trajectory import model_name, tracks

SPANS = (30, 90, 365)  # days
CHARTS = 12
TALK = 20
# Pages of another door, linked where they are.
THRESHOLDS = ("dashboard.patient_thresholds", "dashboard.thresholds")
AUDIT = "dashboard.case_audit"
LOWEST = "low"  # what every bundle calls its first band


def page(row: Escalation) -> dict[str, Any]:
    """What the template of a case is given. Opens its patient, which is audited. Raises NotFound."""
    patient = open_patient(session(), runtime(), staff(), row.patient_id) if row.patient_id else None
    joined = _joined(row)
    now = runtime().now()
    who = {one for one in (row.owner_id, row.offered_to_id, row.signed_off_by_id) if one}
    signed = row.signed_off_at
    return {
        "case": row,
        "patient": patient,
        "joined": list(reversed(joined)),
        "fired": fired(row, joined, lists.rule_set_documents(session())),
        "owners": practitioners.names(session(), who),
        "outcomes": list(Outcome),
        "deeds": deeds(session(), row),
        "priorities": [one.value for one in reversed(Priority)],
        "may_take_back": signed and row.signed_off_by_id == staff().id and now <= signed + sign_offs.REGRET,
        "thresholds": next((one for one in THRESHOLDS if one in current_app.view_functions), None),
        "audit": AUDIT in current_app.view_functions,
        "undoable_cases": undoable([row]),
        **_model(joined),
        **_about(row, patient, joined),
    }


def undoable(rows: Sequence[Escalation]) -> set[UUID]:
    """The cases whose last act is the reader's own and can still be taken back."""
    found, now = set(), runtime().now()
    for row in rows:
        act = read_act(row.last_act) if row.last_act else None
        if act is None or now - act.at > WITHIN:
            continue
        try:
            undone(act, row.state, str(staff().id), now)
        except Conflict:
            continue
        found.add(row.id)
    return found


def _model(joined: list[Joined]) -> dict[str, Any]:
    """What the model said of the newest report that it judged, as it stands after corrections."""
    latest = next((one.assessment for one in reversed(joined) if one.assessment and one.assessment.bundle_id), None)
    stands = corrected(session(), latest) if latest else None
    said = read(stands) if stands else None
    version = _version(stands) if stands else None
    tongue = language()
    found: dict[str, Any] = {
        "assessment": stands,
        "corrected": stands is not latest,
        "version": version,
        "bars": [],
        "said": said,
    }
    if stands is None:
        return found
    found |= {"model_name": model_name(stands.bundle_id, version)}
    if said is None:
        return found | {"silence": silence(stands.reason or "", tongue)}
    return found | {
        "bars": bars(stands.contributions, tongue),
        "instead": instead(said, tongue),
        "band": band_change(said, tongue),
        "lowest": said.band == LOWEST,
        "gaps": gaps(said, tongue),
        "news": news(said, tongue),
    }


def _version(stands: RiskAssessment) -> Any:
    return case_evidence.model_versions(session(), [stands.bundle_sha256]).get(stands.bundle_sha256)


def _about(row: Escalation, patient: Patient | None, joined: list[Joined]) -> dict[str, Any]:
    """The charts, the conversation and the visits; nothing for a case of an unknown sender."""
    days = span()
    nothing: dict[str, Any] = {"messages": [], "contents": {}, "names": {}, "media": {}, "visits": [], "compared": []}
    if patient is None:
        return nothing | {"charts": (), "tracks": [], "days": days, "spans": SPANS}
    now = runtime().now()
    measured = observations.series(session(), patient.id, now - timedelta(days=days), now)
    messages = communications.thread(session(), patient.id, TALK)
    asked = visits_of(session(), staff(), patient.id, [row.id])
    people = {one.practitioner_id for one in messages if one.practitioner_id}
    people |= {one for visit in asked for one in (visit.requester_id, visit.ended_by_id) if one}
    regretted = [one.id for one in asked if visits.regrettable(one, staff(), now)]
    return {
        "charts": trend.charts([one.measure() for one in measured], patient.glucose_unit)[:CHARTS],
        "tracks": tracks(session(), patient.id, now, days, language()),
        "messages": messages,
        "contents": communications.contents(session(), [one.id for one in messages]),
        "media": attachments_of(session(), [one.id for one in messages]),
        "names": practitioners.names(session(), people),
        "visits": asked,
        "regretted": regretted,
        "compared": _compared(patient.id, joined),
        "days": days,
        "spans": SPANS,
    }


def span() -> int:
    """How many days the charts reach back: one of SPANS."""
    wanted = request.args.get("days", "")
    return int(wanted) if wanted in {str(days) for days in SPANS} else SPANS[0]


def _compared(patient_id: UUID, joined: list[Joined]) -> list[Any]:
    newest = next((one for one in reversed(joined) if one.measures), None)
    if newest is None:
        return []
    at = min(one.at for one in newest.measures)
    before = case_evidence.last_values(session(), patient_id, at, {one.code for one in newest.measures})
    return compared(newest.measures, {code: row.measure() for code, row in before.items()})


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
