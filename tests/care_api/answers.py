"""A valid answer to every required question of a FHIR questionnaire, the plainest one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

MIN, MAX = "http://hl7.org/fhir/StructureDefinition/minValue", "http://hl7.org/fhir/StructureDefinition/maxValue"


def answered(form: Mapping[str, Any], at: datetime, **known: float) -> dict[str, Any]:
    """A QuestionnaireResponse as an app would send it. `known` gives the values of numeric items by linkId."""
    items = [_item(item, known) for item in form["item"] if item["type"] not in ("display", "group")]
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{form['url']}|{form['version']}",
        "status": "completed",
        "authored": at.isoformat(),
        "item": [item for item in items if item],
    }


def _item(item: Mapping[str, Any], known: Mapping[str, float]) -> dict[str, Any] | None:
    if not item.get("required") and item["linkId"] not in known:
        return None
    return {"linkId": item["linkId"], "answer": [_value(item, known.get(item["linkId"]))]}


def _value(item: Mapping[str, Any], known: float | None) -> dict[str, Any]:
    kind = item["type"]
    if kind == "boolean":
        return {"valueBoolean": False}
    if kind in ("choice", "open-choice"):
        option = item["answerOption"][0]
        return {key: value for key, value in option.items() if key.startswith("value")}
    number = known if known is not None else _between(item)
    if kind == "integer":
        return {"valueInteger": int(number)}
    if kind == "decimal":
        return {"valueDecimal": number}
    if kind == "quantity":
        unit = next(
            (ext["valueCoding"] for ext in item.get("extension", ()) if "questionnaire-unit" in ext["url"]),
            {"code": "mg/dL"},
        )
        return {"valueQuantity": {"value": number, "unit": unit["code"], "code": unit["code"]}}
    return {"valueString": "fine"}


def _between(item: Mapping[str, Any]) -> float:
    limits = {ext["url"]: next((v for k, v in ext.items() if k != "url"), None) for ext in item.get("extension", ())}
    low, high = _number(limits.get(MIN)), _number(limits.get(MAX))
    if low is None or high is None:
        return 100
    return round((low + high) / 2)


def _number(value: Any) -> float | None:
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, int | float) else None
