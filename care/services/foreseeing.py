"""Foreseeing: what a patient on a protocol will get and when, in the words that will stand on the phone.

It asks the same functions that write the tasks, decide the reminders, choose the way and make the words, so that a
preview can be held against what then happens. Nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.civil import local, start_of_day, zone_of
from care.domain.codes import CarePlanStatus, Purpose
from care.domain.conversation import begin, remind
from care.domain.message import Capabilities
from care.domain.plan import Foreseen, PlanDefinition, days_off, foresee, remind_at, reminded
from care.domain.reach import best
from care.domain.segments import Size, size
from care.domain.turn import Desk, OpenTask, Talk
from care.errors import Invalid
from care.library import notices
from care.records.care_plans import CarePlan
from care.records.ids import new_id
from care.records.patients import Patient, Person, contact_points
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, speaking
from care.services.consents import ledger_of
from care.services.departures import QUIET

LONGEST = 26  # weeks
_OPEN = ("ready", "in-progress")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom it is foreseen for: a patient, or somebody made up for a look at the protocol alone.

    `channels` are those that may be used, the preferred one first.
    """

    language: str
    time_zone: str
    country: str
    channels: tuple[str, ...]
    glucose_unit: str = "mg/dL"


@dataclass(frozen=True, slots=True)
class Saying:
    """Words as they will look on the phone. `times`: how often they come if nothing is ever answered.

    `size` is None on a channel that is not paid by the part. `after`: what comes when the patient says OK to them, the
    messages for each thing that they are sent for.
    """

    words: str
    kind: str
    times: int
    size: Size | None
    after: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """How much it comes to. `least` is when everything is answered at once, `most` when nothing ever is.

    The parts are None where nobody pays by the part, the costs where no price is known.
    """

    least: int
    most: int
    least_parts: int | None = None
    most_parts: int | None = None
    least_cost: Decimal | None = None
    most_cost: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody will get from `since` until `until`. `channel` is "" where no way reaches them."""

    reader: Reader
    channel: str
    able: Capabilities | None
    since: datetime
    until: datetime
    asked: tuple[Foreseen, ...]
    sayings: tuple[Saying, ...]
    said: Mapping[tuple[str, int], int]
    off: Mapping[date, date | None]
    tally: Tally

    def saying(self, one: Foreseen, number: int) -> int:
        """Which of `sayings` a reminder of this is."""
        return self.said[one.action.id, min(number, 1)]


Prices = Mapping[str, tuple[Decimal, str]]
"""What one part of an SMS costs, by country, and in which currency."""


def reader_of(session: Session, rt: Runtime, patient: Patient) -> Reader:
    """The patient as a reader: their active contact points for which there is consent, in their order."""
    ledger = ledger_of(session, [patient.id])
    points = [one for one in contact_points(session, patient.id) if one.status == "active"]
    names = tuple(one.channel for one in points if ledger.allows(patient.id, one.channel))
    return Reader(patient.language, patient.time_zone, patient.country, names, patient.glucose_unit)


def before_start(
    session: Session, rt: Runtime, protocol: PlanDefinition, reader: Reader, starts_on: date, weeks: int, prices: Prices
) -> Preview:
    """What will come in the first weeks were the plan started now. Raises Invalid (a zone, a length)."""
    now, own = rt.now(), zone_of(protocol.time_zone or reader.time_zone)
    since = start_of_day(starts_on, own)
    until = _until(max(local(now, own).date(), starts_on), weeks, own)
    found = foresee(protocol, starts_on, reader.time_zone, since, until, now, starting=True)
    asked = reminded(protocol, found, reader.time_zone, QUIET, lambda action, one: one.due_at, now)
    off = days_off(protocol, starts_on, reader.time_zone, max(since, now), until)
    return _preview(session, rt, protocol, reader, (max(since, now), until), asked, off, prices)


def of_plan(session: Session, rt: Runtime, plan: CarePlan, patient: Patient, weeks: int, prices: Prices) -> Preview:
    """What will still come of a plan; nothing of one that is not active."""
    now, protocol = rt.now(), content.plan(session, plan.definition_id)
    reader = reader_of(session, rt, patient)
    own = zone_of(protocol.time_zone or reader.time_zone)
    until = _until(local(now, own).date(), weeks, own)
    over = select(Task.action_id, Task.nominal).where(Task.care_plan_id == plan.id, Task.status.not_in(_OPEN))
    done = {(row.action_id, row.nominal) for row in session.execute(over.where(Task.due_at >= now))}
    found = foresee(protocol, plan.starts_on, reader.time_zone, now, until, now, starting=False)
    if plan.status != CarePlanStatus.ACTIVE:
        found = []
    left = [one for one in found if (one.action_id, one.nominal) not in done]
    asked = reminded(protocol, left, reader.time_zone, QUIET, lambda action, one: remind_at(action, one, plan.id), now)
    off = days_off(protocol, plan.starts_on, reader.time_zone, now, until) if found else {}
    return _preview(session, rt, protocol, reader, (now, until), asked, off, prices)


def _until(first: date, weeks: int, zone: ZoneInfo) -> datetime:
    """The midnight that so many weeks from the first day end with, whatever the clocks do meanwhile."""
    if not 0 < weeks <= LONGEST:
        raise Invalid("bad-number", f"a preview is 1 to {LONGEST} weeks long", place="weeks")
    return start_of_day(first + timedelta(weeks=weeks), zone)


def _preview(
    session: Session,
    rt: Runtime,
    protocol: PlanDefinition,
    reader: Reader,
    span: tuple[datetime, datetime],
    asked: Sequence[Foreseen],
    off: Mapping[date, date | None],
    prices: Prices,
) -> Preview:
    channel, able = _way(rt, reader)
    speaker = _Speaker(session, rt, protocol, reader, channel, able)
    times: Counter[tuple[str, int]] = Counter()
    for one in asked:
        times.update((one.action.id, min(sent.number, 1)) for sent in one.reminders)
    sayings: list[Saying] = []
    said: dict[tuple[str, int], int] = {}
    for name, count in times.items():
        made = speaker.saying(*name, count)
        same = next((n for n, known in enumerate(sayings) if known.words == made.words), None)
        if same is None:
            said[name] = len(sayings)
            sayings.append(made)
        else:
            said[name] = same
            after = tuple(dict.fromkeys((*sayings[same].after, *made.after)))
            sayings[same] = Saying(made.words, made.kind, sayings[same].times + count, made.size, after)
    tally = _tally(asked, sayings, said, prices.get(reader.country), able)
    return Preview(reader, channel, able, *span, tuple(asked), tuple(sayings), said, off, tally)


def _way(rt: Runtime, reader: Reader) -> tuple[str, Capabilities | None]:
    """The channel that a reminder takes, as `services.reaching` chooses it."""
    spots = [
        (name, rt.channels[name].capabilities.in_country(reader.country))
        for name in reader.channels
        if name in rt.channels
    ]
    name = best(Purpose.REMINDER, spots, rt.data_locations)
    return (name, dict(spots)[name]) if name is not None else ("", None)


class _Speaker:
    """What reminders say to one reader by one channel."""

    def __init__(
        self,
        session: Session,
        rt: Runtime,
        protocol: PlanDefinition,
        reader: Reader,
        channel: str,
        able: Capabilities | None,
    ) -> None:
        self.protocol, self.reader, self.able = protocol, reader, able
        self._channel = rt.channels.get(channel)
        self._url = speaking.page(rt.public_url) if able is not None and able.links else ""
        nobody = new_id()
        self._person = Person(
            nobody, nobody, nobody, reader.language, reader.time_zone, reader.country, reader.glucose_unit, "active"
        )
        self._now, self._public_url = rt.now(), rt.public_url
        self._form = cache(lambda canonical: content.questionnaire(session, canonical))

    def saying(self, action_id: str, number: int, times: int) -> Saying:
        """What a reminder of this action says, the first (0) or a nudge."""
        if speaking.shows_words(self._channel, self.reader.country):
            desk, task = self._desk(action_id)
            talk = Talk("asking", task.questionnaire, task.id) if number else None
            return Saying(remind(task, desk, talk).says[0].text, "words", times, None)
        key = notices.AGAIN if number else notices.REMINDER
        two_way = self.able is not None and self.able.two_way
        words = notices.notice(self.reader.language, key, two_way=two_way, url=self._url)
        paid = size(words) if self.able is not None and self.able.segments else None
        return Saying(words, "notice", times, paid, (self._after(action_id),) if two_way else ())

    def _after(self, action_id: str) -> tuple[str, ...]:
        """What an OK is answered with: the first question, in as many messages as it takes."""
        desk, task = self._desk(action_id)
        return tuple(one.text for one in begin(task, desk).says)

    def _desk(self, action_id: str) -> tuple[Desk, OpenTask]:
        action = self.protocol.action(action_id)
        assert action is not None, "only actions of the protocol are foreseen"
        task = OpenTask("foreseen", action.questionnaire, action.title, self._now)
        desk = speaking.desk(self._person, self._now, self._form, (task,), None, self._channel, self._public_url)
        return desk, task


def _tally(
    asked: Sequence[Foreseen],
    sayings: Sequence[Saying],
    said: Mapping[tuple[str, int], int],
    price: tuple[Decimal, str] | None,
    able: Capabilities | None,
) -> Tally:
    least = sum(1 for one in asked if one.reminders)
    most = sum(len(one.reminders) for one in asked)
    if able is None:
        return Tally(0, 0)
    if not able.segments:
        return Tally(least, most)

    def parts(every: bool) -> int:
        sent = [(one, r.number) for one in asked for r in one.reminders if every or r.number == 0]
        sizes = [sayings[said[one.action.id, min(number, 1)]].size for one, number in sent]
        return sum(found.segments for found in sizes if found is not None)

    few, many = parts(False), parts(True)
    if price is None:
        return Tally(least, most, few, many)
    return Tally(least, most, few, many, few * price[0], many * price[0], price[1])
