"""`flask replay diaries`: a real diary goes in as its patients' texts, day by day, and every entry is accounted for.

What is counted is read back from the tables and held against the file: the replay asks the system only where each
text went, and decides by itself which readings were low.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from care.domain.codes import Outcome
from care.domain.message import Incoming
from care.records.communications import Communication
from care.records.escalations import Escalation, EscalationLink
from care.records.questionnaire_responses import QuestionnaireResponse
from care.runtime import Assess, Runtime
from care.services import audits, content, enrolment, inbox, plans
from scheduler.diary import LOW, VERY_LOW, ZONE, Line, read_lines
from scheduler.simulation import Phones, SimulatedClock, Ward, attend, open_escalations, open_ward, runtime, settle
from scheduler.wards import added, side_by_side

PROTOCOL = "https://care.invalid/fhir/PlanDefinition/diabetes-diary"
JOBS = ("turns", "score", "page", "deliver")


@dataclass
class Replay:
    """One replay: the file's lines, the outside, and where to write."""

    engine: Engine
    assess: Assess
    lines: list[Line]
    phones: Phones = field(default_factory=Phones)

    def run(self) -> dict[str, Any]:
        """Replay everything and return the figures of the contract."""
        clock = SimulatedClock(self.lines[0].at - timedelta(days=1))
        rt = runtime(clock, self.phones, self.assess)
        with Session(self.engine, expire_on_commit=False) as session:
            ward = open_ward(session, rt.now(), "US", ZONE)
            content.publish_seeds(session, rt.now())
            self.known: set[str] = set()
            for number, (day, lines) in enumerate(self._days(), 1):
                self._live(session, rt, clock, ward, day, lines)
                if number % 7 == 0:
                    settle(session, rt, JOBS)  # replies leave in bigger batches than they would in life
                session.expunge_all()  # a month of rows is not carried into the next
            settle(session, rt, JOBS)
            while audits.seal_due(session, rt.now()):
                pass
            return self._figures(session)

    def _enrol(self, session: Session, rt: Runtime, ward: Ward, patient: str, day: date) -> None:
        """A patient joins on the day of their first entry."""
        self.known.add(patient)
        form = enrolment.Enrolment(
            name=f"Diary Patient {patient}",
            birth_date=None,
            record_number=f"AIM94-{patient}",
            language="en",
            time_zone=ZONE,
            country="US",
            contacts=(("console", f"diary-{patient}", None),),
            consent_source="replay",
            consent_version="1",
            glucose_unit="mg/dL",
        )
        enrolled = enrolment.enrol(session, rt, ward.nurse, form)
        canonical = next(d.canonical for d in content.protocols(session) if d.url == PROTOCOL)
        plans.start_plan(session, rt, ward.nurse, enrolled.id, canonical, day)

    def _days(self) -> Iterator[tuple[date, list[Line]]]:
        zone = ZoneInfo(ZONE)
        for day, lines in groupby(self.lines, key=lambda line: line.at.astimezone(zone).date()):
            yield day, list(lines)

    def _live(
        self, session: Session, rt: Runtime, clock: SimulatedClock, ward: Ward, day: date, lines: list[Line]
    ) -> None:
        """One day: its texts come in, are answered, scored and delivered; in the evening the nurse clears her list."""
        clock.to(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)))
        for patient in sorted({line.patient for line in lines} - self.known):
            self._enrol(session, rt, ward, patient, day)
        texts = [
            Incoming("console", f"diary-{line.patient}", line.text, f"line-{line.number}", line.at) for line in lines
        ]
        clock.to(lines[-1].at)
        inbox.receive_many(session, rt, texts)
        settle(session, rt, ("page",), known=("turns", "score"))
        evening = datetime(day.year, day.month, day.day, 23, 59, tzinfo=ZoneInfo(ZONE))
        clock.to(evening)
        attend(session, rt, ward.nurse, open_escalations(session), Outcome.PHONED)

    def _figures(self, session: Session) -> dict[str, Any]:
        """Hold the file against the tables."""
        inbound = select(Communication.id, Communication.external_id, Communication.status_reason).where(
            Communication.direction == "in"
        )
        texts = {row.external_id: row for row in session.execute(inbound)}
        reported = select(QuestionnaireResponse.communication_id, func.array_agg(QuestionnaireResponse.id))
        by_text = session.execute(reported.group_by(QuestionnaireResponse.communication_id))
        reports: dict[UUID | None, list[UUID]] = {row[0]: list(row[1]) for row in by_text}
        linked = set(session.scalars(select(EscalationLink.response_id).where(EscalationLink.response_id.isnot(None))))
        escalations = session.scalar(select(func.count()).select_from(Escalation)) or 0
        refused: Counter[str] = Counter()
        tally: Counter[str] = Counter()
        for line in self.lines:
            row = texts.get(f"line-{line.number}")
            of_line = reports.get(row.id, []) if row else []
            if of_line:
                tally["accepted"] += 1
                tally["more_than_one_report"] += len(of_line) > 1
            else:
                tally["refused"] += 1
                refused[(row.status_reason or "lost") if row else "lost"] += 1
            tally["glucose"] += line.is_glucose
            below = line.below
            if below is None or below >= LOW:
                continue
            tally["below_70"] += 1
            tally["below_54"] += below < VERY_LOW
            tally["meter_lo"] += "lo" in line.value.lower()
            tally["escalated"] += any(report in linked for report in of_line)
        return {
            "patients": len({line.patient for line in self.lines}),
            "entries": len(self.lines),
            "accepted": tally["accepted"],
            "refused": tally["refused"],
            "refused_by_reason": {key.removeprefix("refused:"): count for key, count in sorted(refused.items())},
            "glucose_readings": tally["glucose"],
            "below_70": tally["below_70"],
            "below_54": tally["below_54"],
            "meter_lo": tally["meter_lo"],
            "escalated_low": tally["escalated"],
            "unescalated_low": tally["below_70"] - tally["escalated"],
            "escalations": escalations,
            "alerts_per_100_reports": 0.0,
            "duplicates": tally["more_than_one_report"] + self.phones.twice + max(0, len(texts) - len(self.lines)),
            "replies": len(self.phones.handed),
        }


