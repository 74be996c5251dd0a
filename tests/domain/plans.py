"""Plans for tests, written as documents: what a protocol says is read the way a protocol is read."""

from __future__ import annotations

from typing import Any

EXTENSIONS = "https://care.invalid/fhir/StructureDefinition/"
URL = "https://care.invalid/fhir/PlanDefinition/test"
DURATIONS = ("remind-after", "expires-after", "spread")


def extension(name: str, value: Any) -> dict[str, Any]:
    """One of our extensions: a code, or for a duration (number, unit)."""
    url = EXTENSIONS + name
    if name in DURATIONS:
        return {"url": url, "valueDuration": {"value": value[0], "code": value[1]}}
    return {"url": url, "valueCode": value}


def action(name: str = "a", *times: str, days: int | None = None, low: int | None = None, **own: Any) -> dict[str, Any]:
    """An action asked at `times` every day, for `days` days or from day `low` on; `own` are its extensions."""
    repeat: dict[str, Any] = {"frequency": max(1, len(times)), "period": 1, "periodUnit": "d"}
    repeat["timeOfDay"] = [f"{at}:00" for at in times or ("08:00",)]
    if days is not None:
        repeat["boundsDuration"] = {"value": days, "code": "d"}
    if low is not None:
        repeat["boundsRange"] = {"low": {"value": low, "code": "d"}}
    return {
        "id": name,
        "title": name,
        "extension": [extension(key.replace("_", "-"), value) for key, value in own.items()],
        "timingTiming": {"repeat": repeat},
        "definitionCanonical": "https://care.invalid/fhir/Questionnaire/glucose-daily|1.0.0",
    }


def plan(*actions: dict[str, Any], version: str = "1", **own: Any) -> dict[str, Any]:
    """A PlanDefinition document of these actions."""
    return {
        "resourceType": "PlanDefinition",
        "url": URL,
        "version": version,
        "title": "Test",
        "extension": [extension(key.replace("_", "-"), value) for key, value in own.items()],
        "action": list(actions) or [action()],
    }
