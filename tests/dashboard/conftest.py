"""Fixtures of the pages: the whole application and a ward."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from care.runtime import Runtime
from tests.care_api.serving import serving
from tests.conftest import Clinic, Clock
from tests.dashboard.ward import Ward, furnish, sign_in, today
from tests.services.world import make_world


@pytest.fixture
def app(session: Session, database_url: str, rt: Runtime) -> Iterator[Flask]:
    """The whole application on the test's clock and channels."""
    with serving(database_url, rt) as made:
        yield made


@pytest.fixture
def ward(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> Ward:
    """The ward on an ordinary day."""
    made = furnish(make_world(session, rt, clock, clinic))
    today(made)
    return made


@pytest.fixture
def nurse(app: Flask, ward: Ward) -> FlaskClient:
    """A nurse who is signed in."""
    client = app.test_client()
    sign_in(client, ward.world, ward.world.clinic.nurse)
    return client


@pytest.fixture
def clinician(app: Flask, ward: Ward) -> FlaskClient:
    """A clinician who is signed in."""
    client = app.test_client()
    sign_in(client, ward.world, ward.world.clinic.clinician)
    return client


@pytest.fixture
def stranger(app: Flask, ward: Ward) -> FlaskClient:
    """A nurse of another team who is signed in."""
    client = app.test_client()
    sign_in(client, ward.world, ward.world.clinic.other_nurse)
    return client


@pytest.fixture
def admin(app: Flask, ward: Ward) -> FlaskClient:
    """An administrator who is signed in."""
    client = app.test_client()
    sign_in(client, ward.world, ward.world.clinic.admin)
    return client
