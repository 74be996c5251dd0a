"""How an app gets a token: a one-time code to an address that the clinic knows, then the code for a token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import marshmallow as ma
from flask import current_app, g

from care.access import may
from care.services import signin
from care_api.fields import Text
from care_api.guard import bearer
from care_api.openapi import BEARER, Blueprint

blueprint = Blueprint("sign-in", __name__, url_prefix="/api/v1/sign-in", description="One-time codes and tokens")


PAUSE = 0.1  # seconds; several times what the slower of the two ways takes


class AddressSchema(ma.Schema):
    """An address on a channel, as the clinic knows it."""

    channel = Text(required=True, validate=ma.validate.Regexp(r"[a-z]{1,20}\Z"), metadata={"example": "sms"})
    address = Text(required=True, validate=ma.validate.Length(min=1, max=200), metadata={"example": "+14155550100"})


class CodeSchema(AddressSchema):
    """The code that was sent there, or that a nurse read out."""

    code = Text(required=True, validate=ma.validate.Length(min=1, max=20), metadata={"example": "123456"})


class TokenSchema(ma.Schema):
    """A token for the Authorization header. It is shown once and cannot be asked for again."""

    token = ma.fields.String(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)


@contextmanager
def unhurried() -> Iterator[None]:
    """Take the same time for an address that somebody has and for one that nobody has."""
    until = time.monotonic() + PAUSE
    try:
        yield
    finally:
        time.sleep(max(0.0, until - time.monotonic()))


@blueprint.post("/codes")
@may("anyone")
@blueprint.arguments(AddressSchema)
@blueprint.response(202, description="If the address is known, a code is on its way; the answer is the same if not")
def ask_for_code(address: dict[str, Any]) -> None:
    """Ask for a one-time code"""
    with unhurried():
        signin.request_code(g.session, g.rt, address["channel"], address["address"], _country())


@blueprint.post("/tokens")
@may("anyone")
@blueprint.arguments(CodeSchema)
@blueprint.response(201, TokenSchema)
def exchange_code(given: dict[str, Any]) -> Any:
    """Exchange a one-time code for a token"""
    with unhurried():
        return signin.exchange_code(g.session, g.rt, given["channel"], given["address"], given["code"], _country())


@blueprint.delete("/tokens")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.response(204)
def sign_out() -> None:
    """Sign out: the token of this request stops working"""
    signin.sign_out(g.session, g.rt, bearer())


def _country() -> str:
    """Whose a number is that comes without its country code."""
    country: str = current_app.extensions["care.settings"].default_country
    return country
