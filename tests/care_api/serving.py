"""An application as a test wants it: our runtime, the test database, the tests' keys."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from flask import Flask
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.records.patients import Patient
from care.records.practitioners import StaffSession
from care.runtime import Runtime
from care.services import signin
from care.services.enrolment import Enrolment, enrol
from care.services.staff_sessions import hash_of
from care.settings import Settings
from care_api.app import create_app
from care_api.database import db
from tests.conftest import KEYS

PHONE = "+14155550100"
GLUCOSE = "https://care.invalid/fhir/PlanDefinition/diabetes-diary|1.0.0"


def settings(database_url: str, **other: str) -> Settings:
    """The settings of a test."""
    values = {
        "database_url": database_url,
        "secret_key": "a-key-for-tests-only-0123456789abcdef",
        "care_keys": "test:" + base64.b64encode(KEYS.keys["test"]).decode(),
        "care_token_key": base64.b64encode(KEYS.token_key).decode(),
        "public_url": "http://127.0.0.1:8000",
        "care_environment": "development",
    }
    return Settings(**(values | other))


@contextmanager
def serving(database_url: str, rt: Runtime | None, **other: str) -> Iterator[Flask]:
    """A whole application; its connections are closed afterwards."""
    app = create_app(settings(database_url, **other), rt)
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def form(**other: object) -> Enrolment:
    """A plainly invented patient."""
    values: dict[str, object] = {
        "name": "Demo Patient One",
        "birth_date": date(1960, 5, 4),
        "record_number": "T-0001",
        "language": "en",
        "time_zone": "America/New_York",
        "country": "US",
        "contacts": (("sms", PHONE, None),),
        "consent_source": "paper",
        "consent_version": "1",
    }
    return Enrolment(**(values | other))  # type: ignore[arg-type]


def enrolled(session: Session, rt: Runtime, staff: Staff, **other: object) -> Patient:
    """A patient of this nurse's team."""
    return enrol(session, rt, staff, form(**other))


def patient_token(session: Session, rt: Runtime, staff: Staff, patient: Patient, address: str = PHONE) -> str:
    """A token that the patient's app would have."""
    code = signin.issue_code(session, rt, staff, patient.id)
    return signin.exchange_code(session, rt, "sms", address, code).token


def staff_token(session: Session, rt: Runtime, staff: Staff) -> str:
    """A token in a browser of this member of staff, without the slow password."""
    token = f"token-of-{staff.id}"
    now = rt.now()
    session.add(
        StaffSession(
            practitioner_id=staff.id,
            token_hash=hash_of(token),
            created_at=now,
            expires_at=now.replace(year=now.year + 1),
        )
    )
    session.commit()
    return token
