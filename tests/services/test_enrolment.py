"""Enrolment and care plans: refused where wrong, found again, tasks in the patient's own time, nothing asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import CareError, Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.care_plans import CarePlan
from care.records.definitions import Definition
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient, PatientToken, contacts_at
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, enrolment, patients
from care.services.enrolment import Enrolment
from tests.conftest import Clinic, Clock

BASE = "https://care.invalid/fhir/PlanDefinition/"
DIABETES = f"{BASE}diabetes-diary|1.0.0"
HEART = f"{BASE}heart-failure-daily|1.0.0"
FORM = Enrolment(
    name="Demo Patient One",
    birth_date=date(1950, 1, 31),
    record_number="MRN 001-2",
    language="en",
    time_zone="America/New_York",
    country="US",
    contacts=(("sms", "(202) 555-0101", None),),
    consent_source="paper",
    consent_version="1",
)


@pytest.fixture
def published(session: Session, rt: Runtime) -> None:
    """The seeds are published."""
    content.publish_seeds(session, rt.now())


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic, published: None) -> Patient:
    """One enrolled patient in New York."""
    return enrolment.enrol(session, rt, clinic.nurse, FORM)


def tasks(session: Session, **where: Any) -> list[Task]:
    found = select(Task).filter_by(**where).order_by(Task.due_at, Task.action_id)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def newer(session: Session, canonical: str, **changes: Any) -> str:
    """Publish a later version of a protocol, with these changes to its first action's timing."""
    url, version = canonical.split("|")
    old = session.scalars(select(Definition).where(Definition.url == url, Definition.version == version)).one()
    document = {**old.document, "version": "1.1.0"}
    first = {**document["action"][0]}
    repeat = {**first["timingTiming"]["repeat"], **changes}
    first["timingTiming"] = {"repeat": repeat}
    document["action"] = [first, *document["action"][1:]]
    session.add(
        Definition(
            kind=old.kind,
            url=url,
            version="1.1.0",
            sha256=new_id().hex,
            document=document,
            published_at=old.published_at,
        )
    )
    session.commit()
    return f"{url}|1.1.0"


# -- enrolling -------------------------------------------------------------------------------------------------------


def test_an_enrolled_patient_can_write_to_us_in_any_spelling_of_the_number(session: Session, patient: Patient) -> None:
    contact = contacts_at(session, "sms", "+12025550101")[0]
    assert (contact.patient_id, contact.status) == (patient.id, "active")
    assert patient.identity == {"name": "Demo Patient One", "birth_date": "1950-01-31", "record_number": "MRN 001-2"}
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.enrol")).one()
    assert event.patient_id == patient.id


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"name": " "}, "name"),
        ({"name": "A\x00B"}, "name"),
        ({"birth_date": "1950-02-30"}, "birth_date"),
        ({"birth_date": "2950-01-01"}, "birth_date"),
        ({"birth_date": date(1850, 1, 1)}, "birth_date"),
        ({"record_number": ""}, "record_number"),
        ({"language": "tlh"}, "language"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "America"}, "time_zone"),
        ({"country": "XX"}, "country"),
        ({"glucose_unit": "stone"}, "glucose_unit"),
        ({"contacts": ()}, "address1"),
        ({"contacts": (("sms", "12", None),)}, "address1"),
        ({"contacts": (("sms", "+12025550101", None), ("sms", "202-555-0101", None))}, "address2"),
        ({"contacts": (("sms", "call me", None),)}, "address1"),
    ],
)
def test_a_wrong_field_is_named(
    session: Session, rt: Runtime, clinic: Clinic, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(Invalid) as caught:
        enrolment.enrol(session, rt, clinic.nurse, replace(FORM, **changes))
    assert caught.value.detail["place"] == place
    session.rollback()
    assert session.scalars(select(func.count(Patient.id))).one() == 0


@pytest.mark.parametrize(
    ("address", "country", "spelt"),
    [
        ("138 0013 8000", "CN", "+8613800138000"),
        ("２３４５ ６７８９", "HK", "+85223456789"),
        ("+44 20 7946 0958", "US", "+442079460958"),
    ],
)
def test_a_phone_has_one_spelling(
    session: Session, rt: Runtime, clinic: Clinic, address: str, country: str, spelt: str
) -> None:
    enrolment.enrol(session, rt, clinic.nurse, replace(FORM, country=country, contacts=(("sms", address, None),)))
    assert session.scalars(select(ContactPoint)).one().address == spelt


def test_a_record_number_is_enrolled_once_however_it_is_spaced(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient
) -> None:
    with pytest.raises(Conflict):
        enrolment.enrol(session, rt, clinic.nurse, replace(FORM, record_number="mrn0012"))


def test_two_nurses_at_once_enrol_one_patient(
    session: Session, rt: Runtime, clinic: Clinic, empty_database: Engine
) -> None:
    def enrol(_: int) -> str:
        with Session(empty_database) as own:
            try:
                return str(enrolment.enrol(own, rt, clinic.nurse, FORM).id)
            except Conflict:
                return "conflict"

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(enrol, range(4)))
    assert results.count("conflict") == 3
    assert session.scalars(select(func.count(Patient.id))).one() == 1


