from __future__ import annotations

import ast
import re
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, text

from care.domain.codes import Outcome
from care.records.audit_events import AuditEvent
from care.services import audit_views, audits, escalations
from care.services.audit_views import Kind
from dashboard.audit_words import SENTENCES
from tests.conftest import ROOT
from tests.dashboard.ward import Ward


def _worked(ward: Ward) -> UUID:
    """A nurse opens a patient, takes the alert and closes it."""
    world, alert = ward.world, ward.alert(ward.one)
    world.clock.forward(minutes=1)
    escalations.accept(world.session, world.rt, world.clinic.nurse, alert.id)
    world.clock.forward(minutes=2)
    escalations.complete(world.session, world.rt, world.clinic.nurse, alert.id, Outcome.PHONED, "Ate, 104 now")
    return alert.id


def _codes() -> set[str]:
    """Every code that something of the heart writes to the audit."""
    writers = {"record", "noted", "_noted", "_changed", "_audit", "audit"}
    found = set()
    for path in (ROOT / "care").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in writers:
                values = [
                    one.value for argument in call.args for one in ast.walk(argument) if isinstance(one, ast.Constant)
                ]
                found |= {one for one in values if isinstance(one, str) and re.fullmatch(r"[a-z-]+\.[a-z-]+", one)}
    return found


def test_every_act_that_is_recorded_has_a_sentence():
    assert len(_codes()) > 50
    assert _codes() - set(SENTENCES) == set(), "a new act needs a sentence in dashboard/audit_words.py"


def test_every_way_of_seeing_is_an_act_that_has_a_sentence():
    assert set(audit_views.VIEWS) <= set(SENTENCES)


def test_the_audit_of_a_patient_says_who_saw_and_did_what(nurse: FlaskClient, ward: Ward):
    nurse.get(f"/patients/{ward.one.id}")
    _worked(ward)
    page = nurse.get(f"/patients/{ward.one.id}/audit").text
    assert "Test Nurse opened the patient&#39;s record." in page
    assert "Test Nurse took the alert." in page
    assert page.index("Test Nurse closed the alert.") < page.index("Test Nurse took the alert.")
    assert "Phoned the patient" in page


def test_nothing_that_was_written_or_said_stands_in_the_audit(nurse: FlaskClient, ward: Ward):
    case = _worked(ward)
    for address in (f"/patients/{ward.one.id}/audit", f"/escalations/{case}/audit"):
        page = nurse.get(address).text
        for secret in ("Ate, 104", "I work late this week", "12025550101", "T-1<"):
            assert secret not in page


def test_the_audit_of_a_case_shows_its_acts_and_who_opened_the_patient_meanwhile(nurse: FlaskClient, ward: Ward):
    nurse.get(f"/patients/{ward.one.id}")
    case = _worked(ward)
    page = nurse.get(f"/escalations/{case}/audit").text
    assert "took the alert" in page
    assert "opened the patient" in page
    assert "enrolled the patient" not in page


def test_a_case_of_an_unknown_sender_has_an_audit_too(nurse: FlaskClient, ward: Ward):
    world = ward.world
    world.receive("chest pain, please call", sender="+12025550166")
    orphan = ward.alert(None)
    escalations.accept(world.session, world.rt, world.clinic.nurse, orphan.id)
    assert "took the alert" in nurse.get(f"/escalations/{orphan.id}/audit").text


def test_reading_the_audit_is_in_the_audit(nurse: FlaskClient, ward: Ward):
    nurse.get(f"/patients/{ward.one.id}/audit")
    assert "Test Nurse read the audit." in nurse.get(f"/patients/{ward.one.id}/audit").text


def test_seeing_and_doing_are_told_apart(nurse: FlaskClient, ward: Ward):
    nurse.get(f"/patients/{ward.one.id}")
    _worked(ward)
    seen = nurse.get(f"/patients/{ward.one.id}/audit?kind=seen").text
    done = nurse.get(f"/patients/{ward.one.id}/audit?kind=done").text
    assert "opened the patient" in seen
    assert "took the alert" not in seen
    assert "took the alert" in done
    assert "opened the patient&#39;s record" not in done
    assert nurse.get(f"/patients/{ward.one.id}/audit?kind=whatever").status_code == 200


