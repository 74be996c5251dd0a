"""What the composition root gives to each request."""

from __future__ import annotations

from typing import cast

from flask import current_app, g
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import NotSignedIn
from care.runtime import Runtime


def session() -> Session:
    """The request's database session."""
    return cast(Session, g.session)


def runtime() -> Runtime:
    """The clock, the channels and the models."""
    return cast(Runtime, current_app.extensions["care.runtime"])


def staff() -> Staff:
    """Who is signed in. Raises NotSignedIn when nobody is."""
    found = g.get("staff")
    if found is None:
        raise NotSignedIn("not-signed-in", "Sign in first")
    return cast(Staff, found)
