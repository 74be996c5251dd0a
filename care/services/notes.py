"""Notes: what staff write down about a patient for one another. They are never changed: a later one corrects."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Invalid
from care.records.ids import new_id
from care.records.notes import Note
from care.records.patients import patient_of
from care.records.seal import seal
from care.runtime import Runtime
from care.services import audits

LONGEST = 4_000  # characters


def write_note(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, text: str, once: UUID) -> UUID:
    """Keep a note; commits. The same form (`once`) sent twice is one note, also at the same moment.

    Returns its id. Raises NotFound, NotAllowed, Invalid (empty, too long).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    words = text.strip()
    if not words or len(words) > LONGEST:
        raise Invalid("note-length", f"a note has 1 to {LONGEST} characters", place="note")
    now, note_id = rt.now(), new_id()
    row = {
        "id": note_id,
        "organization_id": patient.organization_id,
        "patient_id": patient.id,
        "author_id": staff.id,
        "text_sealed": seal(Note.__tablename__, "text_sealed", note_id, words),
        "at": now,
        "once": once,
    }
    kept = insert(Note).values(row).on_conflict_do_nothing(index_elements=["patient_id", "once"]).returning(Note.id)
    if session.scalar(kept) is None:
        session.rollback()
        return session.scalars(select(Note.id).where(Note.patient_id == patient_id, Note.once == once)).one()
    audits.record(session, now, "note.write", "note", note_id, staff=staff, patient_id=patient_id, count=len(words))
    session.commit()
    return note_id
