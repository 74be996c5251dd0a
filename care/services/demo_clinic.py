"""A demo clinic: plainly invented staff and patients with some weeks behind them, written through the real services.

Nothing here was taken from anybody, and no clinical figure may be read off it: the numbers only have to make a chart.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.message import Incoming
from care.domain.people import Staff
from care.domain.plan import expand
from care.domain.questionnaire import Answer, Answers, Questionnaire
from care.records.care_plans import CarePlan, active_plans
from care.records.organizations import CareTeam, Organization
from care.records.patients import Patient, found_by
from care.records.practitioners import by_username
from care.records.questionnaire_responses import QuestionnaireResponse
from care.runtime import Runtime
from care.services import content, staff
from care.services.drafts import Draft, draft, store
from care.services.enrolment import Enrolment, enrol
from care.services.inbox import receive, take_turns_due
from care.services.names import record_token
from care.services.plans import start_plan

HOSPITAL = "Demo Hospital"
TEAMS = ("Demo Team A", "Demo Team B")
BASE = "https://care.invalid/fhir/PlanDefinition/"
WEEKS = timedelta(weeks=3)
ANSWERED = 0.9  # of what was asked
_MG_DL_PER_MMOL_L = 18.0182

Reporter = Callable[[Questionnaire, random.Random, float, str], Answers]


@dataclass(frozen=True)
class Invented:
    """One invented patient. `usual` is the middle of what they measure, `turn` how it changes in the last days."""

    team: int
    name: str
    language: str
    zone: str
    country: str
    protocol: str
    usual: float
    turn: float = 0.0
    text: str = ""

    @property
    def glucose_unit(self) -> str:
        """What meters show in their country."""
        return "mg/dL" if self.country == "US" else "mmol/L"


PATIENTS = (
    Invented(0, "Demo Patient One", "en", "America/New_York", "US", "diabetes-diary", 148, text="glucose 64"),
    Invented(0, "Demo Patient Two", "en", "America/Chicago", "US", "heart-failure-daily", 78.4, turn=1.2),
    Invented(0, "Demo Patient Three", "en", "Europe/London", "GB", "cancer-treatment-symptoms", 36.7, turn=1.5),
    Invented(0, "示例病人甲", "zh-Hans", "Asia/Shanghai", "CN", "diabetes-diary", 152),
    Invented(
        0, "示例病人乙", "zh-Hans", "Asia/Shanghai", "CN", "heart-failure-daily", 66.2, text="请问复诊可以改时间吗"
    ),
    Invented(0, "示例病人丙", "zh-Hant", "Asia/Hong_Kong", "HK", "diabetes-diary", 139),
    Invented(1, "示例病人丁", "zh-Hant", "Asia/Hong_Kong", "HK", "cancer-treatment-symptoms", 36.6),
    Invented(1, "Demo Patient Four", "en", "Australia/Sydney", "AU", "heart-failure-daily", 91.0),
)


def seed_demo(session: Session, rt: Runtime, again: bool = False) -> list[dict[str, str]]:
    """Make the demo clinic; commits. Returns its log-ins (role, team, username, password), or [] when it is there.

    With `again`, what an interrupted making left out is made now, and everybody of the demo gets a new password.
    """
    hospital = session.scalars(select(Organization).where(Organization.name == HOSPITAL)).first()
    if hospital is not None and not again:
        return []
    content.publish_seeds(session, rt.now())
    hospital = hospital or staff.add_organization(session, rt, HOSPITAL, "US", "America/New_York", TEAMS)
    teams = {team.name: team for team in session.scalars(select(CareTeam).filter_by(organization_id=hospital.id))}
    logins, nurses = _add_staff(session, rt, hospital, [teams[name] for name in TEAMS])
    for number, invented in enumerate(PATIENTS, start=1):
        _add_patient(session, rt, nurses[invented.team], number, invented)
    take_turns_due(session, rt, rt.now())
    return logins


def _add_staff(
    session: Session, rt: Runtime, hospital: Organization, teams: list[CareTeam]
) -> tuple[list[dict[str, str]], list[Staff]]:
    """The log-ins, and each team's nurse."""
    wanted: list[tuple[str, str, CareTeam | None]] = [
        ("admin", "demo-admin", None),
        ("nurse", "demo-nurse", teams[0]),
        ("clinician", "demo-clinician", teams[0]),
        ("nurse", "demo-nurse-b", teams[1]),
    ]
    logins, nurses = [], []
    by: Staff | None = None
    for role, username, team in wanted:
        password = secrets.token_urlsafe(12)
        person = by_username(session, username)
        if person is not None:
            staff.set_password(session, rt, person.staff(), person.id, password)
        else:
            person = staff.add_staff(
                session,
                rt,
                by,
                username=username,
                password=password,
                name=username.replace("-", " ").title(),
                role=role,
                care_team_id=team.id if team else None,
                organization_id=hospital.id,
            )
        by = by or person.staff()
        if role == "nurse":
            nurses.append(person.staff())
        logins.append({"role": role, "team": team.name if team else "", "username": username, "password": password})
    return logins, nurses


