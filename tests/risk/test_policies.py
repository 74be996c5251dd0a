"""What is done without data, and the windows that laboratory values need; a manifest of three features, made up."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bundle import load
from risk.features import Row, extract
from risk.manifest import Manifest
from tests.risk.conftest import DIRECTORY

AT = datetime(2026, 3, 2, 20, tzinfo=UTC)
SHIPPED = load(DIRECTORY).manifest.model_dump(by_alias=True)
ABSTAIN, TYPICAL = {"policy": "abstain"}, {"policy": "typical", "value": 1.5}
LAST = {"days": 120, "aggregate": "last"}


def source(code: str, **more: Any) -> dict[str, Any]:
    return {"kind": "quantity", "codes": [code], "unit": "mg/dL", "hard": [0.05, 80], "soft": [0.1, 50], **more}


def manifest(missing: dict[str, Any], window: dict[str, Any] | None = None, **more: Any) -> Manifest:
    """Bilirubin as `missing` and `window` say, albumin or its typical value, and the age."""
    about = {
        **SHIPPED,
        "sources": {
            "bilirubin": source("1975-2", accept={"umol/L": 0.05848}),
            "albumin": source("1751-7"),
            "age": source("30525-0", kind="attribute", unit="a", hard=[0, 130], soft=[18, 100]),
        },
        "features": [
            feature("bilirubin", "bilirubin", window or LAST, missing, **more.pop("feature", {})),
            feature("albumin", "albumin", LAST, TYPICAL),
            feature("age", "age", {"days": 1, "aggregate": "last"}, ABSTAIN),
        ],
        "requires": [{"source": "age", "days": 36500, "at_least": 1}],
        **more,
    }
    return Manifest.model_validate(about)


def feature(name: str, source: str, window: Any, missing: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "source": source, "window": window, "missing": missing, "label": {"en": name}, **more}


def measure(code: str, value: float, days: float, unit: str = "mg/dL") -> Measure:
    return Measure(f"{code}-{days}", code, value, unit, AT - timedelta(days=days))


OLD = measure("30525-0", 61, 900, "a")


def row(about: Manifest, *measures: Measure) -> Row:
    return extract(about, [OLD, *measures], AT, "UTC")


def reason(about: Manifest, *measures: Measure) -> str:
    with pytest.raises(AssessmentError) as refused:
        row(about, *measures)
    return refused.value.reason


def test_the_last_value_counts_whatever_the_order_and_an_attribute_never_ages() -> None:
    found = row(manifest(ABSTAIN), measure("1975-2", 2, 3), measure("1975-2", 4, 9))
    assert found.values == (2, None, 61)
    again = row(manifest(ABSTAIN), measure("1975-2", 4, 9), measure("1975-2", 2, 3))
    assert again.vector.tobytes() == found.vector.tobytes()


def test_the_slope_is_per_year_and_by_least_squares() -> None:
    window = {"days": 400, "aggregate": "slope_per_year", "min_points": 2}
    two = row(manifest(ABSTAIN, window), measure("1975-2", 1, 365.25), measure("1975-2", 3, 0))
    assert two.values[0] == pytest.approx(2)
    three = [measure("1975-2", value, days) for value, days in ((1, 365.25), (1, 182.625), (4, 0))]
    assert row(manifest(ABSTAIN, window), *three).values[0] == pytest.approx(3)
    same = [measure("1975-2", 1, 5), Measure("other", "1975-2", 3, "mg/dL", AT - timedelta(days=5))]
    assert row(manifest(ABSTAIN, window), *same).values[0] == 0
    assert reason(manifest(ABSTAIN, window), measure("1975-2", 1, 5)) == "missing"


def test_a_logarithm_is_taken_after_the_range_and_never_of_nothing() -> None:
    logged = manifest(TYPICAL, feature={"transform": "log"})
    assert row(logged, measure("1975-2", 0.06, 1)).vector[0] == pytest.approx(math.log(0.1))
    assert row(logged, measure("1751-7", 1, 1)).vector[0] == pytest.approx(math.log(1.5))
    zero = manifest({"policy": "typical", "value": 0.0}, feature={"transform": "log"})
    assert reason(zero, measure("1751-7", 1, 1)) == "value"


CARRIED = {"policy": "carry_forward", "max_age_days": 180, "then": ABSTAIN}


def test_a_value_is_carried_as_far_as_it_may_be_and_the_day_is_told() -> None:
    found = row(manifest(CARRIED), measure("1975-2", 7, 150))
    assert (found.values[0], found.missing) == (7, ("albumin",))
    assert [(one.name, one.day) for one in found.carried] == [("bilirubin", date(2025, 10, 3))]
    assert found.filled == ("carry_forward", "typical", "")
    assert row(manifest(CARRIED), measure("1975-2", 7, 119)).carried == ()
    assert row(manifest(CARRIED), measure("1975-2", 7, 179)).carried
    assert reason(manifest(CARRIED), measure("1975-2", 7, 180)) == "missing"


def test_what_is_not_known_is_reckoned_from_what_is_and_only_then() -> None:
    rule = {"intercept": 1.0, "coefficients": {"albumin": 0.5}}
    imputed = manifest({"policy": "impute", "impute": rule, "then": {"policy": "typical", "value": 9.0}})
    known = row(imputed, measure("1751-7", 4, 1))
    assert (known.vector[0], known.filled[0], known.values[0]) == (3, "impute", None)
    other = row(
        manifest({"policy": "impute", "impute": rule, "then": ABSTAIN}, abstain={"max_missing": 2}),
        *[measure("1751-7", 4, 1)],
    )
    assert other.vector[0] == 3
    assert (row(imputed).vector[0], row(imputed).filled[0]) == (9, "typical")


def test_the_graph_is_told_nothing_only_by_a_model_that_was_trained_for_it() -> None:
    with pytest.raises(ValidationError, match="trained with values taken out"):
        manifest({"policy": "model_native"})
    trained = manifest({"policy": "model_native"}, provenance={**SHIPPED["provenance"], "mask_augmented": True})
    found = row(trained, measure("1751-7", 4, 1))
    assert math.isnan(found.vector[0])
    assert (found.missing, found.filled[0]) == (("bilirubin",), "model_native")


def test_too_little_or_too_old_is_no_score() -> None:
    few = manifest(TYPICAL, abstain={"max_missing": 1})
    assert row(few, measure("1975-2", 2, 1)).missing == ("albumin",)
    assert reason(few) == "missing"
    fresh = manifest(TYPICAL, abstain={"max_age_days": 30})
    assert row(fresh, measure("1975-2", 2, 29)).missing == ("albumin",)
    assert reason(fresh, measure("1975-2", 2, 31)) == "stale"
    assert reason(fresh) == "stale"


@pytest.mark.parametrize(
    "missing",
    [
        {"policy": "typical"},
        {"policy": "carry_forward", "max_age_days": 3},
        {"policy": "carry_forward", "then": ABSTAIN},
        {"policy": "impute", "then": ABSTAIN},
        {"policy": "carry_forward", "max_age_days": 3, "then": CARRIED},
    ],
)
def test_a_policy_that_does_not_say_what_it_needs_is_refused(missing: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        manifest(missing)


def test_tensors_hold_each_feature_once_and_a_slope_needs_two_points() -> None:
    with pytest.raises(ValidationError, match="each feature once"):
        manifest(ABSTAIN, tensors=[{"name": "a", "features": ["age", "albumin"]}])
    assert manifest(
        ABSTAIN, tensors=[{"name": "a", "features": ["age", "albumin"]}, {"name": "b", "features": ["bilirubin"]}]
    )
    with pytest.raises(ValidationError, match="two points"):
        manifest(ABSTAIN, {"days": 9, "aggregate": "slope_per_year"})
