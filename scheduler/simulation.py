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
from scheduler.jobs import job


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
    capabilities: Capabilities = field(default_factory=Capabilities)
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


WAITING = text(
    """
    SELECT
        EXISTS (SELECT 1 FROM care_plan WHERE expand_at <= :now) AS expand,
        EXISTS (SELECT 1 FROM task WHERE remind_at <= :now) AS remind,
        EXISTS (SELECT 1 FROM communication WHERE take_at <= :now) AS turns,
        EXISTS (SELECT 1 FROM questionnaire_response WHERE score_at <= :now) AS score,
        EXISTS (SELECT 1 FROM escalation WHERE page_at <= :now) AS page,
        EXISTS (SELECT 1 FROM communication WHERE send_at <= :now) AS deliver
    """
)


# What a job leaves behind for another one in the same round, so that there need be no second look for it.
FEEDS = {"score": {"turns"}, "deliver": {"turns", "score", "page", "remind"}}


def settle(session: Session, rt: Runtime, names: Iterable[str]) -> None:
    """Run these jobs, in this order, until none of their queues has anything due at this moment.

    A queue that is not empty is asked in one look, so that simulated time costs what happens in it and not its ticks.
    """
    wanted = [job(name) for name in names]
    for _ in range(1_000):
        waiting = session.execute(WAITING, {"now": rt.now()}).one()._mapping
        session.rollback()
        due = {one.name for one in wanted if waiting[one.name]}
        if not due:
            return
        for one in wanted:
            if one.name in due or due & FEEDS.get(one.name, set()):
                one.run(session, rt)
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
