"""Entries: what is asked about a new patient, read and judged field by field before anything is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from care.domain.civil import zone_of
from care.domain.codes import LANGUAGES
from care.errors import Invalid
from care.services.addresses import known_country, normal_address, plain
from care.services.labels import known_label
from care.services.names import Token, record_token

GLUCOSE_UNITS = ("mg/dL", "mmol/L")
CONSENT_SOURCES = ("paper", "spoken", "app")
CONSENT_VERSION = "follow-up-1"
SEXES = ("female", "male", "other", "unknown")  # FHIR's administrative gender
OLDEST = 130  # years
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EASTERNMOST = timedelta(hours=14)  # of the clocks of the world: no day is further ahead
Contact = tuple[str, str, str | None]
T = TypeVar("T")


@dataclass(frozen=True)
class Enrolment:
    """What is asked when a patient is enrolled. `contacts` are (channel, address, label); the first is preferred.

    The label tells the people of a shared phone apart without a name ("mother"). `birth_date` may be unknown.
    `asked_by` (a member of staff) asked the patient for their consent on `asked_on`. With a `protocol` ('url|version')
    its plan starts on `starts_on`. `may_share`: that somebody else is reached at the same address is known and meant.
    """

    name: str
    birth_date: date | str | None
    record_number: str
    language: str
    time_zone: str
    country: str
    contacts: tuple[Contact, ...]
    consent_source: str
    consent_version: str
    glucose_unit: str = "mg/dL"
    sex: str = "unknown"
    asked_by: UUID | None = None
    asked_on: date | str | None = None
    protocol: str | None = None
    starts_on: date | str | None = None
    may_share: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """An enrolment that can be written: every field as it is kept."""

    identity: Mapping[str, Any] = field(repr=False)
    record: Token = field(repr=False)
    language: str
    time_zone: str
    country: str
    glucose_unit: str
    contacts: tuple[Contact, ...] = field(repr=False)
    source: str
    version: str
    asked_by: UUID | None
    asked_on: date | None
    protocol: str | None
    starts_on: date | None


def entry_of(form: Enrolment, now: datetime) -> Entry:
    """The form as it is kept. Raises Invalid(place=the field) for the first field that is wrong."""
    entry, faults = examined(form, now)
    if entry is None:
        raise faults[0]
    return entry


def examined(form: Enrolment, now: datetime) -> tuple[Entry | None, tuple[Invalid, ...]]:
    """The form as it is kept, or everything that is wrong with it, each with its place."""
    faults: list[Invalid] = []

    def read(make: Callable[[], T], otherwise: T) -> T:
        try:
            return make()
        except Invalid as wrong:
            faults.append(wrong)
            return otherwise

    identity = {
        "name": read(lambda: plain(form.name, "name"), ""),
        "birth_date": read(lambda: _birth_date(form.birth_date, now), None),
        "record_number": read(lambda: plain(form.record_number, "record_number", 60), ""),
    }
    sex = read(lambda: _one_of(form.sex or "unknown", SEXES, "sex"), "unknown")
    identity |= {"sex": sex} if sex != "unknown" else {}
    country = read(lambda: known_country(form.country), "")
    entry = Entry(
        identity=identity,
        record=read(lambda: _record(identity["record_number"] or ""), ("", b"")),
        language=read(lambda: _one_of(form.language, LANGUAGES, "language"), ""),
        time_zone=read(lambda: zone(form.time_zone), ""),
        country=country,
        glucose_unit=read(lambda: _one_of(form.glucose_unit, GLUCOSE_UNITS, "glucose_unit"), ""),
        contacts=read(lambda: _contacts(form.contacts, country, identity), ()) if country else (),
        source=read(lambda: plain(form.consent_source, "consent_source"), ""),
        version=read(lambda: plain(form.consent_version, "consent_version"), ""),
        asked_by=form.asked_by,
        asked_on=read(lambda: _asked_on(form.asked_on, now), None),
        protocol=form.protocol,
        starts_on=read(lambda: _starts_on(form), None),
    )
    return (None if faults else entry), tuple(faults)


def zone(name: str) -> str:
    """An IANA time zone's name. Raises Invalid with its place."""
    try:
        zone_of(name)
    except Invalid as wrong:
        raise Invalid(wrong.code, wrong.message, place="time_zone") from None
    return name


def _contacts(contacts: tuple[Contact, ...], country: str, identity: Mapping[str, Any]) -> tuple[Contact, ...]:
    if not contacts:
        raise Invalid("no-contact", "a patient needs a way to be reached", place="address1")
    found: list[Contact] = []
    for number, (channel, address, label) in enumerate(contacts, start=1):
        name = plain(channel, f"channel{number}", 20)
        spelt = normal_address(name, address, country, f"address{number}")
        if any(one[:2] == (name, spelt) for one in found):
            raise Invalid("twice", "the same address is named twice", place=f"address{number}")
        found.append((name, spelt, known_label(label, f"label{number}", identity) if label else None))
    return tuple(found)


def _day(value: date | str, place: str) -> date:
    """A day, written year-month-day and in no other way: 02/03 is two days, and neither is guessed."""
    try:
        if isinstance(value, date):
            return value
        if _DATE.fullmatch(value) and value.isascii():
            return date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise Invalid("bad-date", "write the date as year-month-day", place=place)


def _birth_date(value: date | str | None, now: datetime) -> str | None:
    if value is None or value == "":
        return None
    born = _day(value, "birth_date")
    if not now.year - OLDEST <= born.year or born > now.date():
        raise Invalid("impossible-date", "nobody living was born on this day", place="birth_date")
    return born.isoformat()


def _asked_on(value: date | str | None, now: datetime) -> date | None:
    if value is None or value == "":
        return None
    asked = _day(value, "asked_on")
    if not now.year - OLDEST <= asked.year or asked > (now + _EASTERNMOST).date():
        raise Invalid("impossible-date", "nobody can have been asked on this day", place="asked_on")
    return asked


def _starts_on(form: Enrolment) -> date | None:
    if form.protocol is None:
        return None
    if not form.starts_on:
        raise Invalid("no-start", "a plan needs its first day", place="starts_on")
    return _day(form.starts_on, "starts_on")


def _one_of(value: str, allowed: tuple[str, ...], place: str) -> str:
    if value not in allowed:
        raise Invalid("unknown-value", f"this must be one of {', '.join(allowed)}", place=place)
    return value


def _record(number: str) -> Token:
    """The token of a record number. Raises Invalid for one without letter or digit: those would all be the same."""
    if not any(char.isascii() and char.isalnum() for char in unicodedata.normalize("NFKC", number)):
        raise Invalid("record-number", "a record number has letters or digits", place="record_number")
    return record_token(number)
