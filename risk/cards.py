"""A model's card as Markdown, HTML and XML, all made from card.json. Standard library only.

The fields are those of the Applied Model Card of the Coalition for Health AI (schema v0.2, https://mc.chai.org), spelt
here in snake case; the XML has its element names, order and namespace.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
METRIC = (
    "metric_goal",
    "results",
    "interpretation",
    "test_type",
    "testing_data_description",
    "validation_process_and_justification",
)
# Every section with its fields in the schema's order; a nested section is a pair of its own
SECTIONS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("basic_info", ("model_name", "model_developer", "developer_contact")),
    (
        "release_info",
        ("release_stage", "release_date", "release_version", "global_availability", "regulatory_approval"),
    ),
    ("model_summary", ("summary", "keywords")),
    (
        "uses_and_directions",
        (
            "intended_use_and_workflow",
            "primary_intended_users",
            "how_to_use",
            "targeted_patient_population",
            "cautioned_out_of_scope_settings",
        ),
    ),
    ("warnings", ("known_risks_and_limitations", "known_biases_or_ethical_considerations", "clinical_risk_level")),
    (
        "trust_ingredients",
        (
            (
                "ai_system_facts",
                (
                    "outcomes_and_outputs",
                    "model_type",
                    "input_data_source",
                    "output_and_input_data_types",
                    "development_data_characterization",
                    "bias_mitigation_approaches",
                    "ongoing_maintenance",
                    "security",
                    "transparency",
                ),
            ),
            ("transparency_information", ("funding_source", "stakeholders_consulted")),
        ),
    ),
    (
        "key_metrics",
        (("usefulness_usability_efficacy", METRIC), ("fairness_equity", METRIC), ("safety_reliability", METRIC)),
    ),
    ("resources", ("evaluation_references", "peer_reviewed_publications", "patient_consent_or_disclosure")),
)
_SPELT = {"ai_system_facts": "AISystemFacts"}


def problems(card: Mapping[str, Any]) -> list[str]:
    """What the card lacks or leaves empty, as section.field; a complete card has none."""
    wrong = [".".join(path) for path, value in _fields(card) if value in (None, "", [], {})]
    wrong += [] if card.get("bibliography") else ["bibliography"]
    known = {name for name, _ in SECTIONS} | {"schema", "bibliography"}
    return wrong + [f"{name}: not a section" for name in card if name not in known]


def _fields(card: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    def walk(part: Any, names: tuple[Any, ...], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name in names:
            if isinstance(name, tuple):
                yield from walk(_of(part, name[0]), name[1], (*path, name[0]))
            else:
                yield (*path, name), _of(part, name)

    yield from walk(card, SECTIONS, ())


def _of(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, Mapping) else None


def as_markdown(card: Mapping[str, Any]) -> str:
    """The card for people who read text."""
    lines = [f"# {card['basic_info']['model_name']}"]
    heading: tuple[str, ...] = ()
    for path, value in _fields(card):
        for depth, name in enumerate(path[:-1]):
            if heading[: depth + 1] != path[: depth + 1]:
                lines += ["", f"{'#' * (depth + 2)} {_words(name)}"]
        heading = path[:-1]
        lines += ["", f"**{_words(path[-1])}.** {_line(value)}"]
    return "\n".join([*lines, "", "## Bibliography", "", str(card["bibliography"]), ""])


def as_html(card: Mapping[str, Any]) -> str:
    """The card as one page, nothing in it fetched from elsewhere."""
    title = html.escape(card["basic_info"]["model_name"])
    parts = [f"<h1>{title}</h1>"]
    heading: tuple[str, ...] = ()
    for path, value in _fields(card):
        for depth, name in enumerate(path[:-1]):
            if heading[: depth + 1] != path[: depth + 1]:
                parts.append(f"<h{depth + 2}>{html.escape(_words(name))}</h{depth + 2}>")
        heading = path[:-1]
        parts.append(f"<p><b>{html.escape(_words(path[-1]))}.</b> {html.escape(_line(value))}</p>")
    parts.append(f"<h2>Bibliography</h2>\n<p>{html.escape(str(card['bibliography']))}</p>")
    head = f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n<title>{title}</title>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def as_xml(card: Mapping[str, Any]) -> bytes:
    """The card as an AppliedModelCard of schema v0.2."""
    root = ET.Element("AppliedModelCard", {"xmlns": NAMESPACE})
    for name, names in SECTIONS:
        _element(root, name, card.get(name), names)
    ET.SubElement(root, "Bibliography").text = str(card["bibliography"])
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _element(parent: ET.Element, name: str, value: Any, names: tuple[Any, ...]) -> None:
    at = ET.SubElement(parent, _SPELT.get(name, _camel(name)))
    for field in names:
        if isinstance(field, tuple):
            _element(at, field[0], _of(value, field[0]), field[1])
        elif field == "keywords":
            words = ET.SubElement(at, "Keywords")
            for word in _of(value, field) or []:
                ET.SubElement(words, "Keyword").text = str(word)
        elif field == "results":
            _results(ET.SubElement(at, "Results"), _of(value, field) or {})
        else:
            ET.SubElement(at, _camel(field)).text = _line(_of(value, field))


def _results(at: ET.Element, results: Mapping[str, Any]) -> None:
    for label, value in results.items():
        one = ET.SubElement(at, "MetricResult")
        ET.SubElement(one, "Label").text = label
        ET.SubElement(one, "ValueJson").text = json.dumps(value, ensure_ascii=False)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _words(name: str) -> str:
    return "AI system facts" if name == "ai_system_facts" else name.replace("_", " ").capitalize()


def _line(value: Any) -> str:
    """A value as one line: lists by semicolons, results as name: value."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_line(one)}" for name, one in value.items())
    if isinstance(value, list | tuple) and value and all(isinstance(one, int | float) for one in value):
        estimate, *limits = value
        return f"{estimate} ({' to '.join(str(one) for one in limits)})" if limits else str(estimate)
    if isinstance(value, list | tuple):
        return "; ".join(_line(one) for one in value)
    return "" if value is None else str(value)