def replay(urls: list[str], assess: Assess, path: Path) -> dict[str, Any]:
    """Replay the diary at `path`, one ward for each of the empty databases, side by side; their figures added up.

    Patients are split by when they kept their diary, so that each ward lives through years of its own. Raises Invalid
    for a file of another format.
    """
    started = time.monotonic()
    parts = split(read_lines(path), len(urls))
    work = [(url, assess, lines) for url, lines in zip(urls, parts, strict=True) if lines]
    total = added(side_by_side(_ward, work))
    total["alerts_per_100_reports"] = round(100 * total["escalations"] / max(1, total["accepted"]), 2)
    total["seconds"] = round(time.monotonic() - started, 1)
    return total


def split(lines: list[Line], parts: int) -> list[list[Line]]:
    """The lines in `parts` groups of about equal size: no patient in two of them, earlier diaries before later ones."""
    first: dict[str, datetime] = {}
    size: Counter[str] = Counter()
    for line in lines:
        first.setdefault(line.patient, line.at)
        size[line.patient] += 1
    group: dict[str, int] = {}
    done = 0
    for patient in sorted(first, key=lambda one: (first[one], one)):
        group[patient] = min(parts - 1, done * parts // len(lines))
        done += size[patient]
    return [[line for line in lines if group[line.patient] == part] for part in range(parts)]


def _ward(url: str, assess: Assess, lines: list[Line]) -> dict[str, Any]:
    engine = create_engine(url)
    try:
        return Replay(engine, assess, lines).run()
    finally:
        engine.dispose()


def holds(figures: dict[str, Any]) -> bool:
    """Whether the figures add up to the file and nothing was lost, doubled or left without an escalation."""
    return (
        figures["accepted"] + figures["refused"] == figures["entries"]
        and sum(figures["refused_by_reason"].values()) == figures["refused"]
        and "lost" not in figures["refused_by_reason"]
        and figures["unescalated_low"] == 0
        and figures["duplicates"] == 0
    )
