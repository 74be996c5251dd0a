"""What most would write first: one APScheduler date job a reminder, in its SQLAlchemy job store."""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from bench import ward
from care.domain.codes import CommunicationStatus, Delivery, Priority, Purpose, TaskStatus
from care.domain.reminder import Due, QuietHours, Send, decide
from care.domain.turn import Talk
from care.records.care_plans import CarePlan
from care.records.communications import Communication, CommunicationContent
from care.records.consents import Consent
from care.records.conversations import Conversation
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient
from care.records.tasks import Task
from care.services import content

_engine: list[Engine] = []
_count = threading.Semaphore(0)


def rate(url: str, sample: int) -> float:
    """Reminders a second: `sample` jobs are added, found due and run; the clock runs from the first add."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    _engine.append(create_engine(url, pool_size=12))
    with Session(_engine[0]) as session:
        later = select(Task.id).where(Task.remind_at > ward.NOW, Task.status == "ready").limit(sample)
        tasks = [str(one) for one in session.scalars(later)]
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=url)},
        executors={"default": ThreadPoolExecutor(10)},
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        timezone="UTC",
    )
    scheduler.start(paused=True)
    began = time.monotonic()
    for task in tasks:
        scheduler.add_job(remind, "date", run_date=ward.NOW, args=(task,), id=task)
    scheduler.resume()
    for _ in tasks:
        _count.acquire(timeout=120)
    seconds = time.monotonic() - began
    scheduler.shutdown()
    return len(tasks) / seconds


def remind(task_id: str) -> None:
    """One reminder: the same facts, the same decision, the same rows, an object at a time."""
    with Session(_engine[0]) as session:
        task = session.get_one(Task, UUID(task_id))
        patient = session.get_one(Patient, task.patient_id)
        plan = session.get_one(CarePlan, task.care_plan_id)
        action = content.plan(session, plan.definition_id).action(task.action_id)
        contact = session.scalars(
            select(ContactPoint).where(ContactPoint.patient_id == patient.id, ContactPoint.status == "active")
        ).first()
        consent = session.scalars(
            select(Consent).where(Consent.patient_id == patient.id).order_by(Consent.at.desc(), Consent.id.desc())
        ).first()
        granted = contact is not None and consent is not None and consent.granted
        due = Due(
            TaskStatus.READY,
            ward.NOW,
            task.expires_at,
            task.reminders_sent,
            action.remind_after if action else (),
            False,
        )
        decision = decide(due, ward.NOW, patient.time_zone, QuietHours(), granted)
        if isinstance(decision, Send) and contact is not None:
            _queue(session, task, patient, contact)
            task.reminders_sent += 1
            task.remind_at = decision.next_at
        session.commit()
    _count.release()


def _queue(session: Session, task: Task, patient: Patient, contact: ContactPoint) -> None:
    row = new_id()
    session.add(
        Communication(
            id=row,
            organization_id=patient.organization_id,
            patient_id=patient.id,
            care_team_id=patient.care_team_id,
            contact_point_id=contact.id,
            direction="out",
            channel=contact.channel,
            purpose=Purpose.REMINDER.value,
            priority=Priority.ROUTINE.rank,
            status=CommunicationStatus.PREPARATION.value,
            delivery=Delivery.QUEUED.value,
            dedupe=f"naive:{task.id}",
            address_token=contact.address_token,
            at=ward.NOW,
            recorded_at=ward.NOW,
            send_at=ward.NOW,
            task_id=task.id,
        )
    )
    session.flush()
    session.add(CommunicationContent(id=row, text="Please write down your weight today.", address=contact.address))
    talk = session.scalars(select(Conversation).where(Conversation.patient_id == patient.id)).first()
    if talk is None:
        talk = Conversation(organization_id=patient.organization_id, patient_id=patient.id)
        session.add(talk)
    talk.state = Talk("asking", task.questionnaire, str(task.id)).to_json()
    talk.updated_at = ward.NOW
