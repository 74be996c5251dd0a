from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.risk_assessments import RiskAssessment
from core.evidence import HALF, bars
from tests.dashboard.ward import Ward
from tests.services.world import DIABETES


def _share(name: str, logit: float) -> dict[str, object]:
    return {"name": name, "label": {"en": name.upper(), "zh-Hans": "名"}, "value": 1.0, "logit": logit}


def test_three_shares_that_raise_and_one_that_lowers_are_drawn_on_one_scale():
    found = bars([_share(n, v) for n, v in (("a", 0.2), ("b", 0.8), ("c", 0.1), ("d", 0.4), ("e", -0.6), ("f", -0.1))])
    assert [bar.label for bar in found] == ["B", "D", "A", "E"]
    assert [bar.raises for bar in found] == [True, True, True, False]
    assert found[0].width == HALF
    assert found[-1].x + found[-1].width == HALF


def test_each_bar_also_says_which_way_and_how_much_for_the_page_to_put_in_words():
    found = bars([_share("a", 1.0), _share("b", 0.1), _share("c", -0.5)])
    assert [(bar.raises, bar.size) for bar in found] == [(True, "much"), (True, "little"), (False, "some")]


def test_no_contributions_are_no_bars():
    assert bars([]) == []


def test_the_case_puts_each_bar_in_words(clinician: FlaskClient, ward: Ward):
    patient = ward.world.patient("+12025550109", DIABETES)
    ward.world.tell("glucose 49 before breakfast", sender="+12025550109")
    shares = [_share("a", 1.0), _share("b", 0.4), _share("c", 0.1), _share("d", -0.5)]
    session = ward.world.session
    silent = session.scalars(select(RiskAssessment).where(RiskAssessment.patient_id == patient.id)).one()
    kept = {
        column.key: getattr(silent, column.key) for column in RiskAssessment.__table__.columns if column.key != "id"
    }
    said = {"supersedes_id": silent.id, "risk": 0.2, "band": "high", "reason": None, "contributions": shares}
    session.add(RiskAssessment(**(kept | said | {"bundle_sha256": "f" * 64})))
    session.commit()
    page = clinician.get(f"/core/cases/{ward.alert(patient).id}").text
    said_of = dict(re.findall(r"<span>([A-D]): .*?<span class=\"quiet small\">\s*(.*?)</span>", page, re.DOTALL))
    assert said_of == {
        "A": "raises the estimate much",
        "B": "raises the estimate somewhat",
        "C": "raises the estimate a little",
        "D": "lowers the estimate somewhat",
    }
