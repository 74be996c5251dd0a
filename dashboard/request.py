"""What the composition root gives to each request, and how forms are read."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import current_app, g, request
from flask_babel import get_locale
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Invalid, NotSignedIn
from care.records.organizations import Organization
from care.runtime import Runtime

YEARS = range(1900, 2200)


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


def somebody() -> Staff | None:
    """Who is signed in, on a page that is for anyone."""
    return cast("Staff | None", g.get("staff"))


def language() -> str:
    """The language of whoever reads this page: en, zh-Hans or zh-Hant."""
    found = g.get("page_language")
    if found is None:  # asked for hundreds of times by a long page
        found = g.page_language = str(get_locale()).replace("_", "-")
    return str(found)


def told(said: object) -> str:
    """What the heart says in English, an error or a name, in the reader's language."""
    return str(current_app.extensions["care.told"](said))


def reader_zone() -> ZoneInfo:
    """The zone of the reader's hospital; UTC before anyone is signed in."""
    if "reader_zone" not in g:
        g.reader_zone = ZoneInfo(_zone_name())
    return cast(ZoneInfo, g.reader_zone)


def _zone_name() -> str:
    who = g.get("staff")
    if who is None:
        return "UTC"
    try:
        house = session().get(Organization, who.organization_id)
    except SQLAlchemyError:  # the page that tells of a database that is away needs no zone
        return "UTC"
    return house.time_zone if house else "UTC"


def written(name: str, limit: int = 200) -> str:
    """A field of the form without the white space around it.

    Raises Invalid when it is longer than `limit`, or holds U+0000, which no table can keep.
    """
    value = request.form.get(name, "").strip()
    if "\x00" in value:
        raise Invalid("control-character", "this holds characters that cannot be read", place=name)
    if len(value) > limit:
        raise Invalid("too-long", f"at most {limit} characters fit here", place=name)
    return value


def count(name: str) -> int | None:
    """A whole number that a form of ours carries; None where there is none, or something else."""
    value = request.form.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


def day(name: str) -> date:
    """A date field (YYYY-MM-DD) of a year that a calendar of ours can have. Raises Invalid."""
    try:
        found = date.fromisoformat(written(name))
    except ValueError:
        raise Invalid("date", "write the date as year-month-day, for example 2026-03-31", place=name) from None
    if found.year not in YEARS:
        raise Invalid("date", "this year is not within reach", place=name)
    return found


def back(otherwise: str) -> str:
    """Where the form wants to return to, if that is a place of ours."""
    return safe_path(request.form.get("back", ""), otherwise)


def safe_path(wanted: str, otherwise: str) -> str:
    """`wanted` when it is a plain path on this site, else `otherwise`: nobody is sent to another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:  # brackets that are no address
        return otherwise
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if plain and "\\" not in wanted and wanted.isprintable() else otherwise


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
