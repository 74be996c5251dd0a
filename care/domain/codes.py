"""Statuses and priorities, spelt as FHIR R4 spells them; our own only where FHIR has none."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """FHIR request-priority. Ordered: routine < urgent < asap < stat."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"

    @property
    def rank(self) -> int:
        """0 for routine to 3 for stat; what lists are sorted by."""
        return _RANKS[self.value]

    @staticmethod
    def highest(*priorities: Priority) -> Priority:
        """The most pressing of the given priorities."""
        return max(priorities, key=lambda p: p.rank)


_RANKS = {"routine": 0, "urgent": 1, "asap": 2, "stat": 3}


class CarePlanStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"
    COMPLETED = "completed"


class TaskStatus(StrEnum):
    READY = "ready"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ResponseStatus(StrEnum):
    """Status of a QuestionnaireResponse."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    AMENDED = "amended"
    STOPPED = "stopped"
    ENTERED_IN_ERROR = "entered-in-error"


class CommunicationStatus(StrEnum):
    PREPARATION = "preparation"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    NOT_DONE = "not-done"


class Delivery(StrEnum):
    """Ours: what is known of an outgoing message beyond FHIR's status."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    SENT_UNCONFIRMED = "sent-unconfirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    STOPPED = "stopped"


class EscalationStatus(StrEnum):
    """Ours: a Task whose focus is a Flag."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    COMPLETED = "completed"


class Outcome(StrEnum):
    """Ours: how an escalation ended; the label that alert precision is computed from."""

    PHONED = "phoned"
    ACTED = "acted"
    ADJUSTED = "adjusted"
    SENT_TO_EMERGENCY = "sent-to-emergency"
    NO_ACTION_NEEDED = "no-action-needed"
    FALSE_ALARM = "false-alarm"
    COULD_NOT_REACH = "could-not-reach"


class CallOutcome(StrEnum):
    """Ours: what came of ringing a patient."""

    REACHED = "reached"
    NO_ANSWER = "no-answer"
    ENGAGED = "engaged"
    SOMEBODY_ELSE = "somebody-else"
    WRONG_NUMBER = "wrong-number"


class Relation(StrEnum):
    """Ours: what somebody who may answer for a patient is to them."""

    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    SIBLING = "sibling"
    RELATIVE = "relative"
    FRIEND = "friend"
    CARER = "carer"
    GUARDIAN = "guardian"


class Role(StrEnum):
    NURSE = "nurse"
    CLINICIAN = "clinician"
    ADMIN = "admin"


class Purpose(StrEnum):
    """Ours: why a message is sent. It decides consent, quiet hours and urgency."""

    REMINDER = "reminder"
    QUESTION = "question"
    REPLY = "reply"
    CONFIRMATION = "confirmation"
    EMERGENCY = "emergency"
    SIGN_IN = "sign-in"
    NURSE = "nurse"
    PAGE = "page"

    @property
    def needs_consent(self) -> bool:
        """The emergency reply, the STOP confirmation, a code the patient asked for and staff pages are exempt."""
        return self in (Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY, Purpose.NURSE)


LANGUAGES = ("en", "zh-Hans", "zh-Hant")
