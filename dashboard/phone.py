"""The telephone: ring a patient, write down what came of it, and fill in the same form for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import CallOutcome
from care.errors import CareError, Conflict, Invalid
from care.records import practitioners
from care.records.patients import Patient, contact_points, patient_of
from care.records.phone_calls import phone_calls, promised_calls
from care.records.related_persons import proxies
from care.services import patients, phone_entries
from care.services.own_reports import title_of
from care.services.phone_entries import Entry
from dashboard import blueprint
from dashboard.form_face import written_in
from dashboard.request import language, runtime, session, staff, told, written
from dashboard.words import LANGUAGES


@blueprint.get("/calls")
@may("nurse", "clinician")
def promised() -> str:
    """Whom did we say we would ring?"""
    rows = promised_calls(session(), staff())
    names = practitioners.names(session(), {call.author_id for call, _patient in rows})
    return render_template("calls.html", rows=rows, names=names, outcomes=_outcomes())


@blueprint.get("/patients/<uuid:patient_id>/phone")
@may("nurse", "clinician")
def phone(patient_id: UUID) -> str:
    """Which number, what should be asked, and what came of the calls before?"""
    return _page(patients.open_patient(session(), runtime(), staff(), patient_id), None)


@blueprint.post("/patients/<uuid:patient_id>/phone")
@may("nurse", "clinician")
def called(patient_id: UUID) -> Response | tuple[str, int]:
    """Write down what came of a call."""
    patient = patient_of(session(), staff(), patient_id)
    try:
        back, note = _moment(patient.time_zone), written("note", phone_entries.LONGEST_NOTE)
        once, outcome = _once(), written("outcome")
        phone_entries.log_call(session(), runtime(), staff(), patient_id, once, outcome, note, back)
    except Invalid as wrong:
        session().rollback()
        return _page(patient, wrong), wrong.status
    flash(_("The call is written down."), "done")
    reached = outcome == CallOutcome.REACHED
    return redirect(url_for("dashboard.phone", patient_id=patient_id) + ("#tasks" if reached else "#calls"), 303)


@blueprint.get("/patients/<uuid:patient_id>/phone/<uuid:task_id>")
@may("nurse", "clinician")
def phone_entry(patient_id: UUID, task_id: UUID) -> str | Response:
    """The patient's form, to be filled in for them."""
    patient = patients.open_patient(session(), runtime(), staff(), patient_id)
    try:
        entry = phone_entries.open_entry(session(), runtime(), staff(), patient_id, task_id, _spoken(patient))
    except Conflict as conflict:
        flash(_("This form cannot be filled in: %(why)s.", why=told(conflict)), "warning")
        return redirect(url_for("dashboard.phone", patient_id=patient_id), 303)
    return _form(patient, entry, None)


@blueprint.post("/patients/<uuid:patient_id>/phone/<uuid:task_id>")
@may("nurse", "clinician")
def phone_entered(patient_id: UUID, task_id: UUID) -> Response | str | tuple[str, int]:
    """Keep what is filled in, or hand it in. What was typed is on the page again whatever came of it."""
    patient = patient_of(session(), staff(), patient_id)
    spoken, version = _spoken(patient), request.form.get("version", "")[:100]
    entry = phone_entries.open_entry(session(), runtime(), staff(), patient_id, task_id, spoken)
    act, _sep, rest = request.form.get("act", "").partition(":")
    posted = written_in(entry.questionnaire, entry.posted, request.form, act, rest)
    if act == "over":  # she has seen that somebody else wrote in it, and goes on with what is on her page
        version = entry.version
    desk = session(), runtime(), staff(), patient_id, task_id
    try:
        if act != "send":
            return _form(patient, phone_entries.keep_entry(*desk, posted, version, spoken), None)
        advice = phone_entries.hand_in(*desk, posted, version, _once(), written("who"))
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _refused(patient, entry, posted, version, wrong), wrong.status
    if advice:
        flash(_("There are words of danger in it. Say this now: %(advice)s", advice=advice), "warning")
    flash(_("The answers are kept, and are being judged. No reminder for them is sent any more."), "done")
    return redirect(url_for("dashboard.phone", patient_id=patient_id), 303)


