"""Rotation: everything is sealed with the new key, nothing is lost on the way, and it can be interrupted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.records.base import Base
from care.records.communications import CommunicationContent
from care.records.patients import ContactPoint, Patient
from care.records.seal import Keyring, install, key_of
from care.runtime import Runtime
from care.services import enrolment, keys, outbox
from tests.conftest import KEYS, Clinic
from tests.services.test_enrolment import FORM

NEW = bytes(range(100, 132))


@pytest.fixture
def rotated() -> Iterator[None]:
    """The process has a new key in front of the old one, as after a restart with other settings."""
    yield install(Keyring({"new": NEW, **KEYS.keys}, KEYS.token_key))
    install(KEYS)


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient with a phone and a message, sealed with the old key."""
    found = enrolment.enrol(session, rt, clinic.nurse, FORM)
    for number in range(7):
        outbox.enqueue(
            session, rt.now(), purpose=Purpose.REPLY, text=f"Text {number}", dedupe=str(number), patient=found
        )
    session.commit()
    return found


def test_every_sealed_column_is_known() -> None:
    found = {(model.__tablename__, column) for model, column in keys.sealed_columns()}
    assert {
        ("patient", "identity_sealed"),
        ("contact_point", "address_sealed"),
        ("contact_point", "label_sealed"),
        ("communication_content", "text_sealed"),
        ("questionnaire_response", "document_sealed"),
        ("conversation", "state_sealed"),
        ("escalation", "note_sealed"),
        ("practitioner", "page_address_sealed"),
        ("idempotency_key", "answer_sealed"),
    } <= found
    columns = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert columns == found


def test_after_rotation_the_old_key_is_not_needed(session: Session, patient: Patient, rotated: None) -> None:
    counts = keys.rotate(session, batch=3)
    assert (counts["patient"], counts["contact_point"], counts["communication_content"]) == (1, 1, 14)
    assert keys.UNREADABLE not in counts
    install(Keyring({"new": NEW}, KEYS.token_key))
    session.expire_all()
    assert session.get_one(Patient, patient.id).name == "Demo Patient One"
    assert session.scalars(select(ContactPoint)).one().address == "+12025550101"
    assert {one.text for one in session.scalars(select(CommunicationContent))} == {f"Text {n}" for n in range(7)}


def test_what_is_done_is_not_done_again(session: Session, patient: Patient, rotated: None) -> None:
    keys.rotate(session)
    assert sum(keys.rotate(session).values()) == 0


def test_an_interrupted_rotation_goes_on(session: Session, patient: Patient, rotated: None) -> None:
    patient.identity = patient.identity  # one value carries the new key already
    session.commit()
    assert key_of(patient.identity_sealed) == "new"
    assert keys.rotate(session)["patient"] == 0


def test_a_value_that_does_not_open_is_counted_and_left(session: Session, patient: Patient, rotated: None) -> None:
    broken = b"\x04test" + b"0" * 40
    session.execute(update(ContactPoint).values(address_sealed=broken))
    session.commit()
    counts = keys.rotate(session)
    assert (counts[keys.UNREADABLE], counts["patient"]) == (1, 1)
    assert session.execute(select(ContactPoint.address_sealed)).scalar_one() == broken
