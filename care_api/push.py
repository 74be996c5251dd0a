"""Where the patient's app says that it can be reached, and that it can't any more."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from care.access import may
from care.domain.codes import LANGUAGES
from care.records.push_registrations import KINDS, PLATFORMS
from care.services import push_registrations
from care.services.push_registrations import App
from care_api.fields import Text
from care_api.guard import bearer
from care_api.openapi import BEARER, Blueprint

blueprint = Blueprint("push", __name__, url_prefix="/api/v1/me", description="Notifications of the patient's own app")


class AppSchema(ma.Schema):
    """What the app was given by its push service. `kind` is `fid` for a Firebase installation id, else `token`.

    `preferred`: notifications before the patient's other addresses. Consent is not decided here.
    """

    kind = Text(required=True, validate=ma.validate.OneOf(KINDS))
    token = Text(required=True, validate=ma.validate.Regexp(r"[!-~]{8,4096}\Z"))
    platform = Text(required=True, validate=ma.validate.OneOf(PLATFORMS))
    language = Text(required=True, validate=ma.validate.OneOf(LANGUAGES))
    preferred = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})


class RegistrationSchema(ma.Schema):
    """An app that is kept; its token is not shown again."""

    id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True)
    platform = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    last_seen_at = ma.fields.AwareDateTime(required=True)


@blueprint.post("/push-registrations")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(AppSchema)
@blueprint.response(201, RegistrationSchema)
def register(told: dict[str, Any]) -> Any:
    """Say that this app can be reached; to be said again at every start, which changes nothing else"""
    preferred = told.pop("preferred")
    return push_registrations.register(g.session, g.rt, g.patient, bearer(), App(**told), preferred)


@blueprint.delete("/push-registrations")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.response(204)
def sign_off() -> None:
    """No more notifications to this app; signing out says so too"""
    push_registrations.sign_off(g.session, g.rt, bearer())