def _refused(patient: Patient, entry: Entry, posted: Mapping[str, Any], version: str, wrong: CareError) -> str:
    """The page with what was typed. What is only unfinished is kept; what meets somebody else's words is not."""
    if isinstance(wrong, Invalid):
        desk = session(), runtime(), staff(), patient.id, entry.task.id
        entry = phone_entries.keep_entry(*desk, posted, version, entry.opened.form["language"])
        return _form(patient, entry, wrong)
    drawn = phone_entries.drawn(session(), runtime(), staff(), patient.id, entry, posted)
    return _form(patient, drawn, wrong, version)


def _form(patient: Patient, entry: Entry, wrong: CareError | None, version: str | None = None) -> str:
    part = request.headers.get("X-Part") == "phone"
    face = entry.opened.form
    _as_typed(face, entry.opened.unread)
    owner = wrong.detail.get("owner") if wrong else None
    missing = wrong.detail.get("errors", ()) if isinstance(wrong, Invalid) else ()
    for node in _nodes(face["items"]):
        fresh = [one for one in missing if one["place"] == node["place"]]  # type: ignore[attr-defined]
        known = {one["code"] for one in node.get("problems", ())}
        node["problems"] = [*node.get("problems", ()), *(one for one in fresh if one["code"] not in known)]
    return render_template(
        "parts/phone_form.html" if part else "phone_form.html",
        patient=patient,
        entry=entry,
        face=face,
        version=entry.version if version is None else version,
        wrong=wrong,
        owner=practitioners.names(session(), {owner}).get(owner) if isinstance(owner, UUID) else None,
        advice=entry.opened.advice,
        tellers=[one for one in proxies(session(), patient.id) if one.ended_at is None],
        who=request.form.get("who", ""),
        once=request.form.get("once") or uuid4(),
        relations=relations(),
        languages=LANGUAGES,
        by_phone=True,
    )


def _page(patient: Patient, wrong: Invalid | None) -> str:
    now, db = runtime().now(), session()
    first, others = phone_entries.callable_tasks(db, staff(), patient.id, now)
    calls = phone_calls(db, patient.id)
    return render_template(
        "phone.html",
        patient=patient,
        numbers=[one for one in contact_points(db, patient.id) if (one.address or "").startswith("+")],
        first=first,
        others=others,
        titles={task.id: title_of(db, task.questionnaire, language()) for task in (*first, *others)},
        calls=calls,
        names=practitioners.names(db, {call.author_id for call in calls}),
        outcomes=_outcomes(),
        wrong=wrong,
        values=request.form,
        once=request.form.get("once") or uuid4(),
        tellers=[one for one in proxies(db, patient.id) if one.ended_at is None],
        relations=relations(),
    )


def _outcomes() -> dict[str, str]:
    return {
        "reached": _("Reached"),
        "no-answer": _("No answer"),
        "engaged": _("Engaged"),
        "somebody-else": _("Somebody else answered"),
        "wrong-number": _("Wrong number"),
    }


def relations() -> dict[str, str]:
    """What somebody who answers for a patient is to them."""
    return {
        "spouse": _("husband or wife"),
        "child": _("child"),
        "parent": _("parent"),
        "sibling": _("brother or sister"),
        "relative": _("relative"),
        "friend": _("friend"),
        "carer": _("carer"),
        "guardian": _("guardian"),
    }


def _spoken(patient: Patient) -> str:
    """The language in which the form is drawn: the one that was chosen, else the patient's."""
    _act, _sep, chosen = request.form.get("act", "").partition("speak:")
    wanted = chosen or request.form.get("language", "")
    return wanted if wanted in LANGUAGES else patient.language


def _once() -> UUID:
    try:
        return UUID(written("once", 40))
    except ValueError:
        raise Invalid("once", "open the page anew and write it again", place="once") from None


def _moment(zone: str) -> datetime | None:
    """When to ring again, by the patient's clock; None where nothing is said."""
    said = written("call_back_at", 40)
    if not said:
        return None
    try:
        return datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise Invalid("call-back", "write the day and the time", place="call_back_at") from None


def _as_typed(face: Mapping[str, Any], unread: Mapping[str, list[Any]]) -> None:
    """What cannot be read stands in its field as it was typed, to be mended."""
    for node in _nodes(face["items"]):
        if node["place"] in unread:
            node["values"] = [
                {"valueQuantity": one} if isinstance(one, Mapping) else {"valueString": str(one)}
                for one in unread[node["place"]]
            ]


def _nodes(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in items:
        yield node
        yield from _nodes(node.get("items", []))
        for each in node.get("instances", ()):
            yield from _nodes(each["items"])
