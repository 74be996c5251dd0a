"""Where a laboratory's or a device's system hands in values: one FHIR R4 Observation, or many in a Bundle."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g, request

from care.access import may
from care.errors import CareError, Invalid
from care.services.measurements import Kept
from care.services.observations import receive
from care_api.fields import Text
from care_api.openapi import KEY, Blueprint
from care_api.schemas import OnceSchema

blueprint = Blueprint("observations", __name__, url_prefix="/api/v1", description="Values from other systems")
_STATUS = {"created": 201, "corrected": 200, "withdrawn": 200, "unchanged": 200}


class ObservationsSchema(ma.Schema):
    """A FHIR R4 Observation, or a Bundle (batch or collection) of them; each is read and refused on its own.

    An Observation names its patient by the record number in subject.identifier, its code in LOINC, its unit in UCUM and
    its time with an offset; one identifier is one value, however often it is sent.
    """

    class Meta:
        unknown = ma.INCLUDE

    resourceType = Text(required=True, validate=ma.validate.OneOf(["Observation", "Bundle"]))
    type = Text(validate=ma.validate.OneOf(["batch", "collection"]))
    entry = ma.fields.List(ma.fields.Dict(keys=ma.fields.String()))


class ToldSchema(ma.Schema):
    """What became of it. `ids` are those of the values: several where an Observation has components.

    Of a Bundle: a FHIR Bundle (batch-response) with a response an entry, in order; what was refused has an
    OperationOutcome.
    """

    resourceType = ma.fields.String(required=True)
    result = ma.fields.String(validate=ma.validate.OneOf(sorted(_STATUS)))
    ids = ma.fields.List(ma.fields.UUID())
    type = ma.fields.String()
    entry = ma.fields.List(ma.fields.Dict())


@blueprint.post("/observations")
@may("integrator")
@blueprint.doc(security=KEY)
@blueprint.arguments(ObservationsSchema, description="A FHIR R4 Observation or Bundle")
@blueprint.arguments(OnceSchema, location="headers")
@blueprint.response(200, ToldSchema)
@blueprint.alt_response(201, schema=ToldSchema, description="A value that was not known before")
def hand_in(document: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Hand in laboratory values and measurements"""
    whole = request.get_json()  # as it came: the schema has looked at it and changed nothing
    key = headers.get("key")
    if whole["resourceType"] == "Observation":
        (told,) = receive(g.session, g.rt, g.integrator, [whole], key)
        if isinstance(told, CareError):
            raise told
        return {"resourceType": "Observation", "result": told.result, "ids": told.ids}, _STATUS[told.result]
    if "type" not in whole:
        raise Invalid("bundle-type", "a Bundle has the type batch or collection", place="type")
    found = receive(g.session, g.rt, g.integrator, [one.get("resource") for one in whole.get("entry", [])], key)
    return {
        "resourceType": "Bundle",
        "type": "batch-response",
        "entry": [{"response": _response(one)} for one in found],
    }


def _response(told: Kept | CareError) -> dict[str, Any]:
    if isinstance(told, Kept):
        ids = {"location": f"Observation/{told.ids[0]}"} if told.ids else {}
        return {"status": str(_STATUS[told.result]), **ids}
    issue: dict[str, Any] = {
        "severity": "error",
        "code": {404: "not-found", 409: "conflict"}.get(told.status, "invalid"),
        "details": {"coding": [{"code": told.code}], "text": told.message},
    }
    if told.detail.get("place"):
        issue["expression"] = ["Observation." + str(told.detail["place"]).replace("/", ".")]
    return {"status": str(told.status), "outcome": {"resourceType": "OperationOutcome", "issue": [issue]}}
