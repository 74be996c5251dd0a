"""What a form asks for that is left undone here, by name: told to whoever brings it, before a patient sees it. Pure.

Filling in from a record, taking results out of a report and calls to servers are left undone without harm to the
questions; what would change them is refused when the form is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SDC = "sdc-questionnaire-"
_BY_EXTENSION: Mapping[str, str] = {
    **dict.fromkeys(
        (f"{_SDC}launchContext", f"{_SDC}itemPopulationContext", f"{_SDC}sourceQueries", f"{_SDC}prepopulate-subject"),
        "population",
    ),
    **dict.fromkeys(
        (
            *(f"{_SDC}itemExtractionContext", f"{_SDC}targetStructureMap", f"{_SDC}observationExtract"),
            *(f"{_SDC}templateExtract", f"{_SDC}definitionExtract", f"{_SDC}itemExtractionValue"),
        ),
        "extraction",
    ),
    **dict.fromkeys(("terminology-server", f"{_SDC}preferredTerminologyServer"), "terminology-server"),
    "cqf-library": "cql",
    "extension-timeLimit": "time-limit",
    "extension-itemOrder": "item-order",
    "questionnaire-referenceFilter": "reference-filter",
    "questionnaire-externallydefined": "externally-defined",
    "questionnaire-signatureRequired": "signature",
}
_LANGUAGES = {"text/cql": "cql", "text/cql-identifier": "cql", "application/x-fhir-query": "x-fhir-query"}
_MOST_PARTS = 500_000


def left_undone(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The names, in order, of what this form (FHIR R4) asks for and does not get.

    population, extraction, cql, x-fhir-query, terminology-server, time-limit, item-order, reference-filter,
    externally-defined, signature, unknown-modifier.
    """
    return tuple(sorted({name for part in _objects(document) for name in _names(part)}))


def _names(part: Mapping[str, Any]) -> Iterator[str]:
    if part.get("modifierExtension"):
        yield "unknown-modifier"
    url, language = part.get("url"), part.get("language")
    if isinstance(url, str) and len(part) > 1:
        name = _BY_EXTENSION.get(url.rsplit("/", 1)[-1])
        if name:
            yield name
    if isinstance(language, str) and "expression" in part and language in _LANGUAGES:
        yield _LANGUAGES[language]


def _objects(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every object of the document but those in `contained`, without recursion."""
    waiting: list[Any] = [value for name, value in document.items() if name != "contained"]
    yield document
    seen = 0
    while waiting and seen < _MOST_PARTS:
        seen += 1
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
