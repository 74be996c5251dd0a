"""Plan: a follow-up protocol as a value (PlanDefinition), read from FHIR and expanded to due moments."""

from care.domain.plan.definition import COMPLETIONS, Action, Completion, Occurrence, PlanDefinition
from care.domain.plan.document import read_plan
from care.domain.plan.occurrences import expand

__all__ = ["COMPLETIONS", "Action", "Completion", "Occurrence", "PlanDefinition", "expand", "read_plan"]