def test_what_is_sealed_is_said_to_be_and_what_was_changed_afterwards_is_found(nurse: FlaskClient, ward: Ward):
    nurse.get(f"/patients/{ward.one.id}")
    session = ward.world.session
    assert "not sealed yet" in nurse.get(f"/patients/{ward.one.id}/audit").text
    while audits.seal_due(session, ward.world.now):
        pass
    trail = audit_views.of_patient(session, ward.world.rt, ward.world.clinic.nurse, ward.one.id)[1]
    assert {line.seal for line in trail.lines} == {audit_views.Seal.HOLDS}
    session.execute(text("ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only"))
    forged = select(AuditEvent.id).where(AuditEvent.action == "patient.view").limit(1)
    event_id = session.scalars(forged).one()
    session.execute(text("UPDATE audit_event SET action = 'patient.search' WHERE id = :id"), {"id": event_id})
    session.execute(text("ALTER TABLE audit_event ENABLE TRIGGER audit_event_append_only"))
    session.commit()
    session.expire_all()
    page = nurse.get(f"/patients/{ward.one.id}/audit").text
    assert "The chain does not hold at 1 of these" in page
    assert "does not fit" in page


def test_what_is_older_follows_on_the_next_page_and_nothing_is_left_out(nurse: FlaskClient, ward: Ward):
    world, nurse_of_team = ward.world, ward.world.clinic.nurse
    for _ in range(audit_views.ROWS + 5):
        audits.record(
            world.session,
            world.now,
            "patient.view",
            "patient",
            ward.one.id,
            staff=nurse_of_team,
            patient_id=ward.one.id,
        )
    world.session.commit()
    seen: list[UUID] = []
    before = None
    while True:
        trail = audit_views.of_patient(world.session, world.rt, nurse_of_team, ward.one.id, Kind.SEEN, before)[1]
        fresh = [line.id for line in trail.lines if line.action != "audit.view"]
        assert not set(fresh) & set(seen)
        seen += fresh
        before = trail.before
        if before is None:
            break
    assert len(seen) == audit_views.ROWS + 5
    assert "Earlier" in nurse.get(f"/patients/{ward.one.id}/audit").text


def test_an_administrator_reads_what_staff_did_and_of_patients_only_a_mark(
    admin: FlaskClient, nurse: FlaskClient, ward: Ward
):
    nurse.get(f"/patients/{ward.one.id}")
    page = admin.get("/admin/acts").text
    assert "Test Nurse opened the patient&#39;s record." in page
    assert ward.one.id.hex[-8:] in page
    assert str(ward.one.id) not in page
    assert "Demo Patient" not in page
    other = admin.get(f"/admin/acts?person={ward.world.clinic.clinician.id}").text
    assert "Test Nurse opened" not in other


def test_only_those_of_the_team_read_a_patients_audit_and_only_administrators_that_of_staff(
    stranger: FlaskClient, nurse: FlaskClient, admin: FlaskClient, ward: Ward
):
    alert = ward.alert(ward.one)
    assert stranger.get(f"/patients/{ward.one.id}/audit").status_code == 404
    assert stranger.get(f"/escalations/{alert.id}/audit").status_code == 404
    assert admin.get(f"/patients/{ward.one.id}/audit").status_code == 403
    assert nurse.get("/admin/acts").status_code == 403


def test_a_place_or_a_person_of_nowhere_is_not_found(nurse: FlaskClient, admin: FlaskClient, ward: Ward):
    nowhere = UUID(int=5)
    assert nurse.get(f"/patients/{ward.one.id}/audit?before={nowhere}").status_code == 404
    assert nurse.get(f"/patients/{ward.one.id}/audit?before=x").status_code == 404
    assert admin.get(f"/admin/acts?person={nowhere}").status_code == 404
