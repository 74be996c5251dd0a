"""The registry: who is asked for a report, who lets a model in and ends it, and that nobody hears the shadow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.model_versions import ModelVersion, events, versions
from care.records.organizations import CareTeam
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import models
from care.services.models import Deployed, Shipment
from tests.conftest import Clinic

MODEL = "hypoglycaemia-next-day"


def shipment(version: str = "1.0.0", **other: Any) -> Shipment:
    """A bundle in the folder."""
    values: dict[str, Any] = {"card": {"basic_info": {"name": "A model"}}, "sha256": version[0] * 64}
    return Shipment(MODEL, version, **(values | other))


def asked(session: Session, team: CareTeam) -> dict[str, str]:
    """The first letter of each hash that is asked for a patient of this team, with its mode."""
    found = Deployed(session).serving(MODEL, Patient(care_team_id=team.id))
    return {one.name[:1] if one.name != MODEL else one.name: one.mode for one in found}


def let_in(session: Session, rt: Runtime, clinic: Clinic, row: ModelVersion, until: str) -> None:
    """Through its states by both people."""
    for state in ("shadow", "canary", "active"):
        for staff in (clinic.clinician, clinic.admin)[: 1 if state == "shadow" else 2]:
            models.approve(session, rt, staff, row.id, state, [clinic.team.id])
        if state == until:
            return


@pytest.fixture
def shipped(session: Session, rt: Runtime, clinic: Clinic) -> ModelVersion:
    """The version that came with the product."""
    models.register_shipped(session, rt.now(), [shipment()])
    (row,) = versions(session)
    return row


@pytest.fixture
def newer(session: Session, rt: Runtime, clinic: Clinic, shipped: ModelVersion) -> ModelVersion:
    """A newer one that an administrator registered."""
    return models.register(session, rt, clinic.admin, shipment("2.0.0"))


def test_with_nothing_registered_a_bundle_answers_by_its_name(session: Session, clinic: Clinic):
    assert asked(session, clinic.team) == {MODEL: "active"}


def test_what_comes_with_the_product_answers_by_its_hash_and_a_later_version_waits(
    session: Session, rt: Runtime, clinic: Clinic, shipped: ModelVersion
):
    assert asked(session, clinic.team) == {"1": "active"}
    again = models.register_shipped(session, rt.now(), [shipment(), shipment("2.0.0")])
    assert again == {"registered": 1, "unchanged": 1, "changed": 0}
    assert [row.state for row in versions(session)] == ["active", "registered"]
    assert [one.kind for one in events(session, shipped.id)] == ["shipped"]
    assert asked(session, clinic.team) == {"1": "active"}


def test_a_byte_changed_is_another_model_that_nobody_asks(
    session: Session, rt: Runtime, clinic: Clinic, shipped: ModelVersion
):
    assert models.register_shipped(session, rt.now(), [shipment(sha256="f" * 64)])["changed"] == 1
    assert asked(session, clinic.team) == {"1": "active"}


def test_a_shipped_model_whose_gates_did_not_hold_is_not_in_use(session: Session, rt: Runtime, clinic: Clinic):
    models.register_shipped(session, rt.now(), [shipment(blocked=("slope",))])
    assert asked(session, clinic.team) == {}


def test_once_there_is_a_registry_what_is_not_in_it_is_not_asked(
    session: Session, clinic: Clinic, shipped: ModelVersion
):
    assert Deployed(session).serving("another-model", Patient(care_team_id=clinic.team.id)) == []


def test_a_version_grows_by_two_people_and_its_canary_is_for_its_teams(
    session: Session, rt: Runtime, clinic: Clinic, newer: ModelVersion
):
    let_in(session, rt, clinic, newer, "shadow")
    assert asked(session, clinic.team) == {"1": "active", "2": "shadow"}
    for staff in (clinic.clinician, clinic.admin):
        models.approve(session, rt, staff, newer.id, "canary", [clinic.team.id])
    assert asked(session, clinic.team) == {"2": "canary"}
    assert asked(session, clinic.other_team) == {"1": "active", "2": "shadow"}
    for staff in (clinic.clinician, clinic.admin):
        models.approve(session, rt, staff, newer.id, "active")
    assert [(row.state, row.ended) for row in versions(session)] == [("retired", "replaced"), ("active", "")]
    assert asked(session, clinic.other_team) == {"2": "active"}
    assert [one.kind for one in events(session, newer.id)] == ["registered", *["approved"] * 5]


def test_nobody_approves_what_is_not_theirs_to_approve(
    session: Session, rt: Runtime, clinic: Clinic, newer: ModelVersion
):
    for staff, state, error in (
        (clinic.nurse, "shadow", NotAllowed),
        (clinic.admin, "active", Conflict),
        (clinic.admin, "nonsense", Conflict),
    ):
        with pytest.raises(error):
            models.approve(session, rt, staff, newer.id, state)
    let_in(session, rt, clinic, newer, "shadow")
    with pytest.raises(Invalid):
        models.approve(session, rt, clinic.admin, newer.id, "canary", [UUID(int=5)])
    with pytest.raises(NotFound):
        models.approve(session, rt, clinic.admin, UUID(int=5), "shadow")
    with pytest.raises(NotAllowed):
        models.register(session, rt, clinic.clinician, shipment("3.0.0"))
    with pytest.raises(Conflict):
        models.register(session, rt, clinic.admin, shipment("2.0.0"))
    with pytest.raises(NotAllowed):
        models.kill(session, rt, clinic.nurse, newer.id, "I do not like it")
    with pytest.raises(Invalid):
        models.kill(session, rt, clinic.admin, newer.id, " ")


def test_one_person_ends_a_model_and_rules_alone_judge(
    session: Session, rt: Runtime, clinic: Clinic, shipped: ModelVersion
):
    models.kill(session, rt, clinic.clinician, shipped.id, "wrong for our patients")
    assert asked(session, clinic.team) == {}
    assert not Deployed(session).waits(MODEL)


def test_a_model_that_was_never_heard_waits_while_it_is_tried(session: Session, rt: Runtime, clinic: Clinic):
    row = models.register(session, rt, clinic.admin, shipment())
    assert not Deployed(session).waits(MODEL)
    models.approve(session, rt, clinic.admin, row.id, "shadow")
    assert Deployed(session).waits(MODEL)
    assert asked(session, clinic.team) == {"1": "shadow"}


def test_an_alarm_brings_the_version_before_back(session: Session, rt: Runtime, clinic: Clinic, newer: ModelVersion):
    let_in(session, rt, clinic, newer, "active")
    back = models.roll_back(session, rt.now(), newer.id, "observed-expected")
    session.commit()
    assert back is not None
    assert back.version == "1.0.0"
    assert asked(session, clinic.team) == {"1": "active"}
    assert [(row.state, row.ended) for row in versions(session)] == [("active", ""), ("retired", "alarm")]
    assert models.roll_back(session, rt.now(), back.id, "observed-expected") is None
    session.commit()
    assert asked(session, clinic.team) == {}


def test_what_was_decided_is_never_changed(session: Session, shipped: ModelVersion):
    with pytest.raises(IntegrityError, match="append-only"):
        session.execute(text("UPDATE model_event SET note = 'x'"))
