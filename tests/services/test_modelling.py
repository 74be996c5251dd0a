"""What models are asked and told through the service: the shipped bundle on real reports."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment, Reads
from care.domain.measure import Measure
from care.errors import AssessmentError
from care.records.model_versions import versions
from care.records.risk_assessments import RiskAssessment, assessments, corrected, last_before, read
from care.records.timeline import timeline
from care.runtime import Runtime
from care.services import models, scoring
from care.services.knowing import kept
from care.services.reports import submit
from risk.bundle import SUMS, canonical_list
from risk.recomputing import recompute
from risk.registry import BUNDLES, load_bundles, make_assess
from risk.scoring import Scorer
from tests.conftest import Clinic, Clock
from tests.services.test_models import shipment
from tests.services.test_reports import patient, response, task
from tests.services.world import World, make_world

__all__ = ["patient", "task"]
BUNDLE = "hypoglycaemia-next-day"
FOUND = load_bundles()
ASSESS = make_assess(FOUND)
LOWS = ("glucose 66", "glucose 62", "glucose 190", "glucose 61", "glucose 150", "glucose 64", "glucose 180")


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    made = make_world(session, rt, clock, clinic)
    made.with_model(ASSESS)
    return made


def diary(world: World, *words: str) -> None:
    """A text a day, each scored on its day, the last one now."""
    world.clock.forward(days=-len(words))
    for one in words:
        world.clock.forward(days=1)
        world.tell(one)


def causes(world: World) -> list[tuple[str, str, Any]]:
    return [(row.cause, row.priority, row.params.get("failure")) for row in world.escalations()]


def last(world: World) -> RiskAssessment:
    found: RiskAssessment = max(world.all(RiskAssessment), key=lambda row: (row.at, row.id))
    return found


def test_an_assessment_comes_out_again_to_the_last_bit_from_what_was_stored(world: World) -> None:
    world.patient()
    diary(world, *LOWS)
    scored = [row for row in world.all(RiskAssessment) if row.risk is not None]
    assert len(scored) == 3
    world.session.expire_all()
    for row in scored:
        found = kept(world.session, row.id)
        assert found.assessment is not None
        assert found.measures is not None
        again = recompute(Scorer(FOUND[BUNDLE]), found.assessment, found.measures, row.at, row.zone)
        assert (again.differing, again.risk) == ((), row.risk)


def test_what_was_stored_otherwise_is_found(world: World) -> None:
    world.patient()
    diary(world, *LOWS)
    found = kept(world.session, last(world).id)
    made, measures = found.assessment, found.measures
    assert made is not None
    assert measures is not None
    scorer = Scorer(FOUND[BUNDLE])
    nudged = replace(made, risk=math.nextafter(made.risk, 1))
    assert recompute(scorer, nudged, measures, found.row.at, "UTC").differing == ("risk",)
    other = replace(made, vector=(made.vector[0] + 1, *made.vector[1:]))
    assert "measures-vector" in recompute(scorer, other, measures, found.row.at, "UTC").differing
    fewer = [one for one in measures if one.value != 190]
    assert "measures-vector" in recompute(scorer, made, fewer, found.row.at, "UTC").differing
    with pytest.raises(AssessmentError):
        recompute(scorer, replace(made, bundle_sha256="0" * 64), None, found.row.at, "UTC")


def test_the_second_assessment_says_what_changed_and_what_would_leave_the_band(world: World) -> None:
    world.patient()
    diary(world, *LOWS)
    made = read(last(world))
    assert made is not None
    assert made.band != "low"
    assert made.previous_band is not None
    assert {change.name for change in made.changes} >= {"glucose_mean", "low_days"}
    other = made.counterfactual
    assert other is not None
    order = [band.id for band in FOUND[BUNDLE].manifest.head.bands]
    assert order.index(other.band) < order.index(made.band)


def test_the_last_assessment_is_of_the_same_patient_and_bundle_and_before(world: World) -> None:
    one, two = world.patient(), world.patient("+12025550102")
    diary(world, *LOWS)
    row = last(world)
    asked = [
        (one.id, BUNDLE, row.at, None),
        (two.id, BUNDLE, row.at, None),
        (one.id, "another", row.at, None),
        (one.id, BUNDLE, min(each.at for each in world.all(RiskAssessment)), None),
    ]
    found = last_before(world.session, asked)
    assert set(found) == {0}
    assert found[0][0] < row.at


def test_a_report_that_is_corrected_is_scored_anew_and_both_stay(world: World, patient: Any, task: Any) -> None:
    submit(world.session, world.rt, patient, response(58), task.id)
    world.score()
    (first,) = world.all(RiskAssessment)
    submit(world.session, world.rt, patient, response(98), task.id)
    world.score()
    before, after = sorted(world.all(RiskAssessment), key=lambda row: row.id)
    assert (before.id, after.supersedes_id, before.supersedes_id) == (first.id, first.id, None)
    assert [row.id for row in assessments(world.session, patient.id)] == [after.id]
    assert corrected(world.session, before).id == after.id


def test_a_correction_in_the_same_batch_supersedes_too(world: World, patient: Any, task: Any) -> None:
    for value in (58, 98, 99):
        submit(world.session, world.rt, patient, response(value), task.id)
    world.score()
    rows = sorted(world.all(RiskAssessment), key=lambda row: row.id)
    assert [row.supersedes_id for row in rows] == [None, rows[0].id, rows[1].id]
    assert [row.id for row in assessments(world.session, patient.id)] == [rows[2].id]


@pytest.mark.parametrize("statement", ["UPDATE risk_assessment SET band = 'low'", "DELETE FROM risk_assessment"])
def test_an_assessment_is_never_changed(world: World, statement: str) -> None:
    world.patient()
    world.tell("glucose 100")
    with pytest.raises(IntegrityError, match="append-only"):
        world.session.execute(text(statement))


@pytest.fixture
def tried(world: World, clinic: Clinic) -> World:
    """The shipped model (its hash is ones) answers, and a newer one (twos) is in the shadow."""
    models.register_shipped(world.session, world.rt.now(), [shipment()])
    newer = models.register(world.session, world.rt, clinic.admin, shipment("2.0.0"))
    models.approve(world.session, world.rt, clinic.clinician, newer.id, "shadow")
    return world


def always(risk: float, band: str, priority: str | None) -> Callable[..., Assessment]:
    def assess(name: str, measures: Sequence[Measure], *_: object) -> Assessment:
        return Assessment(BUNDLE, name, risk, band, priority, (), (), (0.0,), ())

    return assess


def test_a_model_in_the_shadow_is_kept_and_raises_nothing(tried: World, clinic: Clinic) -> None:
    (shipped, _) = versions(tried.session)
    models.kill(tried.session, tried.rt, clinic.clinician, shipped.id, "wrong for our patients")
    someone = tried.patient()
    tried.with_model(always(0.99, "high", "routine"))
    tried.tell("glucose 100")
    kinds = {row.mode: (row.risk, row.reason) for row in tried.all(RiskAssessment)}
    assert kinds == {"shadow": (0.99, None), "active": (None, "model-off")}
    assert causes(tried) == [("unscorable", "urgent", "model-off")]
    assert [row.mode for row in assessments(tried.session, someone.id)] == ["active"]
    told = [event.detail for event in timeline(tried.session, someone.id) if event.kind == "RiskAssessment"]
    assert [one["risk"] for one in told] == [None]


def test_a_shadow_that_crashes_leaves_the_answer_alone(tried: World) -> None:
    def assess(name: str, *rest: Any) -> Assessment:
        if name.startswith("2"):
            raise ZeroDivisionError
        return always(0.1, "low", None)(name, *rest)

    tried.patient()
    tried.with_model(assess)
    tried.tell("glucose 100")
    assert {row.mode: row.reason for row in tried.all(RiskAssessment)} == {"active": None, "shadow": "crashed"}
    assert causes(tried) == []


def test_what_was_judged_in_the_shadow_is_judged_again_when_it_counts(world: World) -> None:
    base = {"response_id": 1, "bundle_sha256": "a", "rules_sha256": "r"}
    keys = [scoring._once({**base, "mode": mode}) for mode in ("shadow", "canary", "active")]
    assert keys[0] != keys[1] == keys[2]


def test_a_bundle_is_given_as_far_back_as_it_looks_and_the_age(world: World) -> None:
    seen: list[Sequence[Measure]] = []

    def assess(name: str, measures: Sequence[Measure], *_: object) -> Assessment:
        seen.append(measures)
        return always(0.1, "low", None)(name, measures)

    reads = Reads(frozenset({"2339-0"}), 120, frozenset({"30525-0"}))
    world.rt = replace(world.rt, assess=assess, reads=lambda bundle: reads)
    world.patient()
    world.clock.forward(days=-100)
    world.tell("glucose 101")
    world.clock.forward(days=-60)
    world.tell("glucose 102")
    world.clock.forward(days=160)
    world.tell("glucose 103")
    assert [one.value for one in seen[-1] if one.code == "2339-0"] == [101, 103]
    (age,) = [one for one in seen[-1] if one.code == "30525-0"]
    born = world.now.year - 1950
    assert age.value == pytest.approx(born + (world.now - world.now.replace(month=1, day=1)).days / 365.25, abs=0.1)


def broken(tmp_path: Path, change: Callable[[Path], None], sign: bool) -> Any:
    """assess() over a copy of the shipped bundle with something wrong in it; what does not verify is left out."""
    copy = Path(shutil.copytree(BUNDLES / BUNDLE, tmp_path / BUNDLE)) / "1.0.0"
    change(copy)
    if sign:
        files = {path.name: path.read_bytes() for path in copy.iterdir() if path.name != SUMS}
        (copy / SUMS).write_text(canonical_list(files))
    return make_assess(load_bundles(tmp_path, lambda *_: None))


def one_byte(copy: Path) -> None:
    data = bytearray((copy / "model.onnx").read_bytes())
    data[200] ^= 1
    (copy / "model.onnx").write_bytes(bytes(data))


def operator_off_the_list(copy: Path) -> None:
    data = (copy / "model.onnx").read_bytes().replace(b"\x07Sigmoid", b"\x07Softmax")
    (copy / "model.onnx").write_bytes(data)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["graph"]["sha256"] = hashlib.sha256(data).hexdigest()
    manifest["graph"]["ops"] = ["Softmax" if op == "Sigmoid" else op for op in manifest["graph"]["ops"]]
    (copy / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "sign"), [(one_byte, False), (operator_off_the_list, True)], ids=["one byte", "operator"]
)
def test_a_bundle_that_is_not_what_was_signed_off_scores_nobody(
    world: World, tmp_path: Path, change: Callable[[Path], None], sign: bool
) -> None:
    world.patient()
    world.with_model(broken(tmp_path, change, sign))
    world.tell("glucose 100")
    assert causes(world) == [("unscorable", "urgent", "bundle-unavailable")]
    assert [(row.risk, row.reason) for row in world.all(RiskAssessment)] == [(None, "bundle-unavailable")]


def test_a_graph_that_gives_no_number_scores_nobody(world: World) -> None:
    bundle = FOUND[BUNDLE]
    nan = bundle.model.replace(struct.pack("<f", bundle.manifest.head.base), struct.pack("<f", float("nan")))
    assert nan != bundle.model
    world.patient()
    diary(world, *LOWS[:5])
    world.with_model(make_assess({BUNDLE: replace(bundle, model=nan, sha256="f" * 64)}))
    world.tell("glucose 120")
    row = last(world)
    assert (row.risk, row.band, row.reason, row.bundle_sha256) == (None, None, "graph-output", "f" * 64)
    assert ("unscorable", "urgent", "graph-output") in causes(world)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("unit", {"unit": "g/L"}),
        ("hard-range", {"value": 2000.0}),
        ("value", {"value": None}),
    ],
)
def test_a_measure_that_the_model_cannot_read_is_a_nurses_task(
    world: World, reason: str, change: dict[str, Any]
) -> None:
    world.patient()
    diary(world, *LOWS[:5])

    def assess(name: str, measures: Sequence[Measure], *rest: Any) -> Assessment:
        return ASSESS(name, [*measures[:-1], replace(measures[-1], **change)], *rest)

    world.with_model(assess)
    world.tell("glucose 120")
    row = last(world)
    assert (row.risk, row.reason, row.bundle_sha256) == (None, reason, FOUND[BUNDLE].sha256)
    assert ("unscorable", "urgent", reason) in causes(world)


@pytest.mark.parametrize("statement", ["DELETE FROM observation", "UPDATE observation SET value = NULL"])
def test_a_report_of_only_missing_values_is_a_nurses_task(
    world: World, patient: Any, task: Any, statement: str
) -> None:
    submit(world.session, world.rt, patient, response(100), task.id)
    world.session.execute(text(statement))
    world.session.commit()
    world.score()
    assert [row.risk for row in world.all(RiskAssessment)] == [None]
    assert ("unscorable", "urgent") in [(cause, priority) for cause, priority, _ in causes(world)]