def test_two_patients_may_share_a_phone(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> None:
    form = replace(FORM, record_number="2", contacts=(("sms", "+12025550101", "mother"),))
    enrolment.enrol(session, rt, clinic.nurse, form)
    assert [contact.label for contact in contacts_at(session, "sms", "+12025550101")] == [None, "mother"]


def test_an_administrator_enrols_nobody(session: Session, rt: Runtime, clinic: Clinic) -> None:
    with pytest.raises(NotAllowed):
        enrolment.enrol(session, rt, clinic.admin, FORM)


def test_nothing_of_the_identity_is_readable_in_the_tables(session: Session, patient: Patient) -> None:
    stored = session.execute(select(Patient.identity_sealed)).scalar_one() + b"".join(
        bytes(one) for one in session.scalars(select(ContactPoint.address_sealed))
    )
    stored += b"".join(bytes(one) for one in session.scalars(select(PatientToken.token)))
    for canary in (b"Demo", b"MRN", b"555"):
        assert canary not in stored


# -- plans -----------------------------------------------------------------------------------------------------------


def test_a_plan_writes_the_first_week_in_the_patients_own_time(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    clock.set(datetime(2026, 3, 6, 5, 0, tzinfo=UTC))  # midnight in New York, two days before the clocks change
    plan = enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, date(2026, 3, 6))
    written = tasks(session, care_plan_id=plan.id)
    local = {(task.nominal.time(), task.due_at.astimezone(ZoneInfo("America/New_York")).time()) for task in written}
    assert all(nominal == here for nominal, here in local)
    assert len({task.due_at.time() for task in written}) == 2 * len(local), "the clocks changed in this week"
    assert written[-1].due_at >= rt.now() + timedelta(days=7) - timedelta(hours=24)
    assert all(task.remind_at == task.due_at and task.status == "ready" for task in written)


def test_what_was_due_before_the_plan_began_is_not_asked_for(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    clock.set(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))  # noon in New York
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, date(2026, 3, 2))
    assert tasks(session)[0].due_at >= rt.now()


