from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from care.records.case_evidence import Spoke
from care.records.ids import new_id
from core.trajectory import of_instruments, of_models
from tests.conftest import NOON

SHA = "a" * 64


def spoke(risk: float | None, hours: int, superseded: bool = False, reason: str | None = None) -> Spoke:
    band = None if risk is None else "high" if risk >= 0.6 else "low"
    return Spoke(new_id(), "made-up", SHA, NOON + timedelta(hours=hours), risk, band, reason, superseded)


def version(**changes: Any) -> Any:
    card = {"basic_info": {"model_name": "A made-up model"}}
    known = {"id": new_id(), "bundle_id": "made-up", "version": "1.0.0", "routine_from": 0.6, "card": card}
    return SimpleNamespace(**known | changes)


def value(code: str, number: float, superseded: bool = False) -> Any:
    return SimpleNamespace(code=code, value=number, at=NOON, superseded=superseded)


def test_a_model_has_one_track_with_its_bands_and_the_risk_that_asks_for_a_look():
    (track,) = of_models([spoke(0.21, 0), spoke(0.651, 1)], {SHA: version()}, "zh-Hans")
    assert [(mark.value, mark.said) for mark in track.marks] == [(21.0, "低"), (65.1, "高")]
    assert (track.name, track.unit, track.line, track.model) == ("A made-up model", "%", 60.0, "made-up 1.0.0")


def test_what_was_corrected_stays_and_is_no_longer_what_is_known():
    (track,) = of_models([spoke(0.9, 0, superseded=True), spoke(0.2, 0)], {}, "en")
    assert [mark.superseded for mark in track.marks] == [True, False]
    assert [mark.value for mark in track.known] == [20.0]
    assert (track.name, track.model_id, track.line) == ("Made up", None, None)


def test_a_model_that_abstained_says_why():
    (track,) = of_models([spoke(None, 0, reason="too-few")], {}, "en")
    assert track.marks[0].value is None
    assert "too few measurements" in track.marks[0].said
    assert track.known == []


def test_an_instrument_has_the_bands_of_its_authors_in_the_readers_language():
    (track,) = of_instruments([value("44261-6", 7), value("44261-6", 12, superseded=True)], "zh-Hant")
    assert (track.name, track.top) == ("抑鬱症狀（PHQ-9）", 27.0)
    assert track.bands[0] == (0, 4, "極輕或無")
    assert track.marks[0].said == track.bands[1][2]
    assert [mark.superseded for mark in track.marks] == [False, True]


def test_single_answers_are_no_score():
    assert of_instruments([value("44250-9", 2), value("29463-7", 70)], "en") == []
