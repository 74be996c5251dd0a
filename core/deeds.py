"""What was done about a case so far, in one order: acts of staff, pages, and messages to the patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from care.records import case_evidence, practitioners
from care.records.audit_events import AuditEvent
from care.records.communications import Communication
from care.records.escalations import Escalation


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done. `kind` is the act's code, `who` did it ("": the system), `to` whom it was for."""

    at: datetime
    kind: str
    who: str = ""
    to: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def deeds(session: Session, case: Escalation) -> list[Deed]:
    """Everything that was done since the case was raised, the latest first."""
    acts = case_evidence.acts(session, case)
    pages = case_evidence.pages(session, case.id)
    letters = case_evidence.written(session, case.patient_id, case.requested_at) if case.patient_id else []
    names = practitioners.names(session, _people(acts, [*pages, *letters]))
    found = [_act(one, names) for one in acts]
    found += [_message("page", one, names) for one in pages]
    found += [_message("message", one, names) for one in letters]
    return sorted(found, key=lambda deed: deed.at, reverse=True)


def _people(acts: list[AuditEvent], messages: list[Communication]) -> set[UUID]:
    found = {one.agent_id for one in acts if one.agent_id}
    found |= {UUID(str(one.detail["to"])) for one in acts if one.detail.get("to")}
    return found | {one.practitioner_id for one in messages if one.practitioner_id}


def _act(one: AuditEvent, names: Mapping[UUID, str]) -> Deed:
    to = one.detail.get("to")
    return Deed(
        one.at,
        one.action.removeprefix("escalation."),
        names.get(one.agent_id, "") if one.agent_id else "",
        names.get(UUID(str(to)), "") if to else "",
        one.detail,
    )


def _message(kind: str, one: Communication, names: Mapping[UUID, str]) -> Deed:
    name = names.get(one.practitioner_id, "") if one.practitioner_id else ""
    about = {"channel": one.channel, "delivery": one.delivery, "reason": one.status_reason}
    who, to = ("", name) if kind == "page" else (name, "")
    return Deed(one.recorded_at, kind, who, to, about)
