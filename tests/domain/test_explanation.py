"""An assessment in words a nurse can read, in three languages."""

from dataclasses import replace

import pytest

from care.domain.assessment import Assessment, Contribution, Counterfactual
from care.domain.codes import LANGUAGES
from care.domain.explanation import band_change, band_word, explain, instead, silence
from risk.bundle import load
from risk.scoring import Scorer
from tests.risk.conftest import DIRECTORY, EVENING, diary, glucose

SCORER = Scorer(load(DIRECTORY))


def assessment(*shares: Contribution, missing: tuple[str, ...] = ()) -> Assessment:
    return Assessment("b", "0" * 64, 0.5, "raised", None, shares, missing, (), ())


def share(name: str, logit: float, value: float | None = 1.0) -> Contribution:
    return Contribution(name, {"en": name.title(), "zh-Hans": f"{name}简", "zh-Hant": f"{name}繁"}, value, logit)


def test_the_three_largest_up_come_first_then_the_one_largest_down():
    shares = [share("a", 0.1), share("b", 0.9), share("c", 0.4), share("d", 0.2), share("e", -0.1), share("f", -0.6)]
    assert explain(assessment(*shares), "en") == [
        "B: 1. This raises the estimate strongly.",
        "C: 1. This raises the estimate.",
        "D: 1. This raises the estimate.",
        "F: 1. This lowers the estimate strongly.",
    ]


def test_what_was_not_known_is_said_last_and_never_as_a_reason():
    found = explain(assessment(share("a", 0.3), share("b", 0.0, None), missing=("b",)), "en")
    assert found == ["A: 1. This raises the estimate.", "Not known, taken as average: B."]


def test_numbers_are_short():
    texts = [explain(assessment(share("a", 0.3, value)), "en")[0] for value in (163.4, 42.857, 3.0, 0.0)]
    assert [text.split(": ")[1].split(". ")[0] for text in texts] == ["163", "42.9", "3", "0"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_model_explains_itself_in_every_language(language):
    found = SCORER.assess([glucose(60 + 20 * n, n + 3) for n in range(8)], EVENING, "UTC")
    sentences = explain(found, language)
    assert 3 <= len(sentences) <= 5
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in "".join(sentences))
    assert chinese == (language != "en")


def test_an_unknown_language_is_answered_in_english():
    found = SCORER.assess(diary(90, 120, 60, 140, 100, 88, 110), EVENING, "UTC")
    assert explain(found, "fr") == explain(found, "en")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Would be “raised” if"), ("zh-Hans", "会是“升高”"), ("zh-Hant", "會是「升高」")]
)
def test_what_would_leave_the_band_is_one_sentence(language: str, words: str):
    other = Counterfactual("weight", {"en": "Weight (kg)"}, 74.0, 71.2, "raised")
    found = instead(replace(assessment(share("a", 0.3)), counterfactual=other), language)
    assert found is not None
    assert words in found
    assert "71.2" in found
    assert instead(assessment(share("a", 0.3)), language) is None


def test_the_band_is_said_with_what_it_was():
    found = assessment(share("a", 0.3))
    assert band_change(found, "en") == "The band is “raised”."
    assert "from “low” to “raised”" in band_change(replace(found, previous_band="low"), "en")
    assert "as it was last time" in band_change(replace(found, previous_band="raised"), "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", ["too-few", "missing", "stale", "model-off", "model-waits", "graph-failed", ""])
def test_a_model_that_abstained_says_why_in_every_language(reason: str, language: str):
    said = silence(reason, language)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language != "en")
    assert (said == silence("fault", language)) == (reason in ("graph-failed", ""))


def test_a_band_that_nobody_named_is_said_as_it_is():
    assert band_word("purple", "zh-Hans") == "purple"
