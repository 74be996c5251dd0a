"""Signing in: codes that work once, for the right person, and answers that tell nothing to anybody else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.errors import NotAllowed, NotFound, NotSignedIn, TooMany
from care.records.audit_events import AuditEvent
from care.records.communications import Communication
from care.records.patients import Patient
from care.records.practitioners import Practitioner
from care.records.sign_ins import OneTimeCode, PatientSession
from care.runtime import Runtime
from care.services import enrolment, outbox, signin, staff
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.test_enrolment import FORM

PHONE = "+12025550101"
PASSWORD = "a long enough sentence"


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient with a phone."""
    return enrolment.enrol(session, rt, clinic.nurse, FORM)


@pytest.fixture
def nurse(session: Session, rt: Runtime, clinic: Clinic) -> Practitioner:
    """A nurse with a password."""
    return staff.add_staff(
        session,
        rt,
        clinic.admin,
        username="Nora",
        password=PASSWORD,
        name="Test Nora",
        role="nurse",
        care_team_id=clinic.team.id,
    )


def ask(session: Session, rt: Runtime, sms: FakeChannel, address: str = PHONE) -> list[str]:
    """Ask for a code and read the phone: the codes that came, the newest last."""
    before = len(sms.sent)
    signin.request_code(session, rt, "sms", address)
    outbox.deliver_due(session, rt, rt.now())
    return [re.search(r"\d{6}", one.text).group() for one in sms.sent[before:]]  # type: ignore[union-attr]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


# -- patients --------------------------------------------------------------------------------------------------------


def test_a_code_that_came_by_text_opens_a_session(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient
) -> None:
    (code,) = ask(session, rt, sms)
    token = signin.exchange_code(session, rt, "sms", "+1 202 555 0101", code)
    assert signin.patient_by_token(session, rt.now(), token.token).id == patient.id
    assert token.expires_at > rt.now()


def test_a_code_works_once(session: Session, rt: Runtime, sms: FakeChannel, patient: Patient) -> None:
    (code,) = ask(session, rt, sms)
    signin.exchange_code(session, rt, "sms", PHONE, code)
    with pytest.raises(NotSignedIn):
        signin.exchange_code(session, rt, "sms", PHONE, code)


