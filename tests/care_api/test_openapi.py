"""The document at /api/openapi.json describes what is there, in OpenAPI 3.1."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator, validate


def test_the_document_is_valid_openapi(client: FlaskClient):
    document = client.get("/api/openapi.json").json
    assert document["openapi"] == "3.1.0"
    validate(document, cls=OpenAPIV31SpecValidator)


def test_every_route_of_the_api_is_described(app: Flask, client: FlaskClient):
    paths = client.get("/api/openapi.json").json["paths"]
    described = {(path, method.upper()) for path, operations in paths.items() for method in operations}
    there = {
        (rule.rule.replace("<uuid:definition_id>", "{definition_id}"), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert there <= described


def test_whatever_needs_a_token_says_so(client: FlaskClient):
    paths = client.get("/api/openapi.json").json["paths"]
    without = {
        (path, method)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "responses" in operation and not operation.get("security")
    }
    assert without == {("/api/v1/sign-in/codes", "post"), ("/api/v1/sign-in/tokens", "post")}


def test_errors_are_described_as_problems(client: FlaskClient):
    responses = client.get("/api/openapi.json").json["components"]["responses"]
    assert set(responses["DEFAULT_ERROR"]["content"]) == {"application/problem+json"}
