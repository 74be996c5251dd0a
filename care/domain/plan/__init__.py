"""Plan: a follow-up protocol as a value (PlanDefinition), read from FHIR and expanded to due moments."""

from care.domain.plan.calendar import Calendar, read_calendar
from care.domain.plan.definition import COMPLETIONS, Action, CatchUp, Completion, Holiday, Occurrence, PlanDefinition
from care.domain.plan.document import read_plan
from care.domain.plan.late import CaughtUp, catch_up
from care.domain.plan.occurrences import ends_at, expand, remind_at

__all__ = [
    "COMPLETIONS",
    "Action",
    "Calendar",
    "CatchUp",
    "CaughtUp",
    "Completion",
    "Holiday",
    "Occurrence",
    "PlanDefinition",
    "catch_up",
    "ends_at",
    "expand",
    "read_calendar",
    "read_plan",
    "remind_at",
]
