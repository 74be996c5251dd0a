"""The registry: who is asked for a report, who lets a model in and ends it, and that nobody hears the shadow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.errors import AssessmentError, Conflict, Invalid, NotAllowed, NotFound
from care.records.model_versions import ModelVersion, events, versions
from care.runtime import Runtime
from care.services import models
from care.services.models import Deployed, Shipment
from tests.conftest import Clinic, Clock

MODEL = "hypoglycaemia-next-day"


def shipment(version: str = "1.0.0", **other: Any) -> Shipment:
    """A bundle in the folder."""
    values: dict[str, Any] = {"card": {"basic_info": {"name": "A model"}}, "sha256": version[0] * 64}
    return Shipment(MODEL, version, **(values | other))


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
    asked = Deployed(session).asked(MODEL, clinic.team.id)
    assert (asked.name, asked.mode) == (MODEL, "active")
    assert Deployed(session).shadows(MODEL, clinic.team.id) == ()


def test_what_comes_with_the_product_answers_by_its_hash_and_a_later_version_waits(
    session: Session, rt: Runtime, clinic: Clinic, shipped: ModelVersion
):
    assert Deployed(session).asked(MODEL, clinic.team.id).name == "1" * 64
    again = models.register_shipped(session, rt.now(), [shipment(), shipment("2.0.0")])
    assert again == {"registered": 1, "unchanged": 1, "changed": 0}
    assert [row.state for row in versions(session)] == ["active", "registered"]
    assert [one.kind for one in events(session, shipped.id)] == ["shipped"]


def test_a_byte_changed_is_another_model_that_nobody_asks(
    session: Session, rt: Runtime, clinic: Clinic, shipped: ModelVersion
):
    counts = models.register_shipped(session, rt.now(), [shipment(sha256="f" * 64)])
    assert counts["changed"] == 1
    assert Deployed(session).asked(MODEL, clinic.team.id).name == "1" * 64


def test_a_shipped_model_whose_gates_did_not_hold_is_not_in_use(session: Session, rt: Runtime, clinic: Clinic):
    models.register_shipped(session, rt.now(), [shipment(blocked=("slope",))])
    with pytest.raises(AssessmentError) as refused:
        Deployed(session).asked(MODEL, clinic.team.id)
    assert refused.value.reason == "bundle-off"


def test_once_there_is_a_registry_what_is_not_in_it_is_not_asked(
    session: Session, clinic: Clinic, shipped: ModelVersion
):
    with pytest.raises(AssessmentError) as refused:
        Deployed(session).asked("another-model", clinic.team.id)
    assert refused.value.reason == "bundle-unregistered"


def test_a_version_grows_by_two_people_and_its_canary_is_for_its_teams(
    session: Session, rt: Runtime, clinic: Clinic, newer: ModelVersion
):
    let_in(session, rt, clinic, newer, "shadow")
    assert Deployed(session).asked(MODEL, clinic.team.id).name == "1" * 64
    assert Deployed(session).shadows(MODEL, clinic.team.id) == ("2" * 64,)
    let_in_canary = [clinic.clinician, clinic.admin]
    for staff in let_in_canary:
        models.approve(session, rt, staff, newer.id, "canary", [clinic.team.id])
    here, there = (Deployed(session).asked(MODEL, team.id) for team in (clinic.team, clinic.other_team))
    assert ((here.name[0], here.mode), (there.name[0], there.mode)) == (("2", "canary"), ("1", "active"))
    assert Deployed(session).shadows(MODEL, clinic.other_team.id) == ("2" * 64,)
    for staff in let_in_canary:
        models.approve(session, rt, staff, newer.id, "active")
    assert [(row.state, row.ended) for row in versions(session)] == [("retired", "replaced"), ("active", "")]
    assert Deployed(session).asked(MODEL, clinic.other_team.id).name == "2" * 64
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
    with pytest.raises(AssessmentError) as refused:
        Deployed(session).asked(MODEL, clinic.team.id)
    assert refused.value.reason == "bundle-off"


def test_an_alarm_brings_the_version_before_back(session: Session, rt: Runtime, clinic: Clinic, newer: ModelVersion):
    let_in(session, rt, clinic, newer, "active")
    back = models.roll_back(session, rt.now(), newer.id, "observed-expected")
    session.commit()
    assert back is not None
    assert back.version == "1.0.0"
    assert Deployed(session).asked(MODEL, clinic.team.id).name == "1" * 64
    assert [(row.state, row.ended) for row in versions(session)] == [("active", ""), ("retired", "alarm")]
    assert models.roll_back(session, rt.now(), back.id, "observed-expected") is None


def test_what_was_decided_is_never_changed(session: Session, shipped: ModelVersion):
    with pytest.raises(IntegrityError, match="append-only"):
        session.execute(text("UPDATE model_event SET note = 'x'"))


def test_a_new_day_reads_the_registry_anew(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, shipped: ModelVersion
):
    before = Deployed(session)
    models.kill(session, rt, clinic.admin, shipped.id, "late")
    assert before.asked(MODEL, clinic.team.id).name == "1" * 64
    with pytest.raises(AssessmentError):
        Deployed(session).asked(MODEL, clinic.team.id)
