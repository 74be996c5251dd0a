"""arrival: from a report's arrival to its place on the worklist, at fifty reports a second.

Patients hand in their glucose through the service that the API calls, at an even pace, late ones as fast as they can;
another process, as in a hospital, has the scheduler's `score` job, which looks every half second. A report's time ends
with the commit of its assessment, in which its escalation is too. `submit_cpu_ms` and `score_cpu_ms` are what a report
costs either process of its core, the database not counted: they hold on a machine that has other work to do.
"""

from __future__ import annotations

import multiprocessing
import secrets
import time
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from bench import ward
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.records.risk_assessments import RiskAssessment
from care.records.seal import Keyring, install
from care.runtime import Runtime, wall_clock
from care.services import content, enrolment, plans
from care.services.reports import score_due, submit
from risk.registry import load_bundles, make_assess, make_reads
from scheduler.scratch import migrate
from scheduler.simulation import open_ward

RATE, BEAT, PATIENTS = 50.0, 0.5, 60
FORM = "https://care.invalid/fhir/Questionnaire/glucose-daily|1.0.0"
PROTOCOL = "https://care.invalid/fhir/PlanDefinition/diabetes-diary"


def run(quick: bool) -> dict[str, object]:
    """Seconds from arrival to the commit of the assessment, p50, p95 and p99, and how many became cases."""
    reports, patients = (400, 20) if quick else (3_000, PATIENTS)
    with ward.server() as running:
        keys = Keyring({"bench": secrets.token_bytes(32)}, secrets.token_bytes(32))
        install(keys)
        url = running.ensure_database("arrival")
        migrate(url)
        engine = create_engine(url)
        with Session(engine, expire_on_commit=False) as session:
            people = _enrolled(session, _runtime(), patients)
        arrived: dict[UUID, float] = {}
        fresh = multiprocessing.get_context("spawn")
        over, found = fresh.Event(), fresh.Queue()
        worker = fresh.Process(target=_score, args=(url, keys, over, found))
        worker.start()
        found.get()  # it stands at its work: loading models is not what is measured
        late, submitting = _arrive(engine, _runtime(), people, reports, arrived)
        over.set()
        scored, scoring = found.get()
        worker.join()
        with Session(engine) as session:
            cases = session.scalar(select(func.count()).select_from(Escalation))
            with_risk = session.scalar(select(func.count(RiskAssessment.risk)))
        engine.dispose()
    took = sorted(scored[one] - began for one, began in arrived.items())
    return {
        "reports": len(arrived),
        "asked_per_second": RATE,
        "held_per_second": round(len(arrived) / (len(arrived) / RATE + late), 1),
        "p50_s": round(took[len(took) // 2], 3),
        "p95_s": round(took[int(len(took) * 0.95)], 3),
        "p99_s": round(took[int(len(took) * 0.99)], 3),
        "submit_cpu_ms": round(submitting / len(arrived) * 1e3, 2),
        "score_cpu_ms": round(scoring / len(arrived) * 1e3, 2),
        "scored": with_risk,
        "cases": cases,
    }


def _runtime() -> Runtime:
    bundles = load_bundles()
    return Runtime(assess=make_assess(bundles), reads=make_reads(bundles))


def _enrolled(session: Session, rt: Runtime, patients: int) -> list[UUID]:
    """Patients on the diary protocol since a week ago; after five readings the model knows enough of each."""
    now = wall_clock()
    made = open_ward(session, now - timedelta(days=20), "US", "America/New_York")
    content.publish_seeds(session, now - timedelta(days=20))
    protocol = next(one.canonical for one in content.protocols(session) if one.url == PROTOCOL)
    people = []
    for number in range(patients):
        form = enrolment.Enrolment(
            name=f"Bench Patient {number}",
            birth_date="1950-01-01",
            record_number=f"B-{number:04d}",
            language="en",
            time_zone="America/New_York",
            country="US",
            contacts=(("console", f"+1202555{number:04d}", None),),
            consent_source="bench",
            consent_version="1",
            glucose_unit="mg/dL",
        )
        patient = enrolment.enrol(session, rt, made.nurse, form)
        plans.start_plan(session, rt, made.nurse, patient.id, protocol, (now - timedelta(days=7)).date())
        people.append(patient.id)
    return people


def _report(number: int) -> dict[str, Any]:
    """A glucose; one in ten is low."""
    value = 62 if number % 10 == 0 else 100 + number % 60
    quantity = {"value": value, "unit": "mg/dL", "code": "mg/dL"}
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": FORM,
        "status": "completed",
        "item": [
            {"linkId": "glucose", "answer": [{"valueQuantity": quantity}]},
            {"linkId": "symptoms", "answer": [{"valueBoolean": False}]},
        ],
    }


def _arrive(
    engine: Engine, rt: Runtime, people: list[UUID], reports: int, arrived: dict[UUID, float]
) -> tuple[float, float]:
    """Hand the reports in at the pace; returns how late the last one was and what the handing in cost (seconds)."""
    began, late = time.monotonic(), 0.0
    before = time.thread_time()
    for number in range(reports):
        due = began + number / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        with Session(engine, expire_on_commit=False) as session:
            patient = session.get_one(Patient, people[number % len(people)])
            here = time.monotonic()
            late = here - due
            _, answer = submit(session, rt, patient, _report(number))
        arrived[UUID(answer["id"])] = here
    return late, time.thread_time() - before


def _score(url: str, keys: Keyring, over: Event, found: Queue[Any]) -> None:
    """The scheduler's job at its beat, in a process of its own, until everything that arrived is judged.

    Tells once that it is ready, and at the end when each report was judged (the clock is the machine's) and the cost.
    """
    install(keys)
    engine, rt = create_engine(url), _runtime()
    scored: dict[UUID, float] = {}
    cost = 0.0
    found.put(None)
    while True:
        ending, began = over.is_set(), time.monotonic()
        done = 1
        while done:
            with Session(engine) as session:
                moment, before = rt.now(), time.thread_time()
                done = score_due(session, rt, moment).done
                cost += time.thread_time() - before
                new = select(RiskAssessment.response_id).where(RiskAssessment.recorded_at == moment)
                ended = time.monotonic()
                scored |= dict.fromkeys(session.scalars(new) if done else (), ended)
        if ending:
            found.put((scored, cost))
            return
        time.sleep(max(0.0, BEAT - (time.monotonic() - began)))
