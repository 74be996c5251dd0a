"""One card in three forms, none of which says what the others don't."""

import html
import json
from copy import deepcopy
from xml.etree import ElementTree as ET

import pytest

from risk import cards
from risk.registry import BUNDLES

WITH_PAGES = sorted(path.parent for path in BUNDLES.glob("*/*/card.xml"))
# Element names of schema v0.2 of the Applied Model Card, in its order
TOP = [
    "BasicInfo",
    "ReleaseInfo",
    "ModelSummary",
    "UsesAndDirections",
    "Warnings",
    "TrustIngredients",
    "KeyMetrics",
    "Resources",
    "Bibliography",
]


def card():
    return json.loads((BUNDLES / "pbc-visit" / "1.0.0" / "card.json").read_text(encoding="utf-8"))


def test_there_are_cards_to_check():
    assert len(WITH_PAGES) >= 3


@pytest.mark.parametrize("folder", WITH_PAGES, ids=lambda path: path.parent.name)
def test_the_pages_of_a_bundle_are_made_from_its_card_and_nothing_is_empty(folder):
    told = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert cards.problems(told) == []
    assert (folder / "card.md").read_text(encoding="utf-8") == cards.as_markdown(told)
    assert (folder / "card.html").read_text(encoding="utf-8") == cards.as_html(told)
    assert (folder / "card.xml").read_bytes() == cards.as_xml(told)


def test_the_xml_has_the_schemas_elements_in_its_order():
    root = ET.fromstring(cards.as_xml(card()))
    space = f"{{{cards.NAMESPACE}}}"
    assert root.tag == f"{space}AppliedModelCard"
    assert [child.tag.removeprefix(space) for child in root] == TOP
    facts = root.find(f"{space}TrustIngredients/{space}AISystemFacts")
    assert [child.tag.removeprefix(space) for child in facts][:3] == [
        "OutcomesAndOutputs",
        "ModelType",
        "InputDataSource",
    ]
    for metric in root.find(f"{space}KeyMetrics"):
        results = metric.findall(f"{space}Results/{space}MetricResult")
        assert results
        for result in results:
            json.loads(result.find(f"{space}ValueJson").text)


def test_every_sentence_is_in_every_form():
    told = card()
    sentence = told["warnings"]["known_risks_and_limitations"]
    assert sentence in cards.as_markdown(told)
    assert html.escape(sentence) in cards.as_html(told)
    assert sentence in "".join(ET.fromstring(cards.as_xml(told)).itertext())


def test_what_is_missing_or_unknown_is_named():
    told = deepcopy(card())
    told["warnings"]["clinical_risk_level"] = ""
    del told["key_metrics"]["fairness_equity"]["results"]
    told["surprise"] = {}
    assert set(cards.problems(told)) == {
        "warnings.clinical_risk_level",
        "key_metrics.fairness_equity.results",
        "surprise: not a section",
    }


def test_nothing_in_a_card_becomes_markup():
    told = deepcopy(card())
    told["model_summary"]["summary"] = "<script>alert(1)</script> & more"
    assert "<script>" not in cards.as_html(told)
    assert "<script>" not in cards.as_xml(told).decode()
