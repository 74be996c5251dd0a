"""Tellers: by which way a report came and who said it, as its document names them (FHIR's source and author)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

PHONE = "phone"
COMPLETION = "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-completionMode"
_BY_TELEPHONE = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode",
    "code": "PHONE",
    "display": "telephone",
}


@dataclass(frozen=True, slots=True)
class Teller:
    """`source` is the way a report came; `said` are the parts of its document that tell who answered and who wrote."""

    source: str
    said: Mapping[str, Any] = field(default_factory=dict)


APP = Teller("app")


def by_phone(author_id: UUID, who: str = "") -> Teller:
    """Staff wrote down what they were told. `who` told it: Patient/ or RelatedPerson/ and the id; "" is not known."""
    said: dict[str, Any] = {
        "extension": [{"url": COMPLETION, "valueCodeableConcept": {"coding": [_BY_TELEPHONE]}}],
        "author": {"reference": f"Practitioner/{author_id}"},
    }
    return Teller(PHONE, said | ({"source": {"reference": who}} if who else {}))