def _add_patient(session: Session, rt: Runtime, nurse: Staff, number: int, invented: Invented) -> None:
    """Enrol, begin the plan three weeks ago, report since then, and write a text where there is one to write.

    What is there already is left as it is.
    """
    now = rt.now()
    phone = f"demo-phone-{number}"
    form = Enrolment(
        name=invented.name,
        birth_date=date(1940 + 4 * number, number, number),
        record_number=f"DEMO-{number:03d}",
        language=invented.language,
        time_zone=invented.zone,
        country=invented.country,
        contacts=(("console", phone, None),),
        consent_source="demo",
        consent_version="1",
        glucose_unit=invented.glucose_unit,
    )
    known = found_by(session, nurse, [record_token(form.record_number)])
    patient = known[0] if known else enrol(session, rt, nurse, form)
    canonical = next(one.canonical for one in content.protocols(session) if one.url == BASE + invented.protocol)
    plans = active_plans(session, patient.id)
    plan = plans[0] if plans else start_plan(session, rt, nurse, patient.id, canonical, (now - WEEKS).date())
    if session.scalars(select(QuestionnaireResponse.id).filter_by(patient_id=patient.id).limit(1)).first() is None:
        store(session, _reports(session, patient, plan, number, invented, now))
        session.commit()
    if invented.text:
        receive(session, rt, Incoming("console", phone, invented.text, f"demo-{number}", now))


def _reports(
    session: Session, patient: Patient, plan: CarePlan, number: int, invented: Invented, now: datetime
) -> list[Draft]:
    """What the patient would have reported since the plan began, at the times when it was asked."""
    chance = random.Random(number)
    protocol = content.plan(session, plan.definition_id)
    found = []
    for one in expand(protocol, plan.starts_on, patient.time_zone, now - WEEKS, now - timedelta(hours=1)):
        action = protocol.action(one.action_id)
        days_left = (now - one.due_at) / timedelta(days=1)
        if action is None or (chance.random() > ANSWERED and days_left > 4):
            continue
        form = content.questionnaire(session, action.questionnaire)
        level = invented.usual + invented.turn * max(0.0, 3 - days_left)
        answers = _REPORTERS[invented.protocol](form, chance, level, invented.glucose_unit)
        at = one.due_at + timedelta(minutes=chance.randrange(3, 55))
        found.append(draft(now, patient, form, answers, authored_at=at, source="app", care_plan_id=plan.id))
    return found


def _glucose(form: Questionnaire, chance: random.Random, level: float, unit: str) -> Answers:
    value = min(max(chance.gauss(level, 28), 84.0), 236.0)
    shown = float(round(value)) if unit == "mg/dL" else round(value / _MG_DL_PER_MMOL_L, 1)
    return {"glucose": (Answer("quantity", shown, unit, code=unit),), "symptoms": (Answer("boolean", False),)}


def _heart(form: Questionnaire, chance: random.Random, level: float, unit: str) -> Answers:
    weight = round(level + chance.gauss(0, 0.2), 1)
    return {
        "weight": (Answer("quantity", weight, "kg", code="kg"),),
        "breathlessness": (form.by_id["breathlessness"].options[0].answer(),),
        "swelling": (Answer("boolean", False),),
    }


def _symptoms(form: Questionnaire, chance: random.Random, level: float, unit: str) -> Answers:
    celsius = round(min(level + chance.gauss(0, 0.12), 37.8), 1)
    answers: dict[str, tuple[Answer, ...]] = {"temperature": (Answer("quantity", celsius, "°C", code="Cel"),)}
    for item in form.questions:
        if item.options:
            worse = chance.random() < (0.5 if level > 37 else 0.15)
            answers[item.link_id] = (item.options[1 if worse else 0].answer(),)
    return answers


_REPORTERS: dict[str, Reporter] = {
    "diabetes-diary": _glucose,
    "heart-failure-daily": _heart,
    "cancer-treatment-symptoms": _symptoms,
}
