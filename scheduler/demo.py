"""`flask demo`: a simulated month. Reminders go out, people answer, some get worse, the ward is paged and looks.

Only the people are simulated; every job is the real one, woken by a clock that is moved. What was lost or doubled is
counted on the phones and in the tables, not by the code that sends.
"""

from __future__ import annotations

import heapq
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from care.domain.codes import EscalationStatus, Outcome
from care.domain.message import Incoming, Outgoing
from care.domain.questionnaire import Item, in_language
from care.errors import Conflict
from care.library import emergency_number, texts
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Assess, Runtime
from care.services import audits, content, enrolment, escalations, inbox, plans
from scheduler.people import ZONES, Due, Person, invent
from scheduler.simulation import Phones, SimulatedClock, Ward, open_ward, runtime, settle
from scheduler.wards import added, side_by_side

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # a Monday in the week before clocks change in New York
BASE = "https://care.invalid/fhir/PlanDefinition/"
JOBS = ("expand", "remind", "turns", "score", "page", "deliver")
# How often the metronome is simulated; people answer in between. Finer where somebody reads along.
STEP, STEP_TO_READ = timedelta(minutes=60), timedelta(minutes=10)


@dataclass
class Month:
    """One simulated month: the people, the ward, and what they are going to do, in a heap by time."""

    engine: Engine
    assess: Assess
    people: list[Person]
    days: int
    seed: int
    show: Callable[[str], None] | None = None
    to_come: list[Due] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Live through the month and return the figures of the contract."""
        self.clock = SimulatedClock(START)
        self.phones = Phones(ring=self._rings)
        self.chance = random.Random(self.seed)
        self.by_address = {person.address: person for person in self.people}
        self.order = 0
        self.pages = 0
        self.sent_texts: set[str] = set()
        rt = runtime(self.clock, self.phones, self.assess)
        with Session(self.engine, expire_on_commit=False) as session:
            ward = open_ward(session, START, "US", "America/New_York")
            content.publish_seeds(session, START)
            self._enrol(session, rt, ward)
            end = START + timedelta(days=self.days)
            earliest = settle(session, rt, JOBS)
            while (moment := self._next(earliest)) is not None and moment < end:
                self.clock.to(moment)
                written = self._act(session, rt, ward)
                earliest = settle(session, rt, JOBS, known=("turns", "score", "deliver") if written else ())
            self.clock.to(end)
            while audits.seal_due(session, end):
                pass
            return self._figures(session, end)

    def _enrol(self, session: Session, rt: Runtime, ward: Ward) -> None:
        protocols = {d.url: d.canonical for d in content.protocols(session)}
        for person in self.people:
            zone, country = ZONES[person.language]
            form = enrolment.Enrolment(
                name=person.name,
                birth_date="1950-01-01",
                record_number=f"DEMO-{person.number:04d}",
                language=person.language,
                time_zone=zone,
                country=country,
                contacts=(("console", person.address, None),),
                consent_source="demo",
                consent_version="1",
                glucose_unit="mg/dL" if person.language == "en" else "mmol/L",
            )
            patient = enrolment.enrol(session, rt, ward.nurse, form)
            plans.start_plan(session, rt, ward.nurse, patient.id, protocols[BASE + person.protocol], START.date())
        self.questions = self._questions(session)

    def _questions(self, session: Session) -> list[Item]:
        """Every question of every protocol, the longest wording first, so that a message shows what it asks."""
        canonicals = {
            action.questionnaire
            for definition in content.protocols(session)
            for action in content.plan(session, definition.canonical).actions
        }
        found: list[Item] = []
        for canonical in sorted(canonicals):
            found += content.questionnaire(session, canonical).questions
        return sorted(found, key=lambda item: -len(in_language(item.text, "en")))

    def _next(self, earliest: datetime | None) -> datetime | None:
        """The next moment at which anything happens, rounded up to the step at which the metronome is simulated."""
        moments = [one for one in (earliest, self.to_come[0].at if self.to_come else None) if one]
        if not moments:
            return None
        step = STEP_TO_READ if self.show else STEP
        steps = -(-(min(moments) - START) // step)
        return max(self.clock.now + step, START + steps * step)

    def _rings(self, message: Outgoing) -> None:
        """A phone or a pager gets a message; its owner decides what to do."""
        self._print("->", message.to, message.text)
        if message.to.startswith("pager-"):
            self.pages += 1
            if self.chance.random() < 0.8:
                self._later(timedelta(minutes=self.chance.randrange(2, 20)), message.to, "look")
            return
        person = self.by_address[message.to]
        if person.writing:
            return  # whoever is about to answer does not answer twice
        item = self._asked(message.text, person.language)
        day = (self.clock.now - START).days
        if item is not None and person.will_answer(day):
            words = person.answer(item.link_id, item.type, len(item.options), day)
            self._later(person.answer_after(), person.address, words)
        elif message.text == self._advice(person) and self.chance.random() < 0.8:
            self._later(timedelta(minutes=15), person.address, f"glucose {person.recovered()}")
        elif item is None and (stray := person.stray_text()):
            self._later(person.answer_after(), person.address, stray)

    def _advice(self, person: Person) -> str:
        """What somebody with a low reading is told: to treat it and to measure again."""
        country = ZONES[person.language][1]
        return texts().say(person.language, "low-glucose-repeat", number=emergency_number(country))

    def _asked(self, message: str, language: str) -> Item | None:
        flat = re.sub(r"\s+", " ", message)
        for item in self.questions:
            wording = re.sub(r"\s+", " ", in_language(item.text, language))
            if wording in flat:
                return item
        return None

    def _later(self, after: timedelta, who: str, words: str) -> None:
        person = self.by_address.get(who)
        if person is not None:
            person.writing = True
        self.order += 1
        due = Due(self.clock.now + after, self.order, who, words, person.next_id() if person else "")
        heapq.heappush(self.to_come, due)

    def _act(self, session: Session, rt: Runtime, ward: Ward) -> bool:
        """Everybody does what they were going to do by now. Returns whether anybody wrote."""
        arrived: list[Incoming] = []
        while self.to_come and self.to_come[0].at <= self.clock.now:
            due = heapq.heappop(self.to_come)
            if due.who.startswith("pager-"):
                self._look(session, rt, ward, due.who)
                continue
            self.by_address[due.who].writing = False
            incoming = Incoming("console", due.who, due.text, due.external_id, due.at)
            self.sent_texts.add(due.external_id)
            self._print("<-", due.who, due.text)
            arrived += [incoming, incoming] if self.chance.random() < 0.02 else [incoming]  # some providers call twice
        if arrived:
            inbox.receive_many(session, rt, arrived)
        return bool(arrived)

    def _look(self, session: Session, rt: Runtime, ward: Ward, pager: str) -> None:
        """Whoever was paged takes what nobody has, and closes it."""
        staff = ward.nurse if pager == "pager-nurse" else ward.clinician
        waiting = select(Escalation.id).where(Escalation.status == EscalationStatus.REQUESTED.value)
        for escalation_id in session.scalars(waiting.order_by(Escalation.requested_at)).all():
            self._close(session, rt, staff, escalation_id)

    def _close(self, session: Session, rt: Runtime, staff: Any, escalation_id: UUID) -> None:
        try:
            escalations.accept(session, rt, staff, escalation_id)
        except Conflict:
            session.rollback()
            return
        outcome = self.chance.choice((Outcome.PHONED, Outcome.ADJUSTED, Outcome.FALSE_ALARM))
        escalations.complete(session, rt, staff, escalation_id, outcome, "")
        self._print("==", staff.role.value, f"closed an escalation: {outcome.value}")

    def _figures(self, session: Session, end: datetime) -> dict[str, Any]:
        due = session.execute(select(Task.id, Task.status, Task.status_reason).where(Task.due_at < end)).all()
        reminded = select(Communication.task_id, Communication.id, Communication.dedupe).where(
            Communication.direction == "out",
            Communication.task_id.isnot(None),
            Communication.dedupe.like("reminder:%"),
        )
        reminders = session.execute(reminded).all()
        handed = {row.task_id for row in reminders if self.phones.handed[row.id]}
        stopped = self._without_reminder(session)
        lost_tasks = [row for row in due if row.id not in handed and row.id not in stopped]
        kept = set(session.scalars(select(Communication.external_id).where(Communication.direction == "in")))
        reports = self._count(session, QuestionnaireResponse)
        escalated = self._count(session, Escalation)
        unjudged = session.scalar(
            select(func.count()).select_from(QuestionnaireResponse).where(QuestionnaireResponse.judged.is_(None))
        )
        sent = sum(1 for row in reminders if self.phones.handed[row.id])
        different = len({row.dedupe for row in reminders if self.phones.handed[row.id]})
        return {
            "patients": len(self.people),
            "days": self.days,
            "tasks_due": len(due),
            "reminders_sent": sent,
            "duplicates": self.phones.twice + sent - different,
            "lost": len(lost_tasks) + len(self.sent_texts - kept) + int(unjudged or 0),
            "texts_in": len(self.sent_texts),
            "reports": reports,
            "escalations": escalated,
            "pages": self.pages,
            "pages_per_patient_week": 0.0,
            "alerts_per_100_reports": 0.0,
        }

    def _without_reminder(self, session: Session) -> set[UUID]:
        """Tasks that rightly got no reminder: answered before it was due, or the patient had opted out."""
        fair = select(Task.id).where(
            (Task.status == "completed") | Task.status_reason.in_(("answered", "no-consent", "withdrawn"))
        )
        return set(session.scalars(fair))

    def _count(self, session: Session, model: Any) -> int:
        return session.scalar(select(func.count()).select_from(model)) or 0

    def _print(self, mark: str, who: str, words: str) -> None:
        if self.show is not None:
            moment = self.clock.now.strftime("%a %d %H:%M")
            self.show(f"{moment}  {mark} {who:<16} {' / '.join(words.splitlines())}")


def demo(
    urls: list[str], assess: Assess, patients: int, days: int, seed: int, show: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Live through `days` days with `patients` people; the same seed and number of databases give the same month.

    With two empty databases, people of the East and of the West are followed by two wards side by side, since they
    sleep at different hours. With `show` there is one ward, so that what is printed is in order.
    """
    people = invent(patients, days, seed)
    started = time.monotonic()
    parts = [people] if show or len(urls) < 2 else [[p for p in people if p.west], [p for p in people if not p.west]]
    work = [(url, assess, part, days, seed, show) for url, part in zip(urls, parts, strict=False) if part]
    total = added(side_by_side(_month, work))
    total["days"] = days
    total["pages_per_patient_week"] = round(total["pages"] / patients / (days / 7), 3)
    total["alerts_per_100_reports"] = round(100 * total["escalations"] / max(1, total["reports"]), 2)
    total["seconds"] = round(time.monotonic() - started, 1)
    return total


def _month(
    url: str, assess: Assess, people: list[Person], days: int, seed: int, show: Callable[[str], None] | None
) -> dict[str, Any]:
    engine = create_engine(url)
    try:
        return Month(engine, assess, people, days, seed, show).run()
    finally:
        engine.dispose()
