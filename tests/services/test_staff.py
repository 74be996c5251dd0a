"""Accounts: the first administrator, what an administrator may do, and what nobody may."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from care.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn
from care.records.ids import new_id
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import signin, staff
from tests.conftest import Clinic

PASSWORD = "a long enough sentence"


def add(session: Session, rt: Runtime, by: Any, **changes: Any) -> Practitioner:
    values = {"username": "nora", "password": PASSWORD, "name": "Test Nora", "role": "nurse"} | changes
    return staff.add_staff(session, rt, by, **values)


def test_only_the_first_administrator_needs_nobody(session: Session, rt: Runtime) -> None:
    hospital = staff.add_organization(session, rt, "Test Hospital", "US", "UTC", ("A", "B"))
    with pytest.raises(NotAllowed):
        add(session, rt, None, role="nurse")
    session.rollback()
    first = add(session, rt, None, role="admin")
    assert (first.organization_id, first.care_team_id) == (hospital.id, None)
    with pytest.raises(NotAllowed):
        add(session, rt, None, role="admin", username="second")


def test_the_first_administrator_of_several_hospitals_names_one(session: Session, rt: Runtime) -> None:
    one = staff.add_organization(session, rt, "One", "US", "UTC")
    staff.add_organization(session, rt, "Two", "HK", "Asia/Hong_Kong")
    for wrong in (None, new_id()):
        with pytest.raises(Invalid):
            add(session, rt, None, role="admin", organization_id=wrong)
        session.rollback()
    assert add(session, rt, None, role="admin", organization_id=one.id).organization_id == one.id


def test_only_an_administrator_adds_staff(session: Session, rt: Runtime, clinic: Clinic) -> None:
    for by in (clinic.nurse, clinic.clinician):
        with pytest.raises(NotAllowed):
            add(session, rt, by, care_team_id=clinic.team.id)
        session.rollback()
    made = add(session, rt, clinic.admin, care_team_id=clinic.team.id)
    assert (made.username, made.page_address, made.active) == ("nora", "nora", True)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"password": "too short"}, "password"),
        ({"password": "aaaaaaaaaaaaaaaa"}, "password"),
        ({"password": "nora is my name"}, "password"),
        ({"password": "x" * 1001}, "password"),
        ({"username": "a b"}, "username"),
        ({"username": ""}, "username"),
        ({"role": "surgeon"}, "role"),
        ({"name": ""}, "name"),
        ({"care_team_id": None}, "care_team_id"),
        ({"care_team_id": new_id()}, "care_team_id"),
    ],
)
def test_a_wrong_field_is_named(
    session: Session, rt: Runtime, clinic: Clinic, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(Invalid) as caught:
        add(session, rt, clinic.admin, **{"care_team_id": clinic.team.id, **changes})
    assert caught.value.detail["place"] == place


def test_a_user_name_is_taken_once_in_any_case(session: Session, rt: Runtime, clinic: Clinic) -> None:
    with pytest.raises(Conflict):
        add(session, rt, clinic.admin, username="NURSE", care_team_id=clinic.team.id)


def test_a_closed_account_is_out_at_once(session: Session, rt: Runtime, clinic: Clinic) -> None:
    person = add(session, rt, clinic.admin, care_team_id=clinic.team.id)
    token = signin.staff_sign_in(session, rt, "nora", PASSWORD)
    staff.deactivate(session, rt, clinic.admin, person.id)
    with pytest.raises(NotSignedIn):
        signin.staff_by_token(session, rt.now(), token)
    with pytest.raises(NotSignedIn):
        signin.staff_sign_in(session, rt, "nora", PASSWORD)


def test_the_last_administrator_stays(session: Session, rt: Runtime, clinic: Clinic) -> None:
    with pytest.raises(Conflict):
        staff.deactivate(session, rt, clinic.admin, clinic.admin.id)
    session.rollback()
    second = add(session, rt, clinic.admin, role="admin", username="second")
    staff.deactivate(session, rt, second.staff(), clinic.admin.id)


def test_a_password_is_changed_by_its_owner_or_an_administrator(session: Session, rt: Runtime, clinic: Clinic) -> None:
    person = add(session, rt, clinic.admin, care_team_id=clinic.team.id)
    token = signin.staff_sign_in(session, rt, "nora", PASSWORD)
    staff.set_password(session, rt, person.staff(), person.id, "another long sentence")
    with pytest.raises(NotSignedIn):
        signin.staff_by_token(session, rt.now(), token)
    assert signin.staff_sign_in(session, rt, "nora", "another long sentence")
    with pytest.raises(NotAllowed):
        staff.set_password(session, rt, clinic.nurse, person.id, PASSWORD)
    session.rollback()
    staff.set_password(session, rt, clinic.admin, person.id, PASSWORD)


def test_an_account_of_another_hospital_is_not_there(session: Session, rt: Runtime, clinic: Clinic) -> None:
    elsewhere = staff.add_organization(session, rt, "Elsewhere", "HK", "Asia/Hong_Kong")
    boss = Practitioner(
        organization_id=elsewhere.id,
        role="admin",
        username="boss",
        name="Test Boss",
        password_hash="",
        created_at=rt.now(),
    )
    session.add(boss)
    session.commit()
    with pytest.raises(NotFound):
        staff.deactivate(session, rt, boss.staff(), clinic.nurse.id)
    with pytest.raises(Invalid):
        add(session, rt, boss.staff(), care_team_id=clinic.team.id)
