"""Plan: a follow-up protocol as a value (PlanDefinition), read from FHIR and expanded to due moments."""

from care.domain.plan.calendar import Calendar, read_calendar
from care.domain.plan.definition import COMPLETIONS, Action, CatchUp, Completion, Holiday, Occurrence, PlanDefinition
from care.domain.plan.difference import Change, difference
from care.domain.plan.document import read_plan
from care.domain.plan.foreseen import Foreseen, Reminding, days_off, foresee, reminded
from care.domain.plan.late import CaughtUp, catch_up
from care.domain.plan.occurrences import ends_at, expand, remind_at

__all__ = [
    "COMPLETIONS",
    "Action",
    "Calendar",
    "CatchUp",
    "CaughtUp",
    "Change",
    "Completion",
    "Foreseen",
    "Holiday",
    "Occurrence",
    "PlanDefinition",
    "Reminding",
    "catch_up",
    "days_off",
    "difference",
    "ends_at",
    "expand",
    "foresee",
    "read_calendar",
    "read_plan",
    "remind_at",
    "reminded",
]
