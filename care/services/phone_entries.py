"""Phone entries: staff ring a patient, fill in the same form for them, and hand it in; every attempt is written down.

A task has one draft, whoever writes in it. Two who write at once are told of each other: what one keeps must have been
begun with what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import CallOutcome, Role, TaskStatus
from care.domain.people import Staff
from care.domain.questionnaire import Questionnaire, link_id_of
from care.domain.questionnaire.values import value_of
from care.errors import Conflict, Invalid, NotFound
from care.records.form_drafts import FormDraft, form_draft
from care.records.patients import Patient, patient_of
from care.records.phone_calls import PhoneCall
from care.records.practitioners import names
from care.records.related_persons import proxies
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import audits, content, forms
from care.services.form_drafts import Posted
from care.services.forms import Opened
from care.services.locks import wait_for_patient
from care.services.tellers import by_phone

LONGEST_NOTE = 4_000
FARTHEST = timedelta(days=31)  # ours: how far ahead a call may be promised
LATE = timedelta(days=2)  # ours: how long after its end a task can still be answered on the telephone
AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Entry:
    """A task's form as it stands on the telephone. `version` names the draft that it was drawn from.

    `posted` is what is known, as forms post it. `writer` wrote in it last, at `opened.saved_at`: a colleague's name, ""
    for the reader or the patient.
    """

    task: Task
    questionnaire: Questionnaire
    opened: Opened
    posted: Posted
    version: str
    writer: str


def log_call(
    session: Session,
    rt: Runtime,
    staff: Staff,
    patient_id: UUID,
    once: UUID,
    outcome: str,
    note: str = "",
    call_back_at: datetime | None = None,
) -> PhoneCall:
    """Write down that the patient was rung; commits. The same form (`once`) sent twice is one call.

    Raises NotFound, NotAllowed, Invalid (an unknown outcome, a note that is too long, a promise not ahead).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    if outcome not in list(CallOutcome):
        raise Invalid("outcome", "say what came of the call", place="outcome")
    if len(note) > LONGEST_NOTE:
        raise Invalid("too-long", f"at most {LONGEST_NOTE} characters fit here", place="note")
    if call_back_at is not None and not rt.now() < call_back_at <= rt.now() + FARTHEST:
        raise Invalid("call-back", "the next call lies ahead, within a month", place="call_back_at")
    row = _logged(session, patient, once) or _log(session, rt, staff, patient, once, outcome, note, call_back_at)
    session.commit()
    return row


def open_entry(
    session: Session, rt: Runtime, staff: Staff, patient_id: UUID, task_id: UUID, language: str | None = None
) -> Entry:
    """The form of a task as it stands: kept, begun by text, or handed in. Raises NotFound, NotAllowed, Conflict."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    return _entry(session, staff, task_id, forms.open_form(session, rt, patient, task_id, language))


def keep_entry(
    session: Session,
    rt: Runtime,
    staff: Staff,
    patient_id: UUID,
    task_id: UUID,
    posted: Posted,
    version: str,
    language: str | None = None,
) -> Entry:
    """Keep what is filled in so far; commits. Raises NotFound, NotAllowed, Invalid, Conflict: as `hand_in`."""
    patient = _mine(session, staff, patient_id, task_id, version)
    opened = forms.keep_draft(session, rt, patient, task_id, posted, language=language, author_id=staff.id)
    return _entry(session, staff, task_id, opened)


def hand_in(
    session: Session,
    rt: Runtime,
    staff: Staff,
    patient_id: UUID,
    task_id: UUID,
    posted: Posted,
    version: str,
    once: UUID,
    who: str,
) -> str:
    """The form as a report, and the call in which it was told; commits. What the patient must be told at once, or "".

    `who` answered: "patient" or the id of somebody who may answer for them. The same form (`once`) sent twice is one
    report. Raises NotFound, NotAllowed, Invalid with `errors`, Conflict (`owner`: somebody else wrote in it meanwhile;
    answered-meanwhile).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    if _logged(session, patient, once) is not None:
        return ""
    _mine(session, staff, patient_id, task_id, version)
    teller = by_phone(staff.id, _teller(session, patient, who))
    _log(session, rt, staff, patient, once, CallOutcome.REACHED, "", None, task_id)
    _, answer = forms.hand_in(session, rt, patient, task_id, posted, teller=teller)
    return str(answer.get("advice", ""))


