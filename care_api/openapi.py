"""flask-smorest as we use it: our parser, our problem+json, and the document at /api/openapi.json."""

from __future__ import annotations

from typing import Any

import flask_smorest
import marshmallow as ma
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from care.access import may
from care_api import problems
from care_api.fields import StrictParser, Text

VERSION = "1.0.0"
BEARER: list[dict[str, list[str]]] = [{"patient": []}]
KEY: list[dict[str, list[str]]] = [{"integrator": []}]


class ProblemSchema(ma.Schema):
    """RFC 9457. `code` is stable and for machines, `detail` for a person; `errors` names places in the input."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    code = ma.fields.String()
    errors = ma.fields.List(ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String()))


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose JSON bodies are read strictly."""

    ARGUMENTS_PARSER = StrictParser()


class Api(flask_smorest.Api):
    """Errors leave as problem+json, and keep the headers that tell a client what to do."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Translate what Flask and webargs raise."""
        return problems.http_error(error)

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE: str = problems.CONTENT_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE  # the class's own, which is for what is no error


def install(app: Flask, public_url: str) -> Api:
    """Make the Api of this application and the route of its document."""
    app.config["API_TITLE"] = "Care"
    app.config["API_VERSION"] = VERSION
    app.config["OPENAPI_VERSION"] = "3.1.0"
    info: dict[str, Any] = {
        "description": "What the patients' app and integrators use. A patient signs in with a one-time code.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    api = Api(app, spec_kwargs={"info": info, "servers": [{"url": public_url}]})
    api.register_field(Text, "string", None)
    bearer = {"type": "http", "scheme": "bearer", "description": "The token of POST /api/v1/sign-in/tokens"}
    api.spec.components.security_scheme("patient", bearer)
    key = {"type": "http", "scheme": "bearer", "description": "An integrator's key (`flask integrators add`)"}
    api.spec.components.security_scheme("integrator", key)

    @may("anyone")
    def document() -> Response:
        return jsonify(api.spec.to_dict())

    app.add_url_rule("/api/openapi.json", "openapi_document", document)
    return api
