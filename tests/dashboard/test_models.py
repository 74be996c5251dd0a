"""The models' pages: what each does, its card, two people's approval, one person's kill switch; no nurse's business."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from care.domain.monitoring import Case, figures
from care.records.model_versions import AlertThreshold, ModelReview, ModelVersion, versions
from care.services import models
from dashboard.models import HEIGHT, chart
from tests.dashboard.ward import Ward
from tests.services.test_models import MODEL, let_in, shipment


@pytest.fixture
def version(ward: Ward) -> ModelVersion:
    """A version that waits, beside the one that came with the product."""
    world = ward.world
    models.register_shipped(world.session, world.now, [shipment(routine_from=0.6)])
    return models.register(world.session, world.rt, world.clinic.admin, shipment("2.0.0"))


def review(world_model: ModelVersion, week: date, risk: float, alarms: list[str]) -> ModelReview:
    """A week with four scores of this risk, of which one came true."""
    found = figures([Case(risk, place == 0) for place in range(4)], 0.6)
    return ModelReview(
        model_id=world_model.id,
        week=week,
        group="all",
        figures=found.told(),
        alarms=alarms,
        recorded_at=world_model.registered_at,
    )


def said(client: FlaskClient, where: str, **form: object) -> str:
    """What the page says after a form was sent."""
    return client.post(where, data=form, follow_redirects=True).text


def test_the_list_leads_to_the_card_in_one_click(
    admin: FlaskClient, clinician: FlaskClient, ward: Ward, version: ModelVersion
):
    for client in (admin, clinician):
        page = client.get("/models").text
        assert f"{MODEL} 1.0.0" in page
        assert "came with the product" in page
        where = re.search(rf'href="(/models/{version.id})"', page)
        assert where
        card = client.get(where[1]).text
        assert "A model" in card
        assert version.sha256[:16] in card


def test_a_clinician_and_an_administrator_let_a_version_in(
    admin: FlaskClient, clinician: FlaskClient, ward: Ward, version: ModelVersion
):
    where, team = f"/models/{version.id}", str(ward.world.clinic.team.id)
    assert "It is shadow now" in said(admin, f"{where}/approve", state="shadow")
    assert "The other role has to agree" in said(admin, f"{where}/approve", state="canary", team=team)
    page = clinician.get(where).text
    assert "Approved by Test Admin, admin" in page
    assert "Your role has agreed" in admin.get(where).text
    assert "another person" in said(admin, f"{where}/approve", state="canary", team=team)
    assert "It is canary now" in said(clinician, f"{where}/approve", state="canary", team=team, note="as on paper")
    assert "as on paper" in admin.get(where).text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"state": "active"}, "in another state by now"),
        ({"state": "canary"}, "in another state by now"),
        ({"state": "shadow", "team": "no-id"}, "no such team"),
        ({"state": "shadow", "note": "x" * 501}, "at most 500"),
    ],
)
def test_what_cannot_be_approved_is_said(admin: FlaskClient, version: ModelVersion, form: dict[str, str], words: str):
    assert words in said(admin, f"/models/{version.id}/approve", **form)


def test_one_person_ends_a_version_and_says_why(clinician: FlaskClient, ward: Ward, version: ModelVersion):
    session = ward.world.session
    active = next(row for row in versions(session) if row.state == "active")
    assert "Not done: say why" in said(clinician, f"/models/{active.id}/end", note=" ")
    page = said(clinician, f"/models/{active.id}/end", note="It calls the wrong people")
    assert "out of use" in page
    assert "It calls the wrong people" in page
    session.expire_all()
    assert (active.state, active.ended) == ("retired", "killed")


def test_nurses_decide_nothing_about_models(nurse: FlaskClient, version: ModelVersion):
    for where in ("/models", f"/models/{version.id}"):
        assert nurse.get(where).status_code == 403
    for where in (f"/models/{version.id}/approve", f"/models/{version.id}/end", "/models/capacity"):
        assert nurse.post(where).status_code == 403


def test_what_a_team_can_carry_is_kept_and_shown(
    admin: FlaskClient, clinician: FlaskClient, ward: Ward, version: ModelVersion
):
    team = str(ward.world.clinic.team.id)
    assert "the thresholds follow" in said(admin, "/models/capacity", care_team_id=team, per_day="2,5")
    (row,) = ward.world.all(AlertThreshold)
    assert (row.per_day, row.threshold) == (2.5, 0.6)
    page = clinician.get("/models").text
    assert "2.5 a day" in page
    assert "alerts from a risk of 60 %" in page
    for wrong in ("many", "-1", "nan"):
        assert "Not done" in said(admin, "/models/capacity", care_team_id=team, per_day=wrong)
    assert "Not done" in said(admin, "/models/capacity", care_team_id="none", per_day="1")
    assert clinician.post("/models/capacity", data={"care_team_id": team, "per_day": "1"}).status_code == 403


def test_the_weeks_are_drawn_without_a_script(admin: FlaskClient, ward: Ward, version: ModelVersion):
    world, monday = ward.world, date(2026, 2, 2)
    let_in(world.session, world.rt, world.clinic, version, "active")
    world.session.add(review(version, monday, 0.25, []))
    world.session.add(review(version, monday + timedelta(days=7), 0.05, ["observed-expected"]))
    world.session.commit()
    page = admin.get(f"/models/{version.id}").text
    svg = page[page.index('<svg viewBox="0 0 640') : page.index("</svg>", page.index('<svg viewBox="0 0 640'))]
    assert (svg.count("<circle"), svg.count("<path")) == (1, 1)
    assert "1 observed, 1.0 expected, 4 scores" in svg
    assert "style=" not in svg
    assert "observed over expected" in page
    assert "alarm" in admin.get("/models").text


def test_the_chart_is_logarithmic_and_stays_within_its_frame():
    row = ModelVersion(bundle_id=MODEL, registered_at=None)
    plot = chart([review(row, date(2026, 2, 2), risk, []) for risk in (0.25, 0.125, 0.5, 0.001)])
    assert plot is not None
    one, double, half, far = plot["bars"]
    assert one.y == plot["one"] == HEIGHT / 2
    assert one.y - double.y == pytest.approx(half.y - one.y, abs=0.2)
    assert 0 <= far.top <= far.y <= far.bottom <= HEIGHT
    assert chart([]) is None
