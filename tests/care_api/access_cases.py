"""For each staff route with an id: who is a stranger to it, and a form that would otherwise be good.

A new route with an id needs a line here; test_access fails without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from care.domain.message import Incoming
from care.domain.people import Staff
from care.records.attachments import Attachment
from care.records.care_plans import active_plans
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.records.practitioners import Practitioner
from care.records.visit_requests import VisitRequest
from care.runtime import Runtime
from care.services import inbox
from tests.care_api.serving import PHONE
from tests.conftest import Clinic

NOBODYS = (UUID(int=6), UUID(int=7), UUID(int=8))
"""An account, a draft and a published questionnaire that are not there: only administrators act on the first two, and
what is published is no organization's secret."""
NO_TEAM = UUID(int=11)
"""A care team that is not there: only administrators act on one."""


def other_nurse(clinic: Clinic) -> Staff:
    """A nurse of the other team."""
    return clinic.other_nurse


def administrator(clinic: Clinic) -> Staff:
    """An administrator, for what administrators do; the id is then of nobody in the organization."""
    return clinic.admin


def other_clinician(clinic: Clinic) -> Staff:
    """A clinician of the other team, for what only clinicians do."""
    session = object_session(clinic.organization)
    assert session is not None
    found = Practitioner(
        organization_id=clinic.organization.id,
        care_team_id=clinic.other_team.id,
        role="clinician",
        username="elsewhere",
        name="Test Clinician Elsewhere",
        password_hash="none",
        created_at=session.get_one(Practitioner, clinic.nurse.id).created_at,
    )
    session.add(found)
    session.commit()
    return found.staff()


NO_VISIT = UUID(int=13)
NO_FILE = UUID(int=13)
"""A file of patients that nobody uploaded: only whoever did sees one."""
NO_MODEL = UUID(int=12)  # a version of a model that is not there: they are no organization's secret
NO_TASK = UUID(int=13)  # a task that is not there: a patient's telephone, thresholds and settings are looked for first


NO_REPORT, NO_PROXY = UUID(int=14), UUID(int=15)
"""Whoever is not of the team hears of the patient before anything of theirs is looked for."""


@dataclass(frozen=True)
class Case:
    """Who must be told that there is no such thing, and what is sent along."""

    form: dict[str, str] = field(default_factory=dict)
    stranger: Callable[[Clinic], Staff] = other_nurse


@dataclass(frozen=True)
class Things:
    """Ids of the first team's things, by the names that routes give them."""

    patient_id: UUID
    escalation_id: UUID
    communication_id: UUID
    care_plan_id: UUID
    practitioner_id: UUID
    draft_id: UUID
    definition_id: UUID
    attachment_id: UUID
    care_team_id: UUID
    model_id: UUID = NO_MODEL
    file_id: UUID = NO_FILE
    task_id: UUID = NO_TASK
    response_id: UUID = NO_REPORT
    proxy_id: UUID = NO_PROXY
    visit_id: UUID = NO_VISIT

    @staticmethod
    def of(session: Session, rt: Runtime, patient: Patient) -> Things:
        """Make them: a red-flag text of the patient's gives a message and an escalation."""
        text = inbox.receive(session, rt, Incoming("sms", PHONE, "I have chest pain", "SM1", rt.now()))
        escalation = session.scalars(select(Escalation).where(Escalation.patient_id == patient.id)).one()
        plan = active_plans(session, patient.id)[0]
        kept = Attachment(
            organization_id=patient.organization_id,
            communication_id=text.communication_id,
            number=0,
            kind="image",
            content_type="image/png",
            content=b"a picture",
            size=9,
            state="kept",
            recorded_at=rt.now(),
        )
        visit = VisitRequest(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            escalation_id=escalation.id,
            status="active",
            priority="urgent",
            rank=1,
            note="see the legs",
            requester_id=session.scalars(select(Practitioner.id).where(Practitioner.role == "nurse").limit(1)).one(),
            requested_at=rt.now(),
        )
        session.add_all([kept, visit])
        session.commit()
        return Things(
            patient.id, escalation.id, text.communication_id, plan.id, *NOBODYS, kept.id, NO_TEAM, visit_id=visit.id
        )

    @staticmethod
    def made_up() -> Things:
        """Ids of nothing."""
        return Things(*(UUID(int=number) for number in range(2, 11)))


def address(rule: str, things: Things) -> str:
    """The rule with the ids filled in."""
    for name, value in vars(things).items():
        rule = rule.replace(f"<uuid:{name}>", str(value))
    assert "<" not in rule, f"access_cases.py does not know an id of {rule}"
    return rule


