"""Thresholds of one patient: who may set them, within what, what they change, and that nothing of it is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment
from care.domain.rules import Override
from care.errors import Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.patient_thresholds import PatientThreshold, threshold_history, thresholds_of
from care.records.risk_assessments import RiskAssessment
from care.runtime import Runtime
from care.services import content
from care.services.thresholds import Thresholds, clear_threshold, holding, set_threshold, settable
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

DIABETES = "https://care.invalid/fhir/RuleSet/diabetes"
LOW_AT_80 = Override(DIABETES, "glucose-low", "threshold", 80.0)
WHY = "Falls at night without noticing"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    made = make_world(session, rt, clock, clinic)
    made.with_model(quiet)
    return made


def quiet(*_: Any) -> Assessment:
    """A model that asks for nothing."""
    return Assessment("test-model", "ab" * 32, 0.1, "low", None, (), (), (), ())


def causes(world: World) -> list[str]:
    return [row.cause for row in world.escalations()]


def test_a_threshold_of_ones_own_counts_for_that_patient_alone(world: World) -> None:
    patient = world.patient()
    other = world.patient(phone="+12025550102")
    set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY)
    world.tell("glucose 75")
    world.tell("glucose 75", sender="+12025550102")
    assert [row.cause for row in world.escalations(patient)] == ["glucose-low"]
    assert world.escalations(other) == []
    (row,) = world.escalations(patient)
    assert row.params["threshold"] == "80"


def test_what_was_judged_names_the_numbers_that_it_was_judged_with(world: World) -> None:
    patient = world.patient()
    world.tell("glucose 75")
    set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY)
    world.tell("glucose 75")
    before, after = world.session.scalars(select(RiskAssessment).order_by(RiskAssessment.id))
    assert before.rules_sha256 != after.rules_sha256
    assert [finding["version"] for finding in after.findings] == ["1;threshold=80"]


def test_cleared_it_counts_as_reviewed_again_and_all_of_it_is_remembered(world: World) -> None:
    patient, clinician = world.patient(), world.clinic.clinician
    set_threshold(world.session, world.rt, clinician, patient.id, LOW_AT_80, WHY)
    set_at = world.clock.now
    world.clock.forward(days=1)
    clear_threshold(
        world.session, world.rt, clinician, patient.id, DIABETES, "glucose-low", "threshold", "Notices again"
    )
    world.tell("glucose 75")
    assert causes(world) == []
    history = threshold_history(world.session, patient.id)
    assert [(row.value, row.reason, row.author_id) for row in history] == [
        (None, "Notices again", clinician.id),
        (80.0, WHY, clinician.id),
    ]
    assert [row.value for row in thresholds_of(world.session, [patient.id], set_at)[patient.id]] == [80.0]
    with pytest.raises(Invalid, match="not set"):
        clear_threshold(world.session, world.rt, clinician, patient.id, DIABETES, "glucose-low", "threshold", WHY)


def test_only_a_clinician_of_the_patient_sets_one(world: World) -> None:
    patient = world.patient()
    for staff in (world.clinic.nurse, world.clinic.admin):
        with pytest.raises(NotAllowed):
            set_threshold(world.session, world.rt, staff, patient.id, LOW_AT_80, WHY)
    with pytest.raises(NotFound):
        set_threshold(world.session, world.rt, world.clinic.clinician, world.clinic.clinician.id, LOW_AT_80, WHY)
    assert world.all(PatientThreshold) == []


@pytest.mark.parametrize(
    ("wanted", "reason", "place"),
    [
        (Override(DIABETES, "glucose-low", "threshold", 101.0), WHY, "value"),
        (Override(DIABETES, "glucose-low", "threshold", 69.0), WHY, "value"),
        (Override(DIABETES, "glucose-low", "threshold", float("nan")), WHY, "value"),
        (Override(DIABETES, "glucose-very-low", "threshold", 50.0), WHY, "field"),
        (Override(DIABETES, "no-such-rule", "threshold", 80.0), WHY, "rule"),
        (Override("https://care.invalid/fhir/RuleSet/mental-health", "phq9-item-9", "threshold", 2.0), WHY, "field"),
        (LOW_AT_80, "  ", "reason"),
        (LOW_AT_80, "x" * 1_001, "reason"),
    ],
)
def test_what_may_not_be_set_is_refused(world: World, wanted: Override, reason: str, place: str) -> None:
    patient = world.patient()
    with pytest.raises(Invalid) as refused:
        set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, wanted, reason)
    assert refused.value.detail["place"] == place
    assert world.all(PatientThreshold) == []


def test_what_may_be_set_is_listed_with_what_was_set(world: World) -> None:
    patient = world.patient()
    set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY)
    listed = {(one.rule, one.field): one for one in settable(world.session, world.rt, world.clinic.nurse, patient.id)}
    low = listed["glucose-low", "threshold"]
    assert (low.reviewed, low.low, low.high) == (70.0, 70.0, 100.0)
    assert low.own is not None and low.own.value == 80.0
    assert listed["pulse-extreme", "of.1.threshold"].reviewed == 131.0
    assert ("phq9-item-9", "threshold") not in listed


def test_one_with_an_end_counts_through_its_last_day_where_the_patient_is(world: World) -> None:
    patient = world.patient(time_zone="Asia/Shanghai")  # noon UTC is eight in the evening there
    today = world.now.date()
    set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY, today)
    world.clock.forward(hours=3, minutes=59)
    world.tell("glucose 75")
    assert causes(world) == ["glucose-low"]
    world.clock.forward(minutes=1)
    assert thresholds_of(world.session, [patient.id], world.now) == {}
    listed = {(one.rule, one.field): one for one in settable(world.session, world.rt, world.clinic.nurse, patient.id)}
    assert listed["glucose-low", "threshold"].own is None
    with pytest.raises(Invalid, match="was not set"):
        clear_threshold(
            world.session, world.rt, world.clinic.clinician, patient.id, DIABETES, "glucose-low", "threshold", WHY
        )


@pytest.mark.parametrize("days", [-1, 400])
def test_an_end_lies_ahead_and_within_a_year(world: World, days: int) -> None:
    patient, until = world.patient(), world.now.date() + timedelta(days=days)
    with pytest.raises(Invalid) as refused:
        set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY, until)
    assert refused.value.detail["place"] == "until"


def test_what_holds_for_a_patient_is_their_plans_rules_and_those_that_always_do(world: World) -> None:
    patient = world.patient()
    held = [one.id for one in holding(world.session, world.clinic.nurse, patient.id)]
    assert held[0] == "diabetes"
    assert set(held[1:]) == {"mental-health", "red-flags"}
    with pytest.raises(NotFound):
        holding(world.session, world.clinic.other_nurse, patient.id)


def test_setting_one_is_audited_without_the_reason(world: World) -> None:
    patient = world.patient()
    set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY)
    (event,) = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "threshold.set"))
    assert event.detail == {"rule": "glucose-low", "field": "threshold"}


def test_a_decision_is_never_changed_by_anybody(world: World) -> None:
    patient = world.patient()
    set_threshold(world.session, world.rt, world.clinic.clinician, patient.id, LOW_AT_80, WHY)
    for statement in ("UPDATE patient_threshold SET value = 90", "DELETE FROM patient_threshold"):
        with pytest.raises(IntegrityError, match="append-only"):
            world.session.execute(text(statement))
        world.session.rollback()


def test_what_no_longer_fits_a_newer_rule_leaves_it_as_reviewed(world: World) -> None:
    patient = world.patient()
    row = PatientThreshold(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        rule_set=DIABETES,
        rule="glucose-low",
        field="threshold",
        value=20.0,
        reason=WHY,
        author_id=world.clinic.clinician.id,
        at=world.now,
    )
    world.session.add(row)
    world.session.commit()
    reviewed = content.rule_sets(world.session, ["diabetes"])
    assert Thresholds(world.session, [patient.id], world.now).applied(reviewed, patient.id) == reviewed
    world.tell("glucose 62")
    assert causes(world) == ["glucose-low"]
