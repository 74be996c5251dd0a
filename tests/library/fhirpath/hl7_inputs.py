"""The two resources that most of HL7's FHIRPath tests read, with what those tests look at and no more.

The values are those of HL7's own examples (FHIR R4, Patient/example and Observation/example; CC0).
"""

from __future__ import annotations

from typing import Any

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "example",
    "identifier": [
        {
            "use": "usual",
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
            "system": "urn:oid:1.2.36.146.595.217.0.1",
            "value": "12345",
            "period": {"start": "2001-05-06"},
            "assigner": {"display": "Acme Healthcare"},
        }
    ],
    "active": True,
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": ["Jim"]},
        {"use": "maiden", "family": "Windsor", "given": ["Peter", "James"], "period": {"end": "2002"}},
    ],
    "telecom": [
        {"use": "home"},
        {"system": "phone", "value": "(03) 5555 6473", "use": "work", "rank": 1},
        {"system": "phone", "value": "(03) 3410 5613", "use": "mobile", "rank": 2},
        {"system": "phone", "value": "(03) 5555 8834", "use": "old", "period": {"end": "2014"}},
    ],
    "gender": "male",
    "birthDate": "1974-12-25",
    "_birthDate": {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                "valueDateTime": "1974-12-25T14:35:45-05:00",
            }
        ]
    },
    "deceasedBoolean": False,
    "address": [{"use": "home", "line": ["534 Erewhon St"], "city": "PleasantVille"}],
    "contact": [{"name": {"family": "du Marché", "given": ["Bénédicte"]}, "gender": "female"}],
    "managingOrganization": {"reference": "Organization/1"},
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "example",
    "status": "final",
    "extension": [
        {
            "url": "http://example.com/fhir/StructureDefinition/patient-age",
            "valueAge": {"value": 40, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"},
        }
    ],
    "category": [
        {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"},
            ]
        }
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body Weight"}]},
    "subject": {"reference": "Patient/example"},
    "valueQuantity": {"value": 185, "unit": "lbs", "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
}

INPUTS: dict[str | None, dict[str, Any]] = {
    None: {},
    "patient-example.xml": PATIENT,
    "observation-example.xml": OBSERVATION,
}
