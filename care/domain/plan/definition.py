"""A follow-up protocol and its due moments as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, get_args

from care.domain.civil import Fold, Gap

Completion = Literal["sameDay", "afterStart", "duringEvent", "anytime"]
COMPLETIONS: tuple[str, ...] = get_args(Completion)


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of a protocol: which questionnaire ('url|version') is asked, when, and for how long it may be answered.

    `times` are wall-clock times of the patient; days count from the plan's start (0 is the start day), `last_day` is
    included, None means without end. `weekdays` (0 is Monday) narrows the days when it is not empty. `remind_after`
    counts from the due moment: the first is 0, the later ones nudge.
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


@dataclass(frozen=True, slots=True)
class PlanDefinition:
    """A protocol: a version once published is never edited.

    `rules` are ids of rule sets, `bundle` the id of the model that may add to them, `diary` the questionnaire
    ('url|version') that a text sent unasked becomes an answer of.
    """

    url: str
    version: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    actions: tuple[Action, ...]
    rules: tuple[str, ...] = ()
    bundle: str | None = None
    diary: str | None = None

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

    `nominal` is the naive local time the protocol names; `due_at` and `expires_at` are aware, UTC.
    """

    action_id: str
    nominal: datetime
    due_at: datetime
    expires_at: datetime
