"""Simulated time: a clock that is moved, phones that write down what they get, a ward that is staffed by a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.codes import Outcome, Role
from care.domain.message import Capabilities, Incoming, Outgoing, Receipt, Sent, WebhookCall
from care.domain.people import Staff
from care.errors import NotAllowed
from care.records.escalations import Escalation
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.runtime import Assess, Runtime
from care.services import escalations
from scheduler.jobs import drain, job


@dataclass
class SimulatedClock:
    """A clock that only moves when it is told to, and never back."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def to(self, moment: datetime) -> None:
        """Move on to `moment`, if that is later."""
        self.now = max(self.now, moment)


@dataclass
class Phones:
    """The console channel of a simulation: every phone and pager there is. Counts each message that it is handed.

    `ring` is called with every message; a message handed over twice shows in `handed`.
    """

    ring: Callable[[Outgoing], None] | None = None
    name: str = "console"
    enabled: bool = True
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(private=True))
    handed: Counter[UUID] = field(default_factory=Counter)

    def verify(self, call: WebhookCall) -> None:
        """The simulation has no webhooks."""
        raise NotAllowed("console", "the console takes no calls")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """The simulation has no webhooks."""
        raise NotAllowed("console", "the console takes no calls")

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """The simulation has no webhooks."""
        raise NotAllowed("console", "the console takes no calls")

    def send(self, message: Outgoing) -> Sent:
        """Hand a message to a phone; it arrives at once."""
        self.handed[message.id] += 1
        if self.ring is not None:
            self.ring(message)
        return Sent(f"console-{message.id}", delivered=True)

    @property
    def twice(self) -> int:
        """How many messages were handed over more than once."""
        return sum(1 for count in self.handed.values() if count > 1)


@dataclass(frozen=True)
class Ward:
    """A team with one nurse and one clinician, both plainly invented."""

    organization: Organization
    team: CareTeam
    nurse: Staff
    clinician: Staff


def open_ward(session: Session, now: datetime, country: str, zone: str) -> Ward:
    """Write the organization, the team and its two members of staff."""
    organization = Organization(name="Simulated Hospital", country=country, time_zone=zone, inbound_address="console")
    session.add(organization)
    session.flush()
    team = CareTeam(organization_id=organization.id, name="Simulated Team", default=True)
    session.add(team)
    session.flush()
    people = []
    for role in (Role.NURSE, Role.CLINICIAN):
        person = Practitioner(
            organization_id=organization.id,
            care_team_id=team.id,
            role=role.value,
            username=f"simulated-{role.value}",
            name=f"Simulated {role.value}",
            password_hash="!",  # noqa: S106  (no password opens this account)
            active=True,
            page_channel="console",
            page_address=f"pager-{role.value}",
            created_at=now,
        )
        session.add(person)
        people.append(person)
    session.flush()
    return Ward(organization, team, people[0].staff(), people[1].staff())


def runtime(clock: SimulatedClock, phones: Phones, assess: Assess) -> Runtime:
    """The outside of a simulation: its clock, its phones, and the real models."""
    return Runtime(clock=clock, channels={"console": phones}, assess=assess)


# The earliest moment in each queue, by the name of its job. A minimum is read off the end of the queue's own index.
EARLIEST = text(
    """
    SELECT
        (SELECT min(expand_at) FROM care_plan WHERE expand_at IS NOT NULL) AS expand,
        (SELECT min(remind_at) FROM task WHERE remind_at IS NOT NULL) AS remind,
        (SELECT min(take_at) FROM communication WHERE take_at IS NOT NULL) AS turns,
        (SELECT min(score_at) FROM questionnaire_response WHERE score_at IS NOT NULL) AS score,
        (SELECT min(page_at) FROM escalation WHERE page_at IS NOT NULL) AS page,
        (SELECT min(send_at) FROM communication WHERE send_at IS NOT NULL) AS deliver
    """
)
MOST = 150  # rows: a job that found fewer has surely found all


def settle(session: Session, rt: Runtime, names: Iterable[str], known: Iterable[str] = ()) -> datetime | None:
    """Run these jobs, the first that has anything due each time, until nothing is due at this moment.

    Simulated time so costs what happens in it and not its ticks. `known` are run first, without looking: they are
    known to be due. Returns the earliest moment still to come, if any.
    """
    for name in known:
        drain(job(name), session, rt, most=MOST)
    wanted = [job(name) for name in names]
    for _ in range(1_000):
        earliest = session.execute(EARLIEST).one()._mapping
        session.rollback()
        due = next((one for one in wanted if earliest[one.name] and earliest[one.name] <= rt.now()), None)
        if due is None:
            return min((earliest[one.name] for one in wanted if earliest[one.name]), default=None)
        drain(due, session, rt, most=MOST)
    raise RuntimeError("the queues do not come to rest")


def attend(session: Session, rt: Runtime, staff: Staff, escalation_ids: Iterable[UUID], outcome: Outcome) -> int:
    """Have `staff` accept and complete these escalations, as a person would through the worklist."""
    count = 0
    for escalation_id in escalation_ids:
        escalations.accept(session, rt, staff, escalation_id)
        escalations.complete(session, rt, staff, escalation_id, outcome, "")
        count += 1
    return count


def open_escalations(session: Session) -> list[UUID]:
    """The ids of everything still open, oldest first."""
    found = select(Escalation.id).where(Escalation.status != "completed").order_by(Escalation.requested_at)
    return list(session.scalars(found))