def test_expanding_daily_writes_every_task_once(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    plan = enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    for _ in range(20):
        clock.forward(days=1)
        assert enrolment.expand_due(session, rt, rt.now()).done == 1
        assert enrolment.expand_due(session, rt, rt.now()).claimed == 0
    written = tasks(session, care_plan_id=plan.id)
    days = {task.nominal.date() for task in written}
    assert len(written) == len({(task.action_id, task.nominal) for task in written})
    assert len(days) >= 27
    assert max(days) - min(days) == timedelta(days=len(days) - 1)


def test_after_an_outage_no_day_is_missing(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    clock.forward(days=15)
    enrolment.expand_due(session, rt, rt.now())
    days = sorted({task.nominal.date() for task in tasks(session)})
    assert days[-1] - days[0] == timedelta(days=len(days) - 1)


def test_a_plan_whose_last_day_is_over_is_completed(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    plan = enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    last = max(action.last_day or 0 for action in content.plan(session, DIABETES).actions)
    clock.forward(days=last + 5)
    for _ in range(3):
        enrolment.expand_due(session, rt, rt.now())
        clock.forward(days=1)
    session.refresh(plan)
    assert (plan.status, plan.expand_at) == ("completed", None)
    assert max(task.nominal.date() for task in tasks(session)) == plan.starts_on + timedelta(days=last)


@pytest.mark.parametrize(
    ("canonical", "starts_on", "error"),
    [
        (f"{BASE}unheard-of|1.0.0", date(2026, 3, 2), NotFound),
        ("", date(2026, 3, 2), NotFound),
        ("https://care.invalid/fhir/Questionnaire/glucose-daily|1.0.0", date(2026, 3, 2), NotFound),
        (DIABETES, date(2036, 3, 2), Invalid),
    ],
)
def test_an_unknown_protocol_or_an_impossible_day_is_refused(
    session: Session,
    rt: Runtime,
    clinic: Clinic,
    patient: Patient,
    canonical: str,
    starts_on: date,
    error: type[CareError],
) -> None:
    with pytest.raises(error):
        enrolment.start_plan(session, rt, clinic.nurse, patient.id, canonical, starts_on)


def test_a_patient_is_on_a_protocol_once(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> None:
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    with pytest.raises(Conflict):
        enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    session.rollback()
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, HEART, rt.now().date())


def test_another_teams_patient_is_not_there(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> None:
    plan = enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    other = clinic.other_nurse
    for attempt in (
        lambda: enrolment.start_plan(session, rt, other, patient.id, HEART, rt.now().date()),
        lambda: enrolment.stop_plan(session, rt, other, plan.id),
        lambda: enrolment.migrate_plan(session, rt, other, plan.id, DIABETES),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_stopped_plan_asks_for_nothing_more(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> None:
    plan = enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    enrolment.stop_plan(session, rt, clinic.nurse, plan.id)
    assert {(task.status, task.remind_at) for task in tasks(session)} == {("cancelled", None)}
    with pytest.raises(Conflict):
        enrolment.stop_plan(session, rt, clinic.nurse, plan.id)


# -- migration and moving --------------------------------------------------------------------------------------------


@pytest.fixture
def running(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> Iterator[CarePlan]:
    """A diabetes plan of which the first task was answered and the second was asked for."""
    plan = enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, rt.now().date())
    first, second = tasks(session)[:2]
    first.status, first.remind_at = "completed", None
    second.reminders_sent = 1
    session.commit()
    return plan


def test_migrating_keeps_what_was_asked_and_changes_what_comes_after_midnight(
    session: Session, rt: Runtime, clinic: Clinic, running: CarePlan
) -> None:
    before = tasks(session)
    later = newer(session, DIABETES, timeOfDay=["09:30:00"])
    enrolment.migrate_plan(session, rt, clinic.nurse, running.id, later)
    after = tasks(session)
    assert [task.id for task in after if task.status != "cancelled"][:2] == [before[0].id, before[1].id]
    asked = {(task.action_id, task.nominal) for task in before[:2]}
    new = [task for task in after if task.status == "ready" and (task.action_id, task.nominal) not in asked]
    assert any(task.nominal.time().isoformat() == "09:30:00" for task in new)
    midnight = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    assert all(task.due_at >= midnight for task in new if task.nominal.time().isoformat() == "09:30:00")
    per_day = {(task.action_id, task.nominal.date()) for task in after if task.status != "cancelled"}
    assert len(per_day) == len([task for task in after if task.status != "cancelled"])


def test_migrating_to_the_same_times_writes_nothing_twice(
    session: Session, rt: Runtime, clinic: Clinic, running: CarePlan
) -> None:
    before = {task.id for task in tasks(session)}
    enrolment.migrate_plan(session, rt, clinic.nurse, running.id, newer(session, DIABETES))
    assert {task.id for task in tasks(session)} == before
    assert not tasks(session, status="cancelled")


def test_a_plan_is_not_migrated_to_another_protocol(
    session: Session, rt: Runtime, clinic: Clinic, running: CarePlan
) -> None:
    with pytest.raises(Invalid):
        enrolment.migrate_plan(session, rt, clinic.nurse, running.id, HEART)


def test_a_published_version_pins_its_plans(session: Session, rt: Runtime, running: CarePlan) -> None:
    newer(session, DIABETES, timeOfDay=["09:30:00"])
    with pytest.raises(Exception, match="definition"):
        session.execute(update(Definition).where(Definition.version == "1.0.0").values(version="9"))
    session.rollback()
    session.refresh(running)
    assert content.plan(session, running.definition_id).version == "1.0.0"


def test_who_moves_is_asked_at_the_same_hour_there(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, running: CarePlan
) -> None:
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "Asia/Shanghai")
    moved = [task for task in tasks(session, status="ready") if task.reminders_sent == 0]
    zone = ZoneInfo("Asia/Shanghai")
    assert moved
    assert all(task.due_at.astimezone(zone).replace(tzinfo=None) == task.nominal for task in moved)


def test_staff_of_no_team_enrols_nobody(session: Session, rt: Runtime, clinic: Clinic) -> None:
    floating = Staff(new_id(), clinic.organization.id, None, clinic.nurse.role)
    with pytest.raises(Invalid):
        enrolment.enrol(session, rt, floating, FORM)
