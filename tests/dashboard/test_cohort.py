from __future__ import annotations

import csv
import io

from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.records.lists import Cohort
from dashboard.cohort import to_csv
from tests.dashboard.ward import Ward


def _rows(answer: str) -> dict[str, dict[str, str]]:
    return {row["patient_id"]: row for row in csv.DictReader(io.StringIO(answer))}


def test_the_file_has_one_line_a_patient_with_what_was_measured(nurse: FlaskClient, ward: Ward):
    answer = nurse.post("/cohort.csv", data={"since": "2026-02-01", "until": "2026-03-02"})
    rows = _rows(answer.text)
    assert set(rows) == {str(p.id) for p in (ward.one, ward.two, ward.three)}
    one, two = rows[str(ward.one.id)], rows[str(ward.two.id)]
    assert (one["glucose_n"], one["glucose_below_70"], one["glucose_below_54"]) == ("25", "1", "1")
    assert (two["glucose_n"], two["weight_n"], two["weight_last_kg"]) == ("0", "12", "73.70")
    assert (one["protocol"], one["plan_status"]) == ("diabetes-diary", "active")


def test_the_file_names_nobody_and_its_making_is_audited(nurse: FlaskClient, ward: Ward):
    answer = nurse.post("/cohort.csv", data={"since": "2026-02-01", "until": "2026-03-02"})
    for word in ("Demo", "病人", "2025550101", "reminder"):
        assert word not in answer.text
    seen = ward.world.session.scalars(select(AuditEvent).where(AuditEvent.action == "cohort.export")).all()
    assert [event.detail["patients"] for event in seen] == [3]


def test_another_team_gets_a_file_without_a_line(stranger: FlaskClient, ward: Ward):
    answer = stranger.post("/cohort.csv", data={"since": "2026-02-01", "until": "2026-03-02"})
    assert answer.status_code == 200
    assert _rows(answer.text) == {}


def test_a_period_that_ends_before_it_begins_is_refused(nurse: FlaskClient, ward: Ward):
    assert nurse.post("/cohort.csv", data={"since": "2026-03-02", "until": "2026-02-01"}).status_code == 422
    assert nurse.post("/cohort.csv", data={"since": "yesterday", "until": "2026-02-01"}).status_code == 422


def test_a_cohort_of_nobody_is_a_header():
    assert to_csv(Cohort([], [], [], [], [])).startswith("patient_id,language")


def test_a_year_out_of_reach_is_refused(nurse: FlaskClient, ward: Ward):
    assert nurse.post("/cohort.csv", data={"since": "2026-01-01", "until": "9999-12-31"}).status_code == 422