def drawn(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, entry: Entry, posted: Posted) -> Entry:
    """The form as it would stand with what was typed, which is not kept. Raises NotFound."""
    patient = patient_of(session, staff, patient_id)
    opened = forms.draw_posted(rt, patient, entry.task, entry.questionnaire, posted, entry.opened.form["language"])
    return replace(entry, opened=opened)


def callable_tasks(session: Session, staff: Staff, patient_id: UUID, now: datetime) -> tuple[list[Task], list[Task]]:
    """(what can be answered now, what was missed lately or is due within a day): a call serves the first, then those.

    Raises NotFound.
    """
    patient_of(session, staff, patient_id)
    states = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value, TaskStatus.FAILED.value)
    found = select(Task).where(
        Task.patient_id == patient_id,
        Task.status.in_(states),
        Task.due_at <= now + AHEAD,
        Task.expires_at > now - LATE,
    )
    tasks = list(session.scalars(found.order_by(Task.due_at, Task.id)))
    first = [one for one in tasks if one.expires_at > now and (one.opens_at or one.due_at) <= now]
    others = [one for one in tasks if one not in first and (one.opens_at is None or one.opens_at <= now)]
    return first, others[::-1]


def _mine(session: Session, staff: Staff, patient_id: UUID, task_id: UUID, version: str) -> Patient:
    """The patient, waited for, if the draft is what it was. Raises NotFound, NotAllowed, Conflict."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    task = _task(session, patient.id, task_id)
    kept = form_draft(session, task_id)
    if _version(task, kept) == version:
        return patient
    if task.status == TaskStatus.COMPLETED.value and str(task.completed_at) not in version:
        raise Conflict("answered-meanwhile", "this was answered meanwhile")
    if kept is None or kept.author_id is None:
        raise Conflict("patient-writes", "the patient wrote in this form meanwhile")
    raise Conflict("somebody-writes", "a colleague wrote in this form meanwhile", owner=kept.author_id)


def _entry(session: Session, staff: Staff, task_id: UUID, opened: Opened) -> Entry:
    task = session.get_one(Task, task_id)
    form = content.questionnaire(session, task.questionnaire)
    kept = form_draft(session, task_id)
    theirs = kept.author_id if kept and kept.author_id != staff.id else None
    writer = names(session, {theirs}).get(theirs, "") if theirs else ""
    posted = kept.answers if kept and opened.saved_at else _posted(form, opened)
    return Entry(task, form, opened, posted, _version(task, kept), writer)


def _posted(form: Questionnaire, opened: Opened) -> Posted:
    """What is known without a draft (begun by text, handed in before), as a form would post it."""
    return {
        at: [one.value if one.type == "count" else value_of(form.by_id[link_id_of(at)], one) for one in given]
        for at, given in opened.answers.items()
    }


def _version(task: Task, kept: FormDraft | None) -> str:
    return f"{kept.updated_at.isoformat() if kept else ''}|{task.completed_at or ''}"


def _task(session: Session, patient_id: UUID, task_id: UUID) -> Task:
    found = select(Task).where(Task.id == task_id, Task.patient_id == patient_id)
    task = session.scalars(found.execution_options(populate_existing=True)).first()
    if task is None:
        raise NotFound("task", "no such task")
    return task


def _teller(session: Session, patient: Patient, who: str) -> str:
    """Who answered, as FHIR refers to them. Raises Invalid for somebody who may not."""
    if who == "patient":
        return f"Patient/{patient.id}"
    for proxy in proxies(session, patient.id):
        if str(proxy.id) == who and proxy.ended_at is None:
            return f"RelatedPerson/{proxy.id}"
    raise Invalid("who", "say who answered", place="who")


def _logged(session: Session, patient: Patient, once: UUID) -> PhoneCall | None:
    found = select(PhoneCall).where(PhoneCall.patient_id == patient.id, PhoneCall.once == once)
    return session.scalars(found).first()


def _log(
    session: Session,
    rt: Runtime,
    staff: Staff,
    patient: Patient,
    once: UUID,
    outcome: str,
    note: str,
    call_back_at: datetime | None,
    task_id: UUID | None = None,
) -> PhoneCall:
    row = PhoneCall(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        author_id=staff.id,
        task_id=task_id,
        outcome=str(outcome),
        call_back_at=call_back_at,
        note=note or None,
        at=rt.now(),
        once=once,
    )
    session.add(row)
    audits.record(
        session,
        rt.now(),
        "phone.entry" if task_id else "phone.call",
        "phone_call",
        row.id,
        staff=staff,
        patient_id=patient.id,
        outcome=str(outcome),
        task=str(task_id) if task_id else None,
    )
    return row
