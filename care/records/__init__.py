"""The tables, all of them, and the questions we ask them; one file per noun.

Importing this package registers every table on `Base.metadata`.
"""

from care.records import (
    audit_events,
    care_plans,
    communications,
    consents,
    conversations,
    dead_letters,
    definitions,
    escalations,
    flags,
    form_drafts,
    heartbeats,
    idempotency_keys,
    observations,
    organizations,
    paces,
    patients,
    practitioners,
    push_registrations,
    questionnaire_drafts,
    questionnaire_responses,
    risk_assessments,
    sign_ins,
    tasks,
)
from care.records.base import Base

__all__ = [
    "Base",
    "audit_events",
    "care_plans",
    "communications",
    "consents",
    "conversations",
    "dead_letters",
    "definitions",
    "escalations",
    "flags",
    "form_drafts",
    "heartbeats",
    "idempotency_keys",
    "observations",
    "organizations",
    "paces",
    "patients",
    "practitioners",
    "push_registrations",
    "questionnaire_drafts",
    "questionnaire_responses",
    "risk_assessments",
    "sign_ins",
    "tasks",
]
