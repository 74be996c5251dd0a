"""The instruments that ship: free ones only, each with its licence and its scores, in three languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from care.domain import trend
from care.domain.codes import LANGUAGES, Priority
from care.domain.questionnaire import Answer, Questionnaire, measures, next_item, read_answer, read_questionnaire
from care.domain.questionnaire import answered as answered_at
from care.domain.questionnaire.read_scores import read_scores
from care.domain.questionnaire.scores import score
from care.domain.rules import Report, judge, read_rules
from care.errors import Invalid
from care.library.files import ROOT, document, documents
from care.library.scores import scores

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
INSTRUMENTS = ("phq-9", "phq-2", "gad-7", "gad-2", "audit-c", "mmrc")
LICENCE = "https://care.invalid/fhir/StructureDefinition/licence"

# Instruments whose wording or scoring needs a licence or a written permission: EuroQol, HealthMeasures, GSK, EORTC,
# FACIT, CV Outcomes, University of Minnesota, GL Assessment, QualityMetric, PAR, MoCA, RCPsych, Oxford University
# Innovation, Dalhousie, BAPEN, Columbia. None of them may be in what ships, under any of its names.
PERMISSION_ONLY = (
    r"\beq[- ]?5d|euroqol|\bpromis\b|copd assessment test|\beortc\b|qlq-|\bfact-[a-z]|\bkccq|"
    r"kansas city cardiomyopathy|\bmlhfq|minnesota living|\bhads\b|hospital anxiety and depression|\bsf-?(?:12|36)|"
    r"mini-mental|\bmmse\b|\bmoca\b|\bepds\b|edinburgh postnatal|asthma control|oxford (?:hip|knee)|"
    r"clinical frailty scale|\bmust\b screening|\blanss\b|\bc-ssrs|columbia-suicide|\bwho-?5\b|\bgds\b|"
    r"geriatric depression|mini-cog|\becog-?12"
)


def form(name: str) -> Questionnaire:
    return read_questionnaire(document(ROOT / "questionnaires" / f"{name}.json"))


def answered(name: str, *values: float) -> tuple[Questionnaire, dict[str, tuple[Answer, ...]]]:
    """The form with its scored questions answered by these weights, in order."""
    asked = form(name)
    given = {}
    for item, value in zip(asked.questions, values, strict=False):
        option = next(one for one in item.options if one.ordinal == value)
        given[item.link_id] = (option.answer(),)
    return asked, given


def definition(name: str) -> Any:
    return next(one for one in scores() if one.id == name)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_an_instrument_ships_with_its_licence_in_its_form_and_in_its_score(name: str) -> None:
    raw = document(ROOT / "questionnaires" / f"{name}.json")
    (licence,) = [one for one in raw["extension"] if one["url"] == LICENCE]
    told = {
        part["url"]: part.get("valueCode") or part.get("valueString") or part.get("valueUri")
        for part in licence["extension"]
    }
    beside = document(ROOT / "scores" / f"{name}.json")["licence"]
    assert told == {key: beside[key] for key in ("status", "holder", "url")}
    assert beside["status"] in ("free", "notice")
    assert raw["copyright"] == beside["text"]


def test_no_instrument_ships_that_needs_a_permission() -> None:
    for folder in ("questionnaires", "scores", "rules", "protocols"):
        for path, found in documents(folder):
            assert not re.search(PERMISSION_ONLY, str(found), re.IGNORECASE), path.name


@pytest.mark.parametrize("status", ["permission", "forbidden", "", None])
def test_a_score_under_another_licence_is_refused(status: str | None) -> None:
    raw = document(ROOT / "scores" / "phq-9.json")
    with pytest.raises(Invalid) as refused:
        read_scores({**raw, "licence": {**raw["licence"], "status": status}})
    assert refused.value.code == "not-free"


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_question_and_answer_is_said_in_every_language(name: str) -> None:
    asked = form(name)
    for item in asked.items:
        for text in (item.text, *(option.text for option in item.options)):
            assert set(text) >= {"", *LANGUAGES[1:]}
            assert re.search(r"[\u4e00-\u9fff]", text["zh-Hans"]) or text["zh-Hans"].isascii()


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_title_and_band_is_said_in_every_language(name: str) -> None:
    found = definition(name)
    for text in (
        found.title,
        *(one.title for one in found.scales),
        *(b.text for one in found.scales for b in one.bands),
    ):
        assert set(text) >= {"", *LANGUAGES}


@pytest.mark.parametrize(
    ("name", "values", "total", "band"),
    [
        ("phq-9", (0,) * 9, 0, "minimal"),
        ("phq-9", (1, 1, 1, 1, 0, 0, 0, 0, 0), 4, "minimal"),
        ("phq-9", (1, 1, 1, 1, 1, 0, 0, 0, 0), 5, "mild"),
        ("phq-9", (2, 2, 2, 2, 1, 0, 0, 0, 0), 9, "mild"),
        ("phq-9", (2, 2, 2, 2, 2, 0, 0, 0, 0), 10, "moderate"),
        ("phq-9", (3, 3, 3, 3, 2, 0, 0, 0, 0), 14, "moderate"),
        ("phq-9", (3, 3, 3, 3, 3, 0, 0, 0, 0), 15, "moderately-severe"),
        ("phq-9", (3, 3, 3, 3, 3, 3, 1, 0, 0), 19, "moderately-severe"),
        ("phq-9", (3, 3, 3, 3, 3, 3, 2, 0, 0), 20, "severe"),
        ("phq-9", (3,) * 9, 27, "severe"),
        ("phq-2", (1, 1), 2, "below"),
        ("phq-2", (1, 2), 3, "above"),
        ("gad-7", (1, 1, 1, 1, 0, 0, 0), 4, "minimal"),
        ("gad-7", (1, 1, 1, 1, 1, 0, 0), 5, "mild"),
        ("gad-7", (2, 2, 2, 2, 2, 0, 0), 10, "moderate"),
        ("gad-7", (3, 3, 3, 3, 3, 0, 0), 15, "severe"),
        ("gad-7", (3,) * 7, 21, "severe"),
        ("gad-2", (3, 3), 6, "above"),
        ("audit-c", (0,), 0, "below"),
        ("audit-c", (1, 1, 1), 3, "women"),
        ("audit-c", (4, 4, 4), 12, "above"),
        ("mmrc", (1,), 1, "less"),
        ("mmrc", (2,), 2, "more"),
    ],
)
def test_a_shipped_instrument_scores_as_published(name: str, values: tuple[int, ...], total: int, band: str) -> None:
    (found,) = score(definition(name), *answered(name, *values))
    assert found.value == total
    assert found.band is not None
    assert found.band.id == band


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("replies", "total", "asked"), [("1" * 9, 0, 9), ("2341234112", 12, 10), ("4" * 10, 27, 10)])
def test_phq_9_answered_by_text_scores_the_same_in_every_language(
    replies: str, total: int, asked: int, language: str
) -> None:
    walked, answers, told = form("phq-9"), {}, 0
    while (spot := next_item(walked, answers)) is not None:
        found = read_answer(spot.item, replies[told], language, AT, "UTC")
        assert isinstance(found, Answer)
        answers = answered_at(walked, answers, spot, (found,))
        told += 1
    assert told == asked
    assert score(definition("phq-9"), walked, answers)[0].value == total


def test_phq_9_stands_for_two_missing_answers_and_not_for_three() -> None:
    assert score(definition("phq-9"), *answered("phq-9", 1, 1, 1, 1, 1, 1, 1))[0].value == 9
    (found,) = score(definition("phq-9"), *answered("phq-9", 1, 1, 1, 1, 1, 1))
    assert (found.value, found.reason) == (None, "missing")


def test_the_first_two_items_of_phq_9_are_phq_2_as_well() -> None:
    asked, given = answered("phq-9", 3, 2, 0, 0, 0, 0, 0, 0, 0)
    found = {one.code: one.value for one in measures(asked, given, AT, str, scores())}
    assert found["44261-6"] == found["55758-7"] == 5


def test_every_score_that_ships_is_charted_with_a_cut_of_its_own_bands_and_its_items_are_not() -> None:
    scales = {scale.code: scale for one in scores() for scale in one.scales}
    assert set(trend.SCORES) == set(scales)
    for code, (_, most, cut) in trend.SCORES.items():
        assert most == scales[code].high
        assert cut in [band.low for band in scales[code].bands]
    assert {part.code for scale in scales.values() for part in scale.parts} - {"mmrc"} <= trend.PARTS


@pytest.mark.parametrize("value", [1, 2, 3])
def test_item_9_is_a_red_flag_whatever_the_score(value: int) -> None:
    asked, given = answered("phq-9", 0, 0, 0, 0, 0, 0, 0, 0, value)
    rules = read_rules(document(ROOT / "rules" / "mental-health.json"))
    (found,) = judge([rules], Report("r", AT, measures(asked, given, AT, str, scores())))
    assert (found.rule_id, found.cause, found.priority) == ("phq9-item-9", "crisis", Priority.STAT)


def test_item_9_of_a_form_without_weights_is_a_red_flag_too() -> None:
    loinc = "http://loinc.org"
    theirs = read_questionnaire(
        {
            "resourceType": "Questionnaire",
            "url": "urn:theirs",
            "status": "active",
            "item": [
                {
                    "linkId": "/44249-1/44260-8",
                    "text": "?",
                    "type": "choice",
                    "answerOption": [
                        {"valueCoding": {"system": loinc, "code": "LA6568-5", "display": "Not at all"}},
                        {"valueCoding": {"system": loinc, "code": "LA6569-3", "display": "Several days"}},
                    ],
                }
            ],
        }
    )
    rules = read_rules(document(ROOT / "rules" / "mental-health.json"))
    assert "44260-8" in rules.always
    for code, fires in (("LA6568-5", False), ("LA6569-3", True)):
        given = {"/44249-1/44260-8": (Answer("coding", "?", code=code, system=loinc),)}
        found = judge([rules], Report("r", AT, measures(theirs, given, AT, str, scores())))
        assert bool(found) is fires
