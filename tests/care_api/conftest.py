"""Fixtures of the HTTP door: a served application, a patient and the token of the patient's app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from care.records.patients import Patient
from care.runtime import Runtime
from care.services import content, enrolment
from tests.care_api.serving import GLUCOSE, enrolled, patient_token, serving
from tests.conftest import Clinic


@pytest.fixture
def app(session: Session, database_url: str, rt: Runtime) -> Iterator[Flask]:
    """The whole application on the test's clock and channels."""
    with serving(database_url, rt) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser or an app."""
    return app.test_client()


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient of the first team, on the glucose diary since yesterday."""
    content.publish_seeds(session, rt.now())
    made = enrolled(session, rt, clinic.nurse)
    enrolment.start_plan(session, rt, clinic.nurse, made.id, GLUCOSE, rt.now().date())
    return made


@pytest.fixture
def bearer(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> dict[str, Any]:
    """The headers of the patient's app."""
    return {"Authorization": f"Bearer {patient_token(session, rt, clinic.nurse, patient)}"}
