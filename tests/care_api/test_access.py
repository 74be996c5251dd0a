"""Deny by default: every route says who may call it, and nobody sees another team's patient by any of them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from care.access import ROLES, STAFF, allowed_roles, may
from care.domain.message import Incoming
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import inbox
from care_api.guard import COOKIE, roles_of
from tests.care_api.access_cases import CASES, Things, address
from tests.care_api.serving import staff_token
from tests.conftest import Clinic


def routes(app: Flask) -> list[tuple[str, str, str, frozenset[str]]]:
    """(endpoint, rule, method, roles) of everything that can be called."""
    return [
        (rule.endpoint, rule.rule, method, roles_of(app, rule.endpoint, method))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_every_route_says_who_may_call_it(app: Flask):
    silent = [(rule, method) for _, rule, method, roles in routes(app) if not roles or not roles <= ROLES]
    assert silent == []


def test_every_staff_route_with_an_id_has_a_case_for_the_other_team(app: Flask):
    with_id = {(rule, method) for _, rule, method, roles in routes(app) if "<" in rule and roles & STAFF}
    assert with_id - set(CASES) == set(), "a new route with an id needs a line in access_cases.py"
    assert set(CASES) - with_id == set(), "a line in access_cases.py has no route"


@pytest.mark.parametrize(("rule", "method"), sorted(CASES))
def test_another_team_is_told_that_there_is_no_such_thing(
    rule: str, method: str, session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic, patient: Patient
):
    mine = Things.of(session, rt, patient)
    client.set_cookie(COOKIE, staff_token(session, rt, CASES[rule, method].stranger(clinic)))
    found = client.open(address(rule, mine), method=method, data=CASES[rule, method].form)
    assert found.status_code == 404, f"{method} {rule} answered {found.status}"


@pytest.mark.parametrize(("rule", "method"), sorted(CASES))
def test_nobody_gets_anywhere_without_signing_in(rule: str, method: str, client: FlaskClient):
    found = client.open(address(rule, Things.made_up()), method=method)
    assert found.status_code in (302, 303, 401)
    assert method != "GET" or "/sign-in" in found.headers["Location"]


def test_the_wrong_role_is_told_so(session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic):
    client.set_cookie(COOKIE, staff_token(session, rt, clinic.nurse))
    assert client.get("/admin").status_code == 403


DRAFT, PUBLISHED = "/questionnaires/drafts/<uuid:draft_id>", "/questionnaires/<uuid:definition_id>"
MODEL = "/models/<uuid:model_id>"
ADMINISTRATORS = {
    "/account/second-factor",
    "/admin/second-factor",
    "/admin/staff/<uuid:practitioner_id>/second-factor",
    *("/numbers", "/numbers.csv", "/admin/acts"),
    *("/admin", "/admin/staff", "/admin/staff/<uuid:practitioner_id>/deactivate", "/protocols", "/account"),
    *("/questionnaires", "/questionnaires/import", PUBLISHED, f"{PUBLISHED}/walk", f"{PUBLISHED}/retire"),
    *("/models", "/models/capacity", MODEL, f"{MODEL}/approve", f"{MODEL}/end"),
    *(f"/protocols/<uuid:definition_id>/{page}" for page in ("preview", "draft")),
    "/protocols/drafts/<uuid:draft_id>",
    *(f"/protocols/drafts/<uuid:draft_id>/{act}" for act in ("preview", "review", "publish", "rebase", "discard")),
    *(DRAFT, f"{DRAFT}/walk", f"{DRAFT}/publish", f"{DRAFT}/discard"),
    *(f"/admin/teams/<uuid:care_team_id>/{page}" for page in ("on-call", "ladder", "rota")),
}


def test_an_administrator_is_let_in_only_where_there_are_no_patients(app: Flask):
    """A new page for administrators is added here by somebody who has made sure that it shows no patient."""
    assert {rule for _, rule, _, roles in routes(app) if "admin" in roles} <= ADMINISTRATORS


LISTS = {"/find": {"q": "Demo"}, "/cohort.csv": {"since": "2026-03-01", "until": "2026-03-02"}}


def test_no_list_shows_anything_of_another_teams_patient(
    app: Flask, session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic, patient: Patient
):
    mine = Things.of(session, rt, patient)
    inbox.receive(session, rt, Incoming("sms", "+14155550198", "who are you, chest pain", "SM2", rt.now()))
    of_mine = ["Demo Patient", "chest pain", "5550198", str(patient.id), str(mine.escalation_id)]
    lists = {(rule, method) for _, rule, method, roles in routes(app) if "nurse" in roles and "<" not in rule}
    told: dict[str, str] = {}
    for who in (clinic.nurse, clinic.other_nurse):
        client.set_cookie(COOKIE, staff_token(session, rt, who))
        for rule, method in sorted(lists):
            if method == "GET" or rule in LISTS:
                found = client.open(rule, method=method, data=LISTS.get(rule))
                assert found.status_code == 200, rule
                told[who.name] = told.get(who.name, "") + found.text
    for word in of_mine:
        assert word in told[clinic.nurse.name], word
        assert word not in told[clinic.other_nurse.name], word


def test_an_administrator_sees_no_patient(
    session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic, patient: Patient
):
    client.set_cookie(COOKIE, staff_token(session, rt, clinic.admin))
    assert client.get(f"/patients/{patient.id}").status_code in (403, 404)


def test_a_session_that_has_ended_leads_to_the_sign_in_page_and_back(
    session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic
):
    client.set_cookie(COOKIE, "made-up")
    found = client.get("/core/?a=1")
    assert found.status_code == 302
    assert found.headers["Location"] == "/sign-in?next=%2Fcore%2F%3Fa%3D1"


def test_a_fragment_of_a_page_is_not_replaced_by_the_sign_in_page(client: FlaskClient):
    found = client.get("/core/", headers={"HX-Request": "true"})
    assert found.status_code == 401
    assert found.headers["HX-Redirect"] == "/sign-in"


def test_no_form_of_staff_is_taken_without_its_token(
    app: Flask, session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic
):
    app.config["WTF_CSRF_ENABLED"] = True
    posted = {rule: roles for _, rule, method, roles in routes(app) if method == "POST" and roles & STAFF}
    people = {"nurse": clinic.nurse, "clinician": clinic.clinician, "admin": clinic.admin}
    tokens = {role: staff_token(session, rt, who) for role, who in people.items()}
    for rule, roles in sorted(posted.items()):
        client.set_cookie(COOKIE, tokens[min(roles)])
        assert client.post(address(rule, Things.made_up())).status_code == 400, rule


def test_an_endpoint_that_says_nothing_answers_nobody(app: Flask):
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert app.test_client().get("/forgotten").status_code == 403


def test_a_token_of_the_app_opens_no_page_and_a_cookie_opens_no_api(
    session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic, bearer: dict[str, str]
):
    assert client.get("/core/", headers=bearer).status_code == 302
    client.set_cookie(COOKIE, staff_token(session, rt, clinic.nurse))
    assert client.get("/api/v1/me").status_code == 401


def test_roles_that_do_not_exist_are_found_at_import():
    with pytest.raises(ValueError, match="nurze"):
        may("nurze")
    with pytest.raises(ValueError, match="none given"):
        may()


def test_a_function_without_a_word_names_no_role():
    assert allowed_roles(lambda: None) == frozenset()
