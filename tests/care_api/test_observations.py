"""Values from a laboratory: taken once, corrected, withdrawn, refused one by one; judged like a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.errors import NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.escalations import Escalation
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse
from care.runtime import Runtime
from care.services import content, reports
from care.services.integrators import add_integrator, revoke_integrator
from tests.care_api.serving import enrolled
from tests.conftest import Clinic
from tests.domain.test_observation import coded, observation, quantity

WHERE = "/api/v1/observations"


@pytest.fixture
def key(session: Session, rt: Runtime, clinic: Clinic) -> dict[str, str]:
    """The headers of the hospital's laboratory."""
    content.publish_seeds(session, rt.now())
    return {"Authorization": f"Bearer {add_integrator(session, rt, clinic.admin, 'Laboratory')[1]}"}


def kept(session: Session) -> list[Observation]:
    """Every value there is, in order."""
    session.expire_all()
    return list(session.scalars(select(Observation).order_by(Observation.recorded_at, Observation.id)))


def glucose(value: float, **other: Any) -> dict[str, Any]:
    """A glucose of the laboratory."""
    return observation(code=coded("2339-0"), valueQuantity=quantity(value=value), **other)


def test_a_value_is_kept_once_and_waits_to_be_judged(
    session: Session, client: FlaskClient, patient: Patient, key: dict[str, str]
):
    first = client.post(WHERE, json=observation(), headers=key)
    again = client.post(WHERE, json=observation(), headers=key)
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert (first.json["result"], again.json["result"]) == ("created", "unchanged")
    assert first.json["ids"] == again.json["ids"]
    (row,) = kept(session)
    assert (row.patient_id, row.code, row.value, row.unit, row.source) == (
        patient.id,
        "2160-0",
        1.4,
        "mg/dL",
        "integrator",
    )
    (report,) = session.scalars(select(QuestionnaireResponse))
    assert (report.id, report.questionnaire, report.authored_at) == (row.response_id, MEASUREMENTS, row.at)
    assert report.score_at is not None


def test_a_low_glucose_of_the_laboratory_is_on_the_worklist(
    session: Session, client: FlaskClient, rt: Runtime, patient: Patient, key: dict[str, str]
):
    body = glucose(2.4) | {"valueQuantity": quantity(value=2.4, code="mmol/L")}
    assert client.post(WHERE, json=body, headers=key).status_code == 201
    reports.score_due(session, rt, rt.now())
    assert "glucose-low" in set(session.scalars(select(Escalation.cause)))
    (row,) = kept(session)
    assert (row.value, row.unit) == (pytest.approx(43.2437), "mg/dL")


def test_a_value_of_a_patient_without_a_plan_raises_no_doubt(
    session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic, key: dict[str, str]
):
    enrolled(session, rt, clinic.nurse)
    assert client.post(WHERE, json=observation(), headers=key).status_code == 201
    assert reports.score_due(session, rt, rt.now()).done == 1
    assert session.scalars(select(Escalation)).all() == []


def test_a_correction_supersedes_and_nothing_goes_back(
    session: Session, client: FlaskClient, patient: Patient, key: dict[str, str]
):
    def send(status: str, value: float) -> Any:
        return client.post(WHERE, json=observation(status=status, valueQuantity=quantity(value=value)), headers=key)

    assert send("preliminary", 1.1).json["result"] == "created"
    assert send("final", 1.2).json["result"] == "corrected"
    assert send("final", 1.3).status_code == 409
    assert send("amended", 1.3).json["result"] == "corrected"
    assert send("final", 1.2).json["result"] == "unchanged"
    assert send("preliminary", 1.1).json["result"] == "unchanged"
    rows = kept(session)
    assert [(row.value, row.superseded) for row in rows] == [(1.1, True), (1.2, True), (1.3, False)]
    assert [row.supersedes_id for row in rows] == [None, rows[0].id, rows[1].id]
    made = session.scalars(select(QuestionnaireResponse).order_by(QuestionnaireResponse.id)).all()
    assert [row.status for row in made] == ["amended", "amended", "completed"]
    assert [row.supersedes_id for row in made] == [None, made[0].id, made[1].id]


def test_what_was_entered_in_error_stops_counting_and_is_not_judged(
    session: Session, client: FlaskClient, rt: Runtime, patient: Patient, key: dict[str, str]
):
    client.post(WHERE, json=glucose(40), headers=key)
    wrong = glucose(40, status="entered-in-error")
    assert client.post(WHERE, json=wrong, headers=key).json["result"] == "withdrawn"
    assert client.post(WHERE, json=wrong, headers=key).json["result"] == "unchanged"
    assert client.post(WHERE, json=glucose(40), headers=key).status_code == 409
    assert client.post(WHERE, json=glucose(50, status="corrected"), headers=key).json["result"] == "corrected"
    rows = kept(session)
    assert [(row.value, row.superseded, row.status) for row in rows] == [
        (40, True, "entered-in-error"),
        (50, False, "corrected"),
    ]