WORDS = {"text": "How are you?", "confirmed": "yes"}
OUTCOME = {"outcome": "phoned", "note": ""}
MEASURED = {"kind": "2160-0|mg/dL", "value": "1.4", "measured_at": "2026-03-02T06:00", "once": "1"}
PLAN = {
    "protocol": "https://care.invalid/fhir/PlanDefinition/heart-failure-daily|1.0.0",
    "starts_on": "2026-03-02",
}

PROXY = {"name": "Demo Daughter", "relation": "child", "consent_source": "in-person"}

CASES: dict[tuple[str, str], Case] = {
    ("/models/<uuid:model_id>", "GET"): Case(stranger=administrator),
    ("/models/<uuid:model_id>/approve", "POST"): Case({"state": "shadow"}, administrator),
    ("/models/<uuid:model_id>/end", "POST"): Case({"note": "wrong"}, administrator),
    ("/admin/staff/<uuid:practitioner_id>/deactivate", "POST"): Case(stranger=administrator),
    ("/admin/staff/<uuid:practitioner_id>/second-factor", "POST"): Case(stranger=administrator),
    ("/questionnaires/drafts/<uuid:draft_id>", "GET"): Case(stranger=administrator),
    ("/questionnaires/drafts/<uuid:draft_id>/publish", "POST"): Case({"reason": "agreed"}, administrator),
    ("/questionnaires/drafts/<uuid:draft_id>/discard", "POST"): Case(stranger=administrator),
    ("/questionnaires/drafts/<uuid:draft_id>/walk", "GET"): Case(stranger=administrator),
    ("/questionnaires/drafts/<uuid:draft_id>/walk", "POST"): Case(stranger=administrator),
    ("/questionnaires/<uuid:definition_id>", "GET"): Case(),
    ("/questionnaires/<uuid:definition_id>/walk", "GET"): Case(),
    ("/questionnaires/<uuid:definition_id>/walk", "POST"): Case(),
    ("/questionnaires/<uuid:definition_id>/retire", "POST"): Case({"reason": "replaced"}, administrator),
    ("/enrol/file/<uuid:file_id>", "GET"): Case(),
    ("/enrol/file/<uuid:file_id>/import", "POST"): Case({"sha256": "0"}),
    ("/enrol/file/<uuid:file_id>/errors.csv", "GET"): Case(),
    ("/patients/<uuid:patient_id>/enrolled", "GET"): Case(),
    ("/patients/<uuid:patient_id>/preview", "GET"): Case(),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/preview", "GET"): Case(),
    ("/protocols/<uuid:definition_id>/preview", "GET"): Case(),
    ("/protocols/<uuid:definition_id>/move", "GET"): Case(),
    ("/protocols/<uuid:definition_id>/move", "POST"): Case(),
    ("/protocols/<uuid:definition_id>/draft", "POST"): Case(stranger=administrator),
    ("/protocols/drafts/<uuid:draft_id>", "GET"): Case(stranger=administrator),
    ("/protocols/drafts/<uuid:draft_id>", "POST"): Case({"actions": "0", "saved": "0"}, administrator),
    ("/protocols/drafts/<uuid:draft_id>/preview", "GET"): Case(stranger=administrator),
    ("/protocols/drafts/<uuid:draft_id>/review", "GET"): Case(stranger=administrator),
    ("/protocols/drafts/<uuid:draft_id>/publish", "POST"): Case({"reason": "agreed", "saved": "0"}, administrator),
    ("/protocols/drafts/<uuid:draft_id>/rebase", "POST"): Case({"saved": "0"}, administrator),
    ("/protocols/drafts/<uuid:draft_id>/discard", "POST"): Case(stranger=administrator),
    ("/inbox/<uuid:communication_id>/reply", "POST"): Case(WORDS),
    ("/inbox/<uuid:communication_id>/done", "POST"): Case(),
    ("/inbox/<uuid:communication_id>/whose", "POST"): Case({"q": "Demo"}),
    ("/inbox/<uuid:communication_id>/link", "POST"): Case({"patient": str(NO_TEAM)}),
    ("/attachments/<uuid:attachment_id>", "GET"): Case(),
    ("/patients/<uuid:patient_id>", "GET"): Case(),
    ("/patients/<uuid:patient_id>/audit", "GET"): Case(),
    ("/escalations/<uuid:escalation_id>/audit", "GET"): Case(),
    ("/patients/<uuid:patient_id>/message", "POST"): Case(WORDS),
    ("/patients/<uuid:patient_id>/message/send", "POST"): Case(WORDS),
    ("/patients/<uuid:patient_id>/code", "POST"): Case(),
    ("/patients/<uuid:patient_id>/observations", "POST"): Case(MEASURED),
    ("/patients/<uuid:patient_id>/phone", "GET"): Case(),
    ("/patients/<uuid:patient_id>/phone", "POST"): Case({"once": str(UUID(int=1)), "outcome": "reached"}),
    ("/patients/<uuid:patient_id>/phone/<uuid:task_id>", "GET"): Case(),
    ("/patients/<uuid:patient_id>/phone/<uuid:task_id>", "POST"): Case({"act": "send", "who": "patient"}),
    ("/patients/<uuid:patient_id>/thresholds", "GET"): Case(),
    ("/patients/<uuid:patient_id>/thresholds", "POST"): Case(
        {"act": "set", "number": "a|b|c", "value": "1", "reason": "why"}, other_clinician
    ),
    ("/patients/<uuid:patient_id>/settings", "GET"): Case(),
    ("/patients/<uuid:patient_id>/settings", "POST"): Case({"act": "language", "language": "en"}),
    ("/patients/<uuid:patient_id>/binding-code", "POST"): Case({"label": "mother"}),
    ("/patients/<uuid:patient_id>/plans", "POST"): Case(PLAN),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/stop", "GET"): Case(),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/stop", "POST"): Case({"reason": "finished"}),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/pause", "GET"): Case(),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/pause", "POST"): Case({"reason": "away"}),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/resume", "GET"): Case(),
    ("/patients/<uuid:patient_id>/plans/<uuid:care_plan_id>/resume", "POST"): Case(),
    ("/patients/<uuid:patient_id>/timeline", "GET"): Case(),
    ("/patients/<uuid:patient_id>/conversation", "GET"): Case(),
    ("/patients/<uuid:patient_id>/reports/<uuid:response_id>", "GET"): Case(),
    ("/patients/<uuid:patient_id>/take-over", "POST"): Case({"hours": "1"}),
    ("/patients/<uuid:patient_id>/hand-back", "POST"): Case(),
    ("/patients/<uuid:patient_id>/notes", "POST"): Case({"note": "well", "once": str(NO_TEAM)}),
    ("/patients/<uuid:patient_id>/proxies/add", "GET"): Case(),
    ("/patients/<uuid:patient_id>/proxies/add", "POST"): Case(PROXY),
    ("/patients/<uuid:patient_id>/proxies/<uuid:proxy_id>/end", "GET"): Case(),
    ("/patients/<uuid:patient_id>/proxies/<uuid:proxy_id>/end", "POST"): Case(),
    ("/escalations/<uuid:escalation_id>/open", "GET"): Case(),
    ("/escalations/<uuid:escalation_id>/close", "GET"): Case(),
    ("/escalations/<uuid:escalation_id>/undo", "POST"): Case(),
    ("/patients/<uuid:patient_id>/silence", "POST"): Case({"cause": "admitted"}),
    ("/patients/<uuid:patient_id>/silence/end", "POST"): Case({"cause": "admitted"}),
    ("/escalations/<uuid:escalation_id>/accept", "POST"): Case(),
    ("/escalations/<uuid:escalation_id>/complete", "POST"): Case(OUTCOME),
    ("/escalations/<uuid:escalation_id>/handover", "GET"): Case(),
    ("/escalations/<uuid:escalation_id>/hand-on", "POST"): Case({"to": str(NO_TEAM)}),
    ("/escalations/<uuid:escalation_id>/decline", "POST"): Case(),
    ("/escalations/<uuid:escalation_id>/snooze", "POST"): Case({"minutes": "5", "reason": "has company"}),
    ("/admin/teams/<uuid:care_team_id>/on-call", "GET"): Case(stranger=administrator),
    ("/admin/teams/<uuid:care_team_id>/ladder", "POST"): Case(stranger=administrator),
    ("/admin/teams/<uuid:care_team_id>/rota", "POST"): Case(stranger=administrator),
    ("/core/cases/<uuid:escalation_id>", "GET"): Case(),
    ("/core/cases/<uuid:escalation_id>/accept", "POST"): Case(),
    ("/core/cases/<uuid:escalation_id>/resolve", "POST"): Case(OUTCOME),
    ("/core/cases/<uuid:escalation_id>/undo", "POST"): Case(),
    ("/core/cases/<uuid:escalation_id>/message", "POST"): Case(WORDS),
    ("/core/cases/<uuid:escalation_id>/message/send", "POST"): Case(WORDS),
    ("/core/cases/<uuid:escalation_id>/visit", "POST"): Case({"priority": "urgent", "note": "see the legs"}),
    ("/core/cases/<uuid:escalation_id>/sign-off", "POST"): Case({"note": ""}, other_clinician),
    ("/core/cases/<uuid:escalation_id>/sign-off/undo", "POST"): Case({}, other_clinician),
    ("/core/visits/<uuid:visit_id>/end", "POST"): Case({"how": "done"}),
    ("/core/visits/<uuid:visit_id>/reopen", "POST"): Case(),
    ("/core/patients/<uuid:patient_id>/summary", "GET"): Case(),
    ("/core/patients/<uuid:patient_id>/summary.pdf", "GET"): Case(),
}
