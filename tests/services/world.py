"""A small world for the tests of services: published content, patients on plans, texts of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming
from care.domain.people import Staff
from care.records.communications import Communication, contents
from care.records.escalations import Escalation, EscalationLink
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import content, inbox, reports
from care.services.enrolment import Enrolment, enrol
from care.services.inbox import Received
from care.services.plans import start_plan
from tests.conftest import Clinic, Clock

BASE = "https://care.invalid/fhir/"
DIABETES = f"{BASE}PlanDefinition/diabetes-diary|1.0.0"
HEART = f"{BASE}PlanDefinition/heart-failure-daily|1.0.0"
DIARY = f"{BASE}Questionnaire/glucose-diary-entry|1.0.0"
GLUCOSE = f"{BASE}Questionnaire/glucose-daily|1.0.0"
WEIGHT = f"{BASE}Questionnaire/heart-failure-daily|1.0.0"


@dataclass
class World:
    """What tests of services talk to."""

    session: Session
    rt: Runtime
    clock: Clock
    clinic: Clinic
    numbers: Iterator[int]

    @property
    def now(self) -> datetime:
        return self.clock.now

    def with_model(self, assess: Callable[..., Any]) -> None:
        """Give the runtime this model."""
        self.rt = replace(self.rt, assess=assess)

    def patient(
        self,
        phone: str = "+12025550101",
        protocol: str | None = DIABETES,
        staff: Staff | None = None,
        label: str | None = None,
        **changes: Any,
    ) -> Patient:
        """A patient with one phone, on a protocol since a week ago."""
        number = next(self.numbers)
        form: dict[str, Any] = {
            "name": f"Demo Patient {number}",
            "birth_date": "1950-01-01",
            "record_number": f"T-{number}",
            "language": "en",
            "time_zone": "UTC",
            "country": "US",
            "contacts": (("sms", phone, label),),
            "consent_source": "test",
            "consent_version": "1",
        }
        nurse = staff or self.clinic.nurse
        patient = enrol(self.session, self.rt, nurse, Enrolment(**{**form, **changes}))
        if protocol:
            start_plan(self.session, self.rt, nurse, patient.id, protocol, self.now.date())
        return patient

    def incoming(self, text: str, sender: str = "+12025550101", **changes: Any) -> Incoming:
        """A text as a door hands it over, with a provider's id of its own."""
        made = Incoming("sms", sender, text, f"SM{next(self.numbers)}", self.now, "+15550000")
        return replace(made, **changes)

    def receive(self, text: str, sender: str = "+12025550101", **changes: Any) -> Received:
        return inbox.receive(self.session, self.rt, self.incoming(text, sender, **changes))

    def take(self) -> Any:
        """Take the turns that are due."""
        return inbox.take_turns_due(self.session, self.rt, self.now)

    def say(self, *words: str, sender: str = "+12025550101") -> None:
        """Texts come in one after the other, and their turns are taken."""
        for one in words:
            self.receive(one, sender)
            self.take()

    def score(self) -> Any:
        return reports.score_due(self.session, self.rt, self.now)

    def tell(self, *words: str, sender: str = "+12025550101") -> None:
        """Texts come in, turns are taken, reports are scored."""
        self.say(*words, sender=sender)
        self.score()

    def escalations(self, patient: Patient | None = None) -> list[Escalation]:
        found = select(Escalation).order_by(Escalation.requested_at, Escalation.id)
        if patient is not None:
            found = found.where(Escalation.patient_id == patient.id)
        return list(self.session.scalars(found.execution_options(populate_existing=True)))

    def links(self) -> list[EscalationLink]:
        return list(self.session.scalars(select(EscalationLink).order_by(EscalationLink.at, EscalationLink.id)))

    def out(self, purpose: Purpose | None = None) -> list[Communication]:
        """Messages that were queued, oldest first."""
        found = select(Communication).where(Communication.direction == "out")
        if purpose is not None:
            found = found.where(Communication.purpose == purpose.value)
        ordered = found.order_by(Communication.recorded_at, Communication.id)
        return list(self.session.scalars(ordered.execution_options(populate_existing=True)))

    def words(self, *messages: Communication) -> list[str]:
        found = contents(self.session, [one.id for one in messages])
        return [str(found[one.id].text) for one in messages]

    def texts_in(self) -> list[Communication]:
        found = select(Communication).where(Communication.direction == "in")
        ordered = found.order_by(Communication.recorded_at, Communication.id)
        return list(self.session.scalars(ordered.execution_options(populate_existing=True)))

    def all(self, model: Any) -> list[Any]:
        return list(self.session.scalars(select(model).order_by(model.id).execution_options(populate_existing=True)))


def make_world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    """A clinic with the library's content published, the day before the texts of a test begin."""
    clock.forward(days=-1)
    content.publish_seeds(session, clock.now)
    clock.forward(days=1)
    return World(session, rt, clock, clinic, count(1))


DAY = timedelta(days=1)