def test_bad_entries_are_refused_one_by_one_and_the_good_ones_are_kept(
    session: Session, client: FlaskClient, patient: Patient, key: dict[str, str]
):
    named = [{"system": "urn:lab", "value": "B"}]
    entries = [
        observation(),
        observation(identifier=named, code=coded("2160-1")),
        observation(identifier=named, subject={"identifier": {"value": "nobody's"}}),
        observation(status="final", valueQuantity=quantity(value=9)),
        5,
        observation(identifier=None),
        observation(identifier=named, status="entered-in-error"),
        glucose(100, identifier=[{"system": "urn:lab", "value": "C"}]),
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": one} for one in entries]}
    found = client.post(WHERE, json=bundle, headers=key)
    assert found.status_code == 200
    told = [one["response"] for one in found.json["entry"]]
    assert [one["status"] for one in told] == ["201", "422", "404", "409", "422", "422", "422", "201"]
    codes = [one["outcome"]["issue"][0]["details"]["coding"][0]["code"] for one in told if "outcome" in one]
    assert codes == [
        "code",
        "unknown-patient",
        "identifier-used",
        "not-an-observation",
        "no-identifier",
        *["unknown-observation"],
    ]
    assert [row.code for row in kept(session)] == ["2160-0", "2339-0"]
    assert client.post(WHERE, json=bundle, headers=key).json["entry"][0]["response"]["status"] == "200"
    assert len(kept(session)) == 2


def test_without_an_identifier_a_key_makes_a_request_one(
    session: Session, client: FlaskClient, patient: Patient, key: dict[str, str]
):
    once = {**key, "Idempotency-Key": "run-1"}
    body = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": observation(identifier=None)}, {"resource": glucose(90, identifier=None)}],
    }
    for _ in range(2):
        assert client.post(WHERE, json=body, headers=once).status_code == 200
    assert len(kept(session)) == 2
    other = client.post(WHERE, json=observation(identifier=None, valueQuantity=quantity(value=2)), headers=once)
    assert other.status_code == 409


def test_history_is_kept_and_raises_nothing(
    session: Session, client: FlaskClient, rt: Runtime, patient: Patient, key: dict[str, str]
):
    old = glucose(40, effectiveDateTime="2026-02-20T10:00:00Z")
    assert client.post(WHERE, json=old, headers=key).status_code == 201
    assert kept(session)[0].response_id is None
    assert session.scalars(select(QuestionnaireResponse)).all() == []


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "entry": [{}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{}]},
        {"resourceType": "Bundle", "type": "batch"},
        {"resourceType": "Bundle", "type": "batch", "entry": []},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {}}] * 501},
        {"resourceType": "Bundle", "type": "batch", "entry": [5]},
        {"resourceType": "Patient"},
        {"resourceType": "Observation"},
        {},
        [],
    ],
)
def test_what_is_no_observation_is_told_so(session: Session, client: FlaskClient, key: dict[str, str], body: Any):
    found = client.post(WHERE, json=body, headers=key)
    assert (found.status_code, found.content_type) == (422, "application/problem+json")
    assert kept(session) == []


def test_only_an_integrators_own_key_opens_the_door(
    session: Session,
    client: FlaskClient,
    rt: Runtime,
    clinic: Clinic,
    patient: Patient,
    bearer: dict[str, str],
):
    row, good = add_integrator(session, rt, clinic.admin, "Devices")
    headers = {"Authorization": f"Bearer {good}"}
    assert bytes(row.key_hash) != good.encode()
    assert client.post(WHERE, json=observation()).status_code == 401
    assert client.post(WHERE, json=observation(), headers=bearer).status_code == 401
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    assert client.post(WHERE, json=observation(), headers=headers).status_code == 201
    revoke_integrator(session, rt, clinic.admin, row.id)
    assert client.post(WHERE, json=observation(), headers=headers).status_code == 401
    actions = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.at, AuditEvent.id)))
    assert {"integrator.add", "observation.receive", "integrator.revoke"} <= set(actions)


def test_only_an_administrator_gives_out_keys_and_takes_them_back(session: Session, rt: Runtime, clinic: Clinic):
    with pytest.raises(NotAllowed):
        add_integrator(session, rt, clinic.nurse, "Mine")
    row, _ = add_integrator(session, rt, clinic.admin, "Devices")
    with pytest.raises(NotAllowed):
        revoke_integrator(session, rt, clinic.clinician, row.id)
    with pytest.raises(NotFound):
        revoke_integrator(session, rt, clinic.admin, clinic.admin.id)


def test_neither_the_record_number_nor_the_value_gets_into_the_logs(
    client: FlaskClient,
    patient: Patient,
    key: dict[str, str],
    no_patient_data_in_logs: Callable[[str], str],
):
    number, value = no_patient_data_in_logs("T-0001"), float(no_patient_data_in_logs("7234.5"))
    body = observation(subject={"identifier": {"value": number}}, valueQuantity=quantity(value=value))
    assert client.post(WHERE, json=body, headers=key).status_code == 201
    assert client.post(WHERE, json=body | {"status": "?"}, headers=key).status_code == 422


def test_a_patients_list_of_reports_has_only_what_the_patient_reported(
    client: FlaskClient, patient: Patient, key: dict[str, str], bearer: dict[str, str]
):
    client.post(WHERE, json=observation(), headers=key)
    assert client.get("/api/v1/me/reports", headers=bearer).json["reports"] == []
