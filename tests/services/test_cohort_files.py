"""Cohort files: looked at cell by cell, imported whole or not at all, once, and gone afterwards."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from care.domain.cohort_sheet import COLUMNS, MOST_ROWS, written_sheet
from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.cohort_files import CohortFile
from care.records.consents import Consent
from care.records.definitions import Definition
from care.records.patients import Patient
from care.records.tasks import Task
from care.services import cohort_files
from care.services.cohort_files import Look
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

ROW = {
    "name": "Demo Patient Nine",
    "birth_date": "1966-06-06",
    "sex": "female",
    "record_number": "F-1",
    "language": "en",
    "country": "US",
    "time_zone": "America/Chicago",
    "channel": "sms",
    "address": "+12025550109",
    "glucose_unit": "mg/dL",
    "consent": "yes",
    "consent_source": "paper",
    "consent_asked_on": "2026-03-01",
    "protocol": "diabetes-diary",
    "starts_on": "2026-03-03",
}


@pytest.fixture
def world(session: Session, rt: Any, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def sheet(*changes: dict[str, str]) -> bytes:
    """A file of a row for each of these changes, told apart by number."""
    rows = [
        ROW | {"record_number": f"F-{number}", "address": f"+1202555{number:04d}", "name": f"Demo {number}"} | change
        for number, change in enumerate(changes, start=1)
    ]
    return written_sheet([COLUMNS, *([row.get(name, "") for name in COLUMNS] for row in rows)])


def upload(world: World, *changes: dict[str, str]) -> CohortFile:
    return cohort_files.upload(world.session, world.rt, world.clinic.nurse, sheet(*changes))


def look(world: World, *changes: dict[str, str]) -> Look:
    return cohort_files.look(world.session, world.rt, world.clinic.nurse, upload(world, *changes).id)


def imported(world: World, file: CohortFile) -> CohortFile:
    return cohort_files.import_file(world.session, world.rt, world.clinic.nurse, file.id, file.sha256)


def patients(world: World) -> int:
    return int(world.session.scalar(select(func.count(Patient.id))) or 0)


def test_a_good_file_enrols_everybody_with_their_plans_and_consents(world: World):
    file = imported(world, upload(world, {}, {"protocol": "", "starts_on": ""}))
    assert (file.patients, patients(world)) == (2, 2)
    first = world.all(Patient)[0]
    assert first.identity["sex"] == "female"
    consent = world.session.scalars(select(Consent).where(Consent.patient_id == first.id)).one()
    assert (consent.asked_by, str(consent.asked_on)) == (world.clinic.nurse.id, "2026-03-01")
    assert world.session.scalar(select(func.count(Task.id)).where(Task.patient_id == first.id)) == 16
    events = world.session.scalars(select(AuditEvent.action).order_by(AuditEvent.at, AuditEvent.id)).all()
    assert events.count("patient.enrol") == 2
    assert events.count("cohort-file.import") == 1


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"name": ""}, "name", "length"),
        ({"birth_date": "6/6/1966"}, "birth_date", "bad-date"),
        ({"birth_date": "19660606"}, "birth_date", "bad-date"),
        ({"birth_date": "1966-W01-1"}, "birth_date", "bad-date"),
        ({"sex": "x"}, "sex", "unknown-value"),
        ({"record_number": "--"}, "record_number", "record-number"),
        ({"language": "English"}, "language", "unknown-value"),
        ({"country": "Atlantis"}, "country", "unknown-country"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "unknown-zone"),
        ({"channel": "fax"}, "channel", "unknown-channel"),
        ({"address": "12"}, "address", "bad-phone"),
        ({"label": "Demo"}, "label", "label-names"),
        ({"glucose_unit": ""}, "glucose_unit", "unknown-value"),
        ({"consent": "no"}, "consent", "no-consent"),
        ({"consent_source": "her son said so"}, "consent_source", "unknown-value"),
        ({"consent_asked_on": "2999-01-01"}, "consent_asked_on", "impossible-date"),
        ({"protocol": "nothing"}, "protocol", "unknown-protocol"),
        ({"starts_on": ""}, "starts_on", "no-start"),
        ({"starts_on": "2028-01-01"}, "starts_on", "impossible-date"),
    ],
)
def test_each_cell_that_is_wrong_is_named_and_nobody_is_enrolled(
    world: World, change: dict[str, str], column: str, code: str
):
    found = look(world, {}, change | ({"name": "Demo 2"} if "label" in change else {}))
    assert [(one.row, one.column, one.code) for one in found.faults] == [(3, column, code)]
    assert found.good == 1
    with pytest.raises(Conflict, match="nobody was enrolled"):
        imported(world, found.file)
    world.session.rollback()
    assert patients(world) == 0


def test_every_wrong_cell_of_a_row_is_told_at_once(world: World):
    found = look(world, {"birth_date": "x", "language": "x", "consent": "", "time_zone": "x"})
    assert [one.column for one in found.faults] == ["birth_date", "language", "time_zone", "consent"]


def test_a_record_number_twice_or_known_is_a_fault_and_a_shared_phone_a_warning(world: World):
    world.patient("+12025550101", record_number="K-1")
    found = look(
        world,
        {"record_number": "k1"},
        {"record_number": "S-1", "address": "+12025550101"},
        {"record_number": "s 1", "address": "+12025550155", "label": "mother"},
        {"address": "+12025550155", "birth_date": ""},
    )
    assert [(one.row, one.code) for one in found.faults] == [
        (2, "record-known"),
        (3, "record-twice"),
        (4, "record-twice"),
    ]
    told = {(one.row, one.code) for one in found.warnings}
    assert told == {
        (3, "address-known"),
        (3, "label-missing"),
        (4, "address-twice"),
        (5, "address-twice"),
        (5, "label-missing"),
        (5, "no-birth-date"),
    }


def test_the_same_name_and_birth_date_twice_is_a_warning(world: World):
    found = look(world, {"name": "Demo Same"}, {"name": "demo same"})
    assert {one.code for one in found.warnings} == {"same-person"}
    assert found.faults == ()


def test_pressing_twice_enrols_once_also_at_the_same_moment(world: World, empty_database: Engine):
    file = upload(world, {}, {})

    def press(_: int) -> int:
        with Session(empty_database) as own:
            return cohort_files.import_file(own, world.rt, world.clinic.nurse, file.id, file.sha256).patients

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(press, range(3))) == [2, 2, 2]
    assert patients(world) == 2


def test_who_was_enrolled_elsewhere_meanwhile_stops_the_whole_file(world: World):
    file = upload(world, {}, {})
    world.patient("+12025550177", record_number="F-2")
    with pytest.raises(Conflict):
        imported(world, file)
    world.session.rollback()
    assert patients(world) == 1


def test_a_retired_protocol_stops_the_whole_file(world: World):
    file = upload(world, {})
    world.session.execute(update(Definition).where(Definition.url.contains("diabetes-diary")).values(retired=True))
    world.session.commit()
    with pytest.raises(Conflict):
        imported(world, file)


def test_only_the_file_that_was_seen_is_imported(world: World):
    file = upload(world, {})
    with pytest.raises(Conflict, match="not the file"):
        cohort_files.import_file(world.session, world.rt, world.clinic.nurse, file.id, "0" * 64)


def test_nobody_else_sees_the_file_and_it_is_gone_in_an_hour(world: World, clock: Clock):
    file = upload(world, {})
    for who in (world.clinic.other_nurse, world.clinic.clinician):
        with pytest.raises(NotFound):
            cohort_files.look(world.session, world.rt, who, file.id)
    with pytest.raises(NotAllowed):
        cohort_files.look(world.session, world.rt, world.clinic.admin, file.id)
    clock.forward(minutes=61)
    with pytest.raises(NotFound):
        imported(world, file)
    world.session.rollback()
    assert cohort_files.drop_due(world.session, clock.now).done == 1
    assert world.all(CohortFile) == []


def test_an_imported_file_keeps_nothing_of_anybody(world: World, clock: Clock):
    file = imported(world, upload(world, {}))
    assert file.rows_sealed is None
    clock.forward(days=2)
    cohort_files.drop_due(world.session, clock.now)
    assert cohort_files.look(world.session, world.rt, world.clinic.nurse, file.id).lines == ()


def test_nothing_of_the_sheet_is_readable_in_its_table(world: World):
    file = upload(world, {})
    stored = world.session.execute(select(CohortFile.rows_sealed)).scalar_one()
    assert file.rows["lines"]
    assert b"Demo" not in bytes(stored)


def test_a_file_that_is_none_leaves_nothing(world: World):
    with pytest.raises(Invalid):
        cohort_files.upload(world.session, world.rt, world.clinic.nurse, b"a,b\n1,2\n")
    assert world.all(CohortFile) == []


def test_two_thousand_patients_are_enrolled_in_a_few_seconds(world: World):
    file = upload(world, *({"address": f"+1202{5550000 + number}"} for number in range(MOST_ROWS)))
    began = time.perf_counter()
    found = cohort_files.look(world.session, world.rt, world.clinic.nurse, file.id)
    looked = time.perf_counter() - began
    imported(world, file)
    took = time.perf_counter() - began - looked
    print(f"look {looked:.2f} s, import {took:.2f} s")
    assert found.good == patients(world) == MOST_ROWS
    assert took < 30, "on a machine that is busy with other things"
