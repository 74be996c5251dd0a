"""The questionnaires themselves, as FHIR JSON, for an app that shows them as forms."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response, g

from care.access import may
from care.errors import NotFound
from care.records.definitions import Definition, definition
from care_api.fields import Text
from care_api.openapi import BEARER, Blueprint

FHIR = "application/fhir+json"
blueprint = Blueprint(
    "questionnaires", __name__, url_prefix="/api/v1/questionnaires", description="Published questionnaires"
)


class CanonicalSchema(ma.Schema):
    """FHIR's canonical in two parts, so that it needs no escaping."""

    url = Text(required=True, validate=ma.validate.Length(min=1, max=300))
    version = Text(required=True, validate=ma.validate.Length(min=1, max=50))


@blueprint.get("")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(CanonicalSchema, location="query")
@blueprint.response(200, description="A FHIR R4 Questionnaire", content_type=FHIR)
def by_canonical(query: dict[str, Any]) -> Response:
    """A questionnaire by its canonical"""
    return _answer(definition(g.session, f"{query['url']}|{query['version']}"))


@blueprint.get("/<uuid:definition_id>")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.response(200, description="A FHIR R4 Questionnaire", content_type=FHIR)
def by_id(definition_id: UUID) -> Response:
    """A questionnaire by its id"""
    return _answer(g.session.get(Definition, definition_id))


def _answer(found: Definition | None) -> Response:
    if found is None or found.kind != "Questionnaire":
        raise NotFound("definition", "no such published questionnaire")
    response = Response(json.dumps(found.document, ensure_ascii=False), content_type=FHIR)
    response.set_etag(found.sha256)
    return response
