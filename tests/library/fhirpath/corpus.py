"""The FHIRPath expressions of the corpus of forms, and a response to each form, made up from its items."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Found(NamedTuple):
    """One expression: where it stands in its form, the form, and the variables that are above it in order."""

    text: str
    kind: str
    form: dict[str, Any]
    link_id: str
    variables: tuple[tuple[str, str], ...]


_VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"


def forms(folder: Path) -> Iterator[dict[str, Any]]:
    """The Questionnaires of a folder, those in bundles too."""
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            continue
        entries = document.get("entry") or [{"resource": document}]
        for entry in entries:
            resource = entry.get("resource") or {}
            if resource.get("resourceType") == "Questionnaire":
                yield resource


def expressions(form: dict[str, Any]) -> Iterator[Found]:
    """Every FHIRPath expression of a form."""
    yield from _below(form, form, ())


def _below(element: dict[str, Any], form: dict[str, Any], above: tuple[tuple[str, str], ...]) -> Iterator[Found]:
    here = above
    link_id = str(element.get("linkId") or "")
    for extension in element.get("extension") or ():
        url = str(extension.get("url"))
        for text, name in _texts(extension):
            yield Found(text, url.rpartition("/")[2], form, link_id, here)
            if url == _VARIABLE and name:
                here = (*here, (name, text))
    for item in element.get("item") or ():
        yield from _below(item, form, here)


def _texts(extension: dict[str, Any]) -> Iterator[tuple[str, str]]:
    held = extension.get("valueExpression") or {}
    if str(held.get("language")).lower() == "text/fhirpath" and held.get("expression"):
        yield held["expression"], str(held.get("name") or "")
    if str(extension.get("url")).endswith("constraint"):
        for part in extension.get("extension") or ():
            if part.get("url") == "expression" and part.get("valueString"):
                yield part["valueString"], ""


def response(form: dict[str, Any], seed: int) -> dict[str, Any]:
    """A response in which most questions are answered, with what their type and options allow."""
    chance = random.Random(f"{form.get('url')} {seed}")
    items = [made for item in form.get("item") or () for made in _item(item, chance)]
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "item": items}


def _item(item: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    below = [made for child in item.get("item") or () for made in _item(child, chance)]
    node: dict[str, Any] = {"linkId": item.get("linkId"), "text": item.get("text", "")}
    if item.get("type") == "group":
        yield {**node, "item": below}
    elif item.get("type") != "display" and chance.random() < 0.85:
        answer = _answer(item, chance)
        if answer is not None:
            yield {**node, "answer": [{**answer, **({"item": below} if below else {})}]}


def _answer(item: dict[str, Any], chance: random.Random) -> dict[str, Any] | None:
    options = item.get("answerOption")
    if options:
        chosen = chance.choice(options)
        value = {key: held for key, held in chosen.items() if key.startswith("value")}
        if "valueCoding" in value and chosen.get("extension"):
            value["valueCoding"] = {**value["valueCoding"], "extension": chosen["extension"]}
        return value
    kinds: dict[str, dict[str, Any]] = {
        "boolean": {"valueBoolean": chance.random() < 0.5},
        "integer": {"valueInteger": chance.randint(0, 120)},
        "decimal": {"valueDecimal": chance.choice([0.5, 1.75, 36.6, 81.2])},
        "string": {"valueString": chance.choice(["", "aspirin", "12"]) or "yes"},
        "text": {"valueString": "a longer text"},
        "date": {"valueDate": chance.choice(["1980-05-01", "2026-02-27"])},
        "dateTime": {"valueDateTime": "2026-02-27T10:00:00Z"},
        "time": {"valueTime": "08:30:00"},
        "quantity": {"valueQuantity": {"value": 70, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}},
    }
    return kinds.get(str(item.get("type")))
