"""A follow-up protocol and its due moments as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, get_args

from care.domain.civil import Fold, Gap
from care.domain.plan.calendar import Calendar

Completion = Literal["sameDay", "afterStart", "duringEvent", "anytime"]
COMPLETIONS: tuple[str, ...] = get_args(Completion)
CatchUp = Literal["skip", "once", "all"]
Holiday = Literal["skip", "next-working-day"]


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of a protocol: which questionnaire ('url|version') is asked, when, and for how long it may be answered.

    `times` are wall-clock times of the patient; days count from the plan's start (0 is the start day), `last_day` is
    included, None means without end. `weekdays` (0 is Monday) narrows the days when it is not empty. `remind_after`
    counts from the due moment: the first is 0, the later ones nudge. `expires_after` is elapsed time, not the clock's.

    `completion` says when it may be answered. sameDay: on the local day of the due moment, at any hour of it.
    duringEvent: from the due moment until it expires. afterStart: from the due moment on, after it expired too (then
    it is late). anytime: the same, and before it is due too. Nobody is reminded after it expired.

    `catch_up` says what becomes of what could not be asked in time: because the plan was entered late, because nothing
    was written for a while (an outage), or because the patient moved to a zone where its time has passed. skip: it is
    not asked any more; once: the newest of the action is; all: each is. What may still be answered when an outage ends
    is asked whatever the policy; of several such, skip and once remind of the newest alone, all of each.

    `spread` is how far the first reminder may lie behind the due moment, so that not all patients are written to in
    the same second; always less than the window. `calendar` holds the holidays that `holiday` is about, None for none.
    """

    id: str
    title: Mapping[str, str]
    questionnaire: str
    times: tuple[time, ...]
    every_days: int = 1
    first_day: int = 0
    last_day: int | None = None
    weekdays: tuple[int, ...] = ()
    remind_after: tuple[timedelta, ...] = (timedelta(),)
    expires_after: timedelta = timedelta(days=1)
    completion: Completion = "sameDay"
    gap: Gap = "next"
    fold: Fold = "first"
    catch_up: CatchUp = "skip"
    spread: timedelta = timedelta()
    calendar: Calendar | None = None
    holiday: Holiday = "skip"


@dataclass(frozen=True, slots=True)
class PlanDefinition:
    """A protocol: a version once published is never edited.

    `rules` are ids of rule sets, `bundle` the id of the model that may add to them, `diary` the questionnaire
    ('url|version') that a text sent unasked becomes an answer of. `time_zone` is the zone of all times of the plan;
    None, as usual, means the patient's own.
    """

    url: str
    version: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    actions: tuple[Action, ...]
    rules: tuple[str, ...] = ()
    bundle: str | None = None
    diary: str | None = None
    time_zone: str | None = None

    @property
    def canonical(self) -> str:
        """url|version, what a care plan pins."""
        return f"{self.url}|{self.version}"

    def action(self, action_id: str) -> Action | None:
        """The action of this id, or None."""
        return next((action for action in self.actions if action.id == action_id), None)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One due moment. Its identity in a plan is (action_id, nominal): never an ordinal, never the instant.

    `nominal` is the naive local time the protocol names (of a holiday's, the time it would have had); the others are
    aware, UTC. It may be answered from `opens_at` (None: from `due_at`) until `closes_at` (None: however late); from
    `expires_at` on nobody is reminded. Always opens_at <= due_at < expires_at, and closes_at is expires_at or None.
    """

    action_id: str
    nominal: datetime
    due_at: datetime
    expires_at: datetime
    opens_at: datetime | None = None
    closes_at: datetime | None = None
