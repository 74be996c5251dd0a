"""Another team's things and another hospital's are not there: every route that takes an id, whoever calls it.

The routes are the application's own. What stands here by hand is how to make one thing of each kind; a route that asks
for a kind that nobody makes here fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.access import STAFF
from care.domain.codes import Role
from care.domain.cohort_sheet import COLUMNS, written_sheet
from care.domain.people import Staff
from care.records.attachments import Attachment
from care.records.base import Base
from care.records.care_plans import active_plans
from care.records.communications import Communication
from care.records.definitions import Definition
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import cohort_files, protocols, proxies, questionnaires, visits
from care_api.guard import COOKIE
from tests.care_api.access_cases import CASES
from tests.care_api.serving import staff_token
from tests.care_api.test_access import routes
from tests.conftest import Clinic, Clock
from tests.dashboard.brought import file
from tests.dashboard.ward import Ward, furnish, today
from tests.services.world import make_world

SHARED = {
    "definition_id": "what is published belongs to the installation: every hospital on it asks the same questionnaires",
    "model_id": "a version of a model belongs to the installation: each hospital's clinicians decide for their teams",
}
OF_HOUSE = {"practitioner_id", "care_team_id", "questionnaires/draft_id", "protocols/draft_id"}
"""What belongs to a hospital as a whole: whoever of it may do such a thing at all is no stranger to it."""


def _text_in(ward: Ward) -> UUID:
    found = select(Communication.id).where(
        Communication.patient_id == ward.one.id, Communication.direction == "in", Communication.waits_since.is_not(None)
    )
    return ward.world.session.scalars(found.limit(1)).one()


def _task(ward: Ward) -> UUID:
    found = select(Task.id).where(Task.patient_id == ward.one.id, Task.status == "ready").order_by(Task.due_at)
    return ward.world.session.scalars(found.limit(1)).one()


def _picture(ward: Ward) -> UUID:
    world = ward.world
    kept = Attachment(
        organization_id=ward.one.organization_id,
        communication_id=_text_in(ward),
        number=len(world.all(Attachment)),
        kind="image",
        content_type="image/png",
        content=b"a picture",
        size=9,
        state="kept",
        recorded_at=world.now,
    )
    world.session.add(kept)
    world.session.commit()
    return kept.id


def _proxy(ward: Ward) -> UUID:
    world = ward.world
    form = proxies.Proxy("Demo Daughter", "child", "in-person")
    return proxies.add_proxy(world.session, world.rt, world.clinic.nurse, ward.one.id, form).id


def _visit(ward: Ward) -> UUID:
    world = ward.world
    for row in [v for v in world.all(visits.VisitRequest) if v.ended_at is None]:
        visits.end_visit(world.session, world.rt, world.clinic.nurse, row.id, "cancelled")
    alert = ward.alert(ward.one)
    return visits.request_visit(world.session, world.rt, world.clinic.clinician, alert.id, "urgent", "the legs").id


def _report(ward: Ward) -> UUID:
    found = select(QuestionnaireResponse.id).where(QuestionnaireResponse.patient_id == ward.one.id)
    return ward.world.session.scalars(found.limit(1)).one()


def _account(ward: Ward) -> UUID:
    world = ward.world
    number = len(world.all(Practitioner))
    return _person(world.session, world.now, Role.NURSE, world.clinic.team, f"account{number}").id


def _draft(ward: Ward) -> UUID:
    world = ward.world
    number = len(world.all(questionnaires.QuestionnaireDraft))
    return questionnaires.import_draft(
        world.session, world.rt, world.clinic.admin, file(title=f"Form {number}", version=f"{number}.0.0")
    ).id


def _protocol_draft(ward: Ward) -> UUID:
    world = ward.world
    found = select(Definition.id).where(Definition.kind == "PlanDefinition").order_by(Definition.url)
    base = world.session.scalars(found.limit(1)).one()
    return protocols.begin_draft(world.session, world.rt, world.clinic.clinician, base).id


def _sheet(ward: Ward) -> UUID:
    world = ward.world
    told = {"name": "Demo Patient Nine", "birth_date": "1966-06-06", "record_number": "F-9", "language": "en"}
    lines = [COLUMNS, [told.get(name, "") for name in COLUMNS]]
    return cohort_files.upload(world.session, world.rt, world.clinic.nurse, written_sheet(lines)).id


MAKERS: dict[str, Callable[[Ward], UUID]] = {
    "patient_id": lambda ward: ward.one.id,
    "escalation_id": lambda ward: ward.alert(ward.one).id,
    "communication_id": _text_in,
    "care_plan_id": lambda ward: active_plans(ward.world.session, ward.one.id)[0].id,
    "task_id": _task,
    "response_id": _report,
    "attachment_id": _picture,
    "proxy_id": _proxy,
    "visit_id": _visit,
    "practitioner_id": _account,
    "care_team_id": lambda ward: ward.world.clinic.team.id,
    "questionnaires/draft_id": _draft,
    "protocols/draft_id": _protocol_draft,
    "file_id": _sheet,
}
"""One thing of each kind that the first team (or its hospital) has; where one name means several kinds, with the first
part of the address in front."""


def _person(session: Session, now: Any, role: Role, team: CareTeam, username: str) -> Staff:
    made = Practitioner(
        organization_id=team.organization_id,
        care_team_id=None if role is Role.ADMIN else team.id,
        role=role.value,
        username=username,
        name=f"Test {username.title()}",
        password_hash="",
        created_at=now,
    )
    session.add(made)
    session.commit()
    return made.staff()


@dataclass
class Home:
    """The first team with its things, and everybody who is a stranger to it."""

    app: Flask
    ward: Ward
    strangers: dict[str, Staff]
    tokens: dict[UUID, str]

    def as_(self, who: Staff) -> FlaskClient:
        """A browser of this person."""
        if who.id not in self.tokens:
            self.tokens[who.id] = staff_token(self.ward.world.session, self.ward.world.rt, who)
        client = self.app.test_client()
        client.set_cookie(COOKIE, self.tokens[who.id])
        return client

    def filled(self, rule: str) -> str:
        """The rule with the ids of things that are made for it."""
        for kind in _kinds(rule):
            rule = rule.replace(f"<uuid:{kind.rsplit('/')[-1]}>", str(MAKERS[kind](self.ward)))
        return rule


@pytest.fixture
def home(app: Flask, session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> Home:
    """Everything, made once for a test."""
    ward = furnish(make_world(session, rt, clock, clinic))
    today(ward)
    away = Organization(name="Elsewhere Hospital", country="US", time_zone="UTC", inbound_address="+15550009")
    session.add(away)
    session.flush()
    theirs = CareTeam(organization_id=away.id, name="Team Elsewhere", default=True)
    session.add(theirs)
    session.commit()
    strangers = {
        "a nurse of another team": clinic.other_nurse,
        "a clinician of another team": _person(session, clock.now, Role.CLINICIAN, clinic.other_team, "beside"),
        "a nurse of another hospital": _person(session, clock.now, Role.NURSE, theirs, "far"),
        "a clinician of another hospital": _person(session, clock.now, Role.CLINICIAN, theirs, "farther"),
        "an administrator of another hospital": _person(session, clock.now, Role.ADMIN, theirs, "farthest"),
        "an administrator of the same hospital": clinic.admin,
    }
    return Home(app, ward, strangers, {})


def _with_id(app: Flask) -> list[tuple[str, str, frozenset[str]]]:
    """(rule, method, roles) of every route of staff that takes an id."""
    return sorted((rule, method, roles) for _, rule, method, roles in routes(app) if "<" in rule and roles & STAFF)


def _kinds(rule: str) -> list[str]:
    """What a rule asks for: the names of its ids, with the first part of the address where that is needed."""
    first = rule.split("/")[1]
    names = re.findall(r"<(?:[^:<>]+:)?(\w+)>", rule)
    return [f"{first}/{name}" if f"{first}/{name}" in MAKERS else name for name in names]


def _rows(session: Session) -> dict[str, tuple[int, int]]:
    """How many rows every table has, and what they come to: any change shows."""
    session.rollback()
    names = sorted(Base.metadata.tables)
    parts = (
        "SELECT '" + name + "' AS name, count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0) AS told"
        ' FROM "' + name + '" t'
        for name in names
    )
    found = session.execute(text(" UNION ALL ".join(parts)))
    return {row.name: (row.rows, int(row.told)) for row in found}


def _is_stranger(who: Staff, home: Home, rule: str, roles: frozenset[str]) -> bool:
    """Who may do such a thing at all is at home with what their own hospital has as a whole."""
    ours = who.organization_id == home.ward.world.clinic.organization.id
    return not (ours and who.role.value in roles and set(_kinds(rule)) <= OF_HOUSE)


def test_somebody_says_how_to_make_every_kind_of_thing_that_a_route_asks_for(app: Flask):
    asked = {name for rule, _, _ in _with_id(app) for name in _kinds(rule)}
    assert asked - set(MAKERS) - set(SHARED) == set(), "a new kind of id needs a maker in test_other_teams.py"
    assert (set(MAKERS) | set(SHARED)) - asked == set(), "a kind that is made here has no route"


def test_every_id_is_a_uuid_that_nobody_guesses(app: Flask):
    for rule, _, _ in _with_id(app):
        assert re.findall(r"<uuid:\w+>", rule) == re.findall(r"<[^>]+>", rule), rule


def test_what_is_another_teams_or_another_hospitals_is_not_there_and_nothing_comes_of_asking(home: Home):
    session, wrong = home.ward.world.session, []
    clients = {name: home.as_(who) for name, who in home.strangers.items()}
    for rule, method, roles in _with_id(home.app):
        if set(_kinds(rule)) & set(SHARED):
            continue
        address, case = home.filled(rule), CASES.get((rule, method))
        before = _rows(session)
        for name, who in home.strangers.items():
            if not _is_stranger(who, home, rule, roles):
                continue
            answer = clients[name].open(address, method=method, data=case.form if case else {})
            expected = 404 if who.role.value in roles else 403
            if answer.status_code != expected:
                wrong.append(f"{method} {rule} answered {answer.status} to {name}")
        if _rows(session) != before:
            wrong.append(f"{method} {rule} changed something for a stranger")
    assert wrong == []


def test_to_those_whose_it_is_it_is_there(home: Home):
    """Or the test above would be content with ids of nothing."""
    clinic, wrong = home.ward.world.clinic, []
    mine = {"nurse": clinic.nurse, "clinician": clinic.clinician, "admin": clinic.admin}
    for rule, method, roles in _with_id(home.app):
        if method != "GET" or set(_kinds(rule)) & set(SHARED):
            continue
        for role in sorted(roles & STAFF):
            answer = home.as_(mine[role]).get(home.filled(rule))
            if answer.status_code >= 400:
                wrong.append(f"{rule} answered {answer.status} to the {role} whose it is")
    assert wrong == []


def test_no_list_tells_another_team_or_another_hospital_anything(home: Home):
    clinic = home.ward.world.clinic
    alert = home.ward.alert(home.ward.one)
    of_team = ["Demo Patient One", str(home.ward.one.id), str(alert.id), "I work late this week"]
    of_house = ["Test Nurse", "Test Clinician<", "Team A", "Test Hospital"]
    lists = [(rule, method, roles) for _, rule, method, roles in routes(home.app) if "<" not in rule and roles & STAFF]
    told: dict[str, str] = {}
    people = {**home.strangers, "nurse": clinic.nurse, "clinician": clinic.clinician}
    forms = {"/find": {"q": "Demo"}, "/cohort.csv": {"since": "2026-02-01", "until": "2026-03-02"}}
    for name, who in people.items():
        client = home.as_(who)
        for rule, method, roles in lists:
            if who.role.value in roles and (method == "GET" or rule in forms):
                answer = client.open(rule, method=method, data=forms.get(rule))
                assert answer.status_code < 500, f"{rule} answered {answer.status} to {name}"
                told[name] = told.get(name, "") + answer.text
    for word in of_team:
        assert word in told["nurse"], f"{word} is nowhere, so its absence shows nothing"
        assert [name for name in home.strangers if word in told[name]] == [], word
    for word in of_house:
        others = [name for name in home.strangers if home.strangers[name].organization_id != clinic.organization.id]
        assert [name for name in others if word in told.get(name, "")] == [], word