def test_a_code_lasts_ten_minutes(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    (code,) = ask(session, rt, sms)
    clock.forward(minutes=10, seconds=1)
    with pytest.raises(NotSignedIn):
        signin.exchange_code(session, rt, "sms", PHONE, code)


def test_a_new_code_replaces_the_one_before_but_not_the_one_that_a_nurse_read_out(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, patient: Patient
) -> None:
    spoken = signin.issue_code(session, rt, clinic.nurse, patient.id)
    (first,), (second,) = ask(session, rt, sms), ask(session, rt, sms)
    if first not in (second, spoken):
        with pytest.raises(NotSignedIn):
            signin.exchange_code(session, rt, "sms", PHONE, first)
    assert signin.exchange_code(session, rt, "sms", PHONE, spoken)


def test_five_wrong_tries_spoil_a_code(session: Session, rt: Runtime, sms: FakeChannel, patient: Patient) -> None:
    (code,) = ask(session, rt, sms)
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            signin.exchange_code(session, rt, "sms", PHONE, wrong(code))
    with pytest.raises(NotSignedIn):
        signin.exchange_code(session, rt, "sms", PHONE, code)


def test_an_unknown_address_gets_the_same_answer_and_nothing_is_sent(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    for address in ("+12025550999", "not a phone", "x\x00y", ""):
        signin.request_code(session, rt, "sms", address)
        with pytest.raises(NotSignedIn) as caught:
            signin.exchange_code(session, rt, "sms", address, "123456")
        assert caught.value.code == "wrong-code"
    assert session.scalars(select(func.count(Communication.id))).one() == 0


@pytest.mark.parametrize("address", [PHONE, "+12025550999"])
def test_asking_too_often_is_refused_whether_the_address_is_known_or_not(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, address: str
) -> None:
    for _ in range(signin.REQUESTS):
        signin.request_code(session, rt, "sms", address)
    with pytest.raises(TooMany):
        signin.request_code(session, rt, "sms", address)
    clock.forward(hours=1, seconds=1)
    signin.request_code(session, rt, "sms", address)


def test_on_a_shared_phone_everybody_gets_a_code_of_their_own(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, patient: Patient
) -> None:
    form = replace(FORM, name="Demo Patient Two", record_number="2", contacts=(("sms", PHONE, "mother"),))
    mother = enrolment.enrol(session, rt, clinic.nurse, form)
    codes = ask(session, rt, sms)
    assert len(set(codes)) == 2
    texts = [one.text for one in sms.sent]
    assert sum("mother" in text for text in texts) == 1
    assert not any("Demo" in text for text in texts), "no name on a phone that others read"
    hers = codes[next(n for n, text in enumerate(texts) if "mother" in text)]
    token = signin.exchange_code(session, rt, "sms", PHONE, hers).token
    assert signin.patient_by_token(session, rt.now(), token).id == mother.id


def test_a_nurse_can_read_a_code_out(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> None:
    code = signin.issue_code(session, rt, clinic.nurse, patient.id)
    token = signin.exchange_code(session, rt, "sms", PHONE, f"{code[:3]} {code[3:]}").token
    assert signin.patient_by_token(session, rt.now(), token).id == patient.id
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.issue-code")).one()
    assert (event.agent_id, event.patient_id) == (clinic.nurse.id, patient.id)


def test_nobody_issues_a_code_for_another_teams_patient(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient
) -> None:
    with pytest.raises(NotFound):
        signin.issue_code(session, rt, clinic.other_nurse, patient.id)
    with pytest.raises(NotAllowed):
        signin.issue_code(session, rt, clinic.admin, patient.id)


def test_a_session_ends_by_signing_out_by_time_and_with_the_patient(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    tokens = []
    for _ in range(3):
        (code,) = ask(session, rt, sms)
        tokens.append(signin.exchange_code(session, rt, "sms", PHONE, code).token)
    signin.sign_out(session, rt, tokens[0])
    assert signin.patient_by_token(session, rt.now(), tokens[1])
    patient.status = "inactive"
    session.commit()
    for token in (tokens[0], tokens[1], "", "x" * 100, "\udcff"):
        with pytest.raises(NotSignedIn):
            signin.patient_by_token(session, rt.now(), token)
    patient.status = "active"
    session.commit()
    with pytest.raises(NotSignedIn):
        signin.patient_by_token(session, clock.forward(days=31), tokens[2])


def test_neither_codes_nor_tokens_can_be_read_in_the_tables(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient
) -> None:
    (code,) = ask(session, rt, sms)
    token = signin.exchange_code(session, rt, "sms", PHONE, code).token
    row, opened = session.scalars(select(OneTimeCode)).one(), session.scalars(select(PatientSession)).one()
    assert code.encode() not in bytes(row.code_hash)
    assert token.encode() not in bytes(opened.token_hash)


# -- staff -----------------------------------------------------------------------------------------------------------


def test_staff_sign_in_with_a_password(session: Session, rt: Runtime, nurse: Practitioner) -> None:
    token = signin.staff_sign_in(session, rt, "  NORA ", PASSWORD)
    found = signin.staff_by_token(session, rt.now(), token)
    assert (found.id, found.role.value) == (nurse.id, "nurse")
    signin.staff_sign_out(session, rt, token)
    with pytest.raises(NotSignedIn):
        signin.staff_by_token(session, rt.now(), token)


@pytest.mark.parametrize("username", ["nora", "nobody", "no\x00body", ""])
def test_a_wrong_password_and_an_unknown_name_look_the_same(
    session: Session, rt: Runtime, nurse: Practitioner, clock: Clock, username: str
) -> None:
    answers = []
    for _ in range(7):
        with pytest.raises((NotSignedIn, TooMany)) as caught:
            signin.staff_sign_in(session, rt, username, "not the password")
        answers.append(caught.value.code)
    assert answers == ["wrong"] * 5 + ["too-many-tries"] * 2
    with pytest.raises(TooMany):
        signin.staff_sign_in(session, rt, username, PASSWORD)


def test_the_lock_opens_after_a_while_and_success_forgets_the_tries(
    session: Session, rt: Runtime, nurse: Practitioner, clock: Clock
) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(NotSignedIn):
                signin.staff_sign_in(session, rt, "nora", "not the password")
        signin.staff_sign_in(session, rt, "nora", PASSWORD)
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            signin.staff_sign_in(session, rt, "nora", "not the password")
    clock.forward(minutes=15, seconds=1)
    assert signin.staff_sign_in(session, rt, "nora", PASSWORD)


def test_a_session_of_staff_ends_after_a_shift(session: Session, rt: Runtime, nurse: Practitioner) -> None:
    token = signin.staff_sign_in(session, rt, "nora", PASSWORD)
    with pytest.raises(NotSignedIn):
        signin.staff_by_token(session, rt.now() + timedelta(hours=12), token)


def test_signing_in_and_failing_to_are_audited(session: Session, rt: Runtime, nurse: Practitioner) -> None:
    with pytest.raises(NotSignedIn):
        signin.staff_sign_in(session, rt, "nora", "not the password")
    signin.staff_sign_in(session, rt, "nora", PASSWORD)
    found = session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == nurse.id).order_by(AuditEvent.id))
    assert sorted(found) == ["staff.add", "staff.sign-in", "staff.sign-in-failed"]
