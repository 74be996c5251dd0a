"""The stage of a lane: its cluster, the template every run's database is copied from, the patients of a script."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from care import library
from care.domain.codes import Role
from care.domain.people import Staff
from care.library.seeds import Seed, sha256_of
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.records.seal import Keyring, install
from care.runtime import Runtime
from care.services import consents, content, enrolment
from care.services.enrolment import Enrolment
from launch.postgres import Embedded
from tests.faults.messenger import SENDER
from tests.faults.script import BEGIN, DUE, STAFF, Script
from tests.migrated import migrate

KEYS = Keyring({"faults": bytes(range(32))}, bytes(range(1, 33)))
TEMPLATE, RUN = "faults_template", "faults_run"
PROTOCOL = {
    evening: f"https://care.invalid/fhir/PlanDefinition/fault-matrix-{name}"
    for evening, name in ((False, "morning"), (True, "evening"))
}
FORM = Enrolment(
    name="Fault Patient",
    birth_date="1950-01-31",
    record_number="",
    language="en",
    time_zone="",
    country="US",
    contacts=(),
    consent_source="paper",
    consent_version="1",
)

# What is known of a message, each time that it changes: the tables keep only the last word.
_LISTEN = (
    "CREATE SCHEMA faults",
    "CREATE TABLE faults.state (n bigserial PRIMARY KEY, id uuid, known text, handed timestamptz,"
    " begun timestamptz DEFAULT transaction_timestamp())",
    "CREATE FUNCTION faults.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_OP = 'INSERT' OR OLD.delivery IS DISTINCT FROM NEW.delivery THEN"
    " INSERT INTO faults.state (id, known, handed) VALUES (NEW.id, NEW.delivery, NEW.handed_at);"
    " END IF; RETURN NULL; END $$",
    "CREATE TRIGGER faults_note AFTER INSERT OR UPDATE ON communication FOR EACH ROW"
    " WHEN (NEW.direction = 'out') EXECUTE FUNCTION faults.note()",
)


@contextmanager
def cluster() -> Iterator[Embedded]:
    """A durable cluster of its own (in memory where that can be, since only processes are killed here)."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="care-faults-", dir=base) as folder:
        os.chmod(folder, 0o755)
        server = Embedded(Path(folder), say=lambda _: None)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def restart(server: Embedded, crash: bool) -> None:
    """Stop the server's first process, orderly or as a power cut would, and start it again."""
    process = server._process
    if process is not None:
        process.send_signal(signal.SIGKILL if crash else signal.SIGINT)
        process.wait()
    server.start()


def prepare(server: Embedded) -> Staff:
    """Build the template: the migrations, the library, a hospital with two people who can be paged; the nurse."""
    install(KEYS)
    url = server.ensure_database(TEMPLATE)
    migrate(url)
    engine = create_engine(url)
    with Session(engine, expire_on_commit=False) as session:
        content.publish_seeds(session, BEGIN, [*library.seeds(), _protocol(False), _protocol(True)])
        nurse = _hospital(session)
        for statement in _LISTEN:
            session.execute(text(statement))
        session.commit()
    engine.dispose()
    return nurse


def _protocol(evening: bool) -> Seed:
    """One question on one day, asked for twice, open for a day and a half: nothing expires while it can be asked."""

    def hours(name: str, count: int) -> dict[str, Any]:
        url = f"https://care.invalid/fhir/StructureDefinition/{name}"
        return {"url": url, "valueDuration": {"value": count, "code": "h"}}

    repeat = {"boundsDuration": {"value": 1, "code": "d"}, "period": 1, "periodUnit": "d", "timeOfDay": [DUE[evening]]}
    document = {
        "resourceType": "PlanDefinition",
        "url": PROTOCOL[evening],
        "version": "1.0.0",
        "status": "active",
        "title": "Fault matrix",
        "action": [
            {
                "id": "ask",
                "title": "A question",
                "extension": [
                    hours("remind-after", 4),
                    hours("expires-after", 36),
                    {"url": "https://care.invalid/fhir/StructureDefinition/completion", "valueCode": "afterStart"},
                ],
                "timingTiming": {"repeat": repeat},
                "definitionCanonical": "https://care.invalid/fhir/Questionnaire/glucose-daily|1.0.0",
            }
        ],
    }
    return Seed("PlanDefinition", PROTOCOL[evening], "1.0.0", document, sha256_of(document))


def _hospital(session: Session) -> Staff:
    hospital = Organization(name="Fault Hospital", country="US", time_zone="UTC", inbound_address=SENDER)
    session.add(hospital)
    session.flush()
    team = CareTeam(organization_id=hospital.id, name="Fault Team", default=True)
    session.add(team)
    session.flush()
    people = [
        Practitioner(
            organization_id=hospital.id,
            care_team_id=team.id,
            role=role.value,
            username=f"fault-{role.value}",
            name=f"Fault {role.value}",
            password_hash="!",
            active=True,
            page_channel="sms",
            page_address=address,
            created_at=BEGIN,
        )
        for role, address in zip((Role.NURSE, Role.CLINICIAN), STAFF, strict=True)
    ]
    session.add_all(people)
    session.flush()
    return people[0].staff()


def enrol(session: Session, rt: Runtime, nurse: Staff, script: Script, history: str) -> None:
    """Write the script's patients through the services, and into the history what must be asked of them."""
    with open(history, "a", encoding="utf-8") as file:
        for number, one in enumerate(script.people):
            ways = (("sms", one.address, None), *([("whatsapp", one.second, None)] if one.second else []))
            form = {"time_zone": one.zone, "record_number": f"F-{number}", "contacts": ways}
            patient = enrolment.enrol(session, rt, nurse, Enrolment(**(vars(FORM) | form)))
            protocol, begin = f"{PROTOCOL[one.evening]}|1.0.0", date.fromisoformat(one.starts)
            enrolment.start_plan(session, rt, nurse, patient.id, protocol, begin)
            if not one.consented:
                consents.decide(session, rt.now(), patient, granted=False, source="paper")
                session.commit()
            tasks = [f"{one.starts}T{DUE[one.evening]}"]
            line = {"kind": "person", "address": one.address, "zone": one.zone, "consented": one.consented}
            others = [one.second] if one.second else []
            file.write(json.dumps(line | {"tasks": tasks, "others": others}) + "\n")
