"""What the composition root gives to each request."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import current_app, g, request
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import CareError, Invalid, NotSignedIn
from care.records.organizations import Organization
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


def language() -> str:
    """The reader's language: en, zh-Hans or zh-Hant."""
    get_locale()  # the choice is made when it is first asked for
    return str(g.get("reader_language", "en"))


def written(name: str, limit: int = 200) -> str:
    """A field of the form without the white space around it. Raises Invalid for what is too long or not to be kept."""
    value = request.form.get(name, "").strip()
    if "\x00" in value:
        raise Invalid("control-character", gettext("this holds characters that cannot be read"), place=name)
    if len(value) > limit:
        raise Invalid("too-long", gettext("at most %(limit)s characters fit here", limit=limit), place=name)
    return value


def count(name: str) -> int | None:
    """A whole number that a form of ours carries; None where there is none, or something else."""
    value = request.form.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


def for_machines() -> bool:
    """Whether who asks reads JSON rather than pages."""
    best = request.accept_mimetypes.best_match(["text/html", "application/problem+json", "application/json"])
    return best is not None and best.endswith("json")


def told(error: CareError) -> str:
    """What an error says, in the reader's language as far as it was translated."""
    say = current_app.extensions.get("care.told")
    return str(say(error)) if say else error.message


def reader_zone() -> ZoneInfo:
    """The zone of the reader's hospital."""
    house = session().get(Organization, staff().organization_id)
    return ZoneInfo(house.time_zone if house else "UTC")


def seen() -> datetime | None:
    """Until when the reader has seen what came, as the form says; what came later is not answered by it."""
    try:
        found = datetime.fromisoformat(written("seen", 40))
    except ValueError:
        return None
    return found if found.tzinfo else None


def once() -> UUID | None:
    """Which drawing of a form this is: sent twice, it is done once."""
    try:
        return UUID(written("once", 40))
    except ValueError:
        return None


def known_form() -> dict[str, str]:
    """`seen` and `once` for the form that is drawn next: as they came, and a new name where none came."""
    until = seen()
    return {"until": until.isoformat() if until else "", "once": str(once() or uuid4())}
