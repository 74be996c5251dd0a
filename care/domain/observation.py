"""Observation: a laboratory value or a device's measurement, read from FHIR R4 and checked before anybody relies on it.

Read strictly: a value whose code, unit or time is in doubt is refused with its place, since a rule or a model that read
it wrongly would be worse than one that knows nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from care.domain.questionnaire.units import UCUM, UNITS, convert
from care.errors import Invalid

LOINC = "http://loinc.org"
FINAL, PRELIMINARY, ERROR = "final", "preliminary", "entered-in-error"
CORRECTIONS = frozenset({"amended", "corrected"})
STATUSES = frozenset({FINAL, PRELIMINARY, ERROR}) | CORRECTIONS
GLUCOSE_CODES = frozenset({"2339-0", "2345-7", "15074-8", "14749-6", "41653-7"})
"""Only for glucose is 1 mmol/L 18.0182 mg/dL; every other substance weighs something else."""
SKEW = timedelta(minutes=5)
OLDEST = timedelta(days=366 * 20)
LARGEST = 1e9
MOST_COMPONENTS = 20
_CODE = re.compile(r"(\d{1,7})-(\d)")
_UNIT = re.compile(r"[!-~]{1,40}")
_COMPARATORS = {"<": "<", "<=": "<", ">": ">", ">=": ">"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as it was told. `identifier` is the sender's own name of it ("" if there is none); `at` is aware.

    `part` is the code of a component (the lower value of a blood pressure), "" for an observation's own value. `value`
    is None only where the observation was entered in error.
    """

    code: str
    value: float | None
    unit: str
    comparator: str
    at: datetime
    status: str
    identifier: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """An Observation as it came: whose it is, and the values in it."""

    record_number: str
    readings: tuple[Reading, ...]


def read_observation(document: Any, now: datetime) -> Sent:
    """The values of a FHIR R4 Observation. Raises Invalid with the place, which never quotes a value."""
    if not isinstance(document, Mapping) or document.get("resourceType") != "Observation":
        raise Invalid("not-an-observation", "this is no Observation", place="resourceType")
    status = document.get("status")
    if not isinstance(status, str) or status not in STATUSES:
        raise Invalid("status", f"a status is one of {', '.join(sorted(STATUSES))}", place="status")
    record, identifier = _record_number(document), _identifier(document)
    at = _moment(document, now)
    if "valueQuantity" in document or not document.get("component"):
        parts: list[tuple[Mapping[str, Any], str]] = [(document, "")]
    else:
        parts = [(one, "component") for one in _components(document)]
    readings = tuple(_reading(one, place, at, str(status), identifier) for one, place in parts)
    if len({one.part for one in readings}) < len(readings):
        raise Invalid("component", "two components have the same code", place="component")
    return Sent(record, readings)


def in_judged_unit(reading: Reading, judged: Mapping[str, str]) -> tuple[float | None, str]:
    """(value, unit) in the unit in which rules judge this code (`judged`), where one can be turned into the other."""
    wanted, value = judged.get(reading.code), reading.value
    if wanted is None or value is None or reading.unit == wanted:
        return value, reading.unit
    known = UNITS.get(wanted)
    if known is None or (known.dimension == "glucose" and reading.code not in GLUCOSE_CODES):
        return value, reading.unit
    converted = convert(value, reading.unit, wanted)
    return (value, reading.unit) if converted is None else (converted, wanted)


def is_loinc(code: str) -> bool:
    """Whether this is a LOINC code; its last digit is a check digit (Mod 10, LOINC Users' Guide, appendix C)."""
    found = _CODE.fullmatch(code)
    if found is None:
        return False
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(found[1])))
    return (10 - sum(digit // 10 + digit % 10 for digit in doubled) % 10) % 10 == int(found[2])


def _reading(part: Mapping[str, Any], place: str, at: datetime, status: str, identifier: str) -> Reading:
    code = _loinc(part.get("code"), f"{place}/code".lstrip("/"))
    inner = code if place else ""
    if status == ERROR:
        return Reading(code, None, "", "", at, status, identifier, inner)
    where = f"{place}/valueQuantity".lstrip("/")
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, Mapping):
        raise Invalid("no-value", "there is no valueQuantity", place=where)
    value = quantity.get("value")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or abs(value) > LARGEST
    ):
        raise Invalid("value", "the value is no number that can be kept", place=f"{where}/value")
    unit = quantity.get("code")
    if quantity.get("system") != UCUM or not isinstance(unit, str) or not _UNIT.fullmatch(unit):
        raise Invalid("unit", f"a unit is a UCUM code: system {UCUM} and code", place=f"{where}/code")
    comparator = quantity.get("comparator", "")
    if comparator and (not isinstance(comparator, str) or comparator not in _COMPARATORS):
        raise Invalid("comparator", "a comparator is <, <=, > or >=", place=f"{where}/comparator")
    return Reading(code, float(value), unit, _COMPARATORS.get(comparator, ""), at, status, identifier, inner)


def _components(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = document["component"]
    if (
        not isinstance(found, list)
        or len(found) > MOST_COMPONENTS
        or not all(isinstance(one, Mapping) for one in found)
    ):
        raise Invalid("component", f"component is a list of at most {MOST_COMPONENTS} values", place="component")
    return found


def _loinc(concept: Any, place: str) -> str:
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, Mapping) and coding.get("system") == LOINC:
            code = coding.get("code")
            if isinstance(code, str) and is_loinc(code):
                return code
    raise Invalid("code", f"a code is a coding of the system {LOINC} whose check digit is right", place=place)


def _record_number(document: Mapping[str, Any]) -> str:
    subject = document.get("subject")
    named = subject.get("identifier") if isinstance(subject, Mapping) else None
    value = named.get("value") if isinstance(named, Mapping) else None
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 100:
        raise Invalid("subject", "the patient is named by the record number in subject.identifier", place="subject")
    return value.strip()


def _identifier(document: Mapping[str, Any]) -> str:
    """'system|value' of the first identifier; "" without one."""
    found = document.get("identifier", [])
    if not isinstance(found, list):
        raise Invalid("identifier", "identifier is a list", place="identifier")
    if not found:
        return ""
    system, value = (found[0].get("system", ""), found[0].get("value")) if isinstance(found[0], Mapping) else ("", None)
    if not isinstance(system, str) or not isinstance(value, str) or not value or len(system) + len(value) > 500:
        raise Invalid("identifier", "an identifier has a system and a value", place="identifier")
    return f"{system}|{value}"


def _moment(document: Mapping[str, Any], now: datetime) -> datetime:
    told = document.get("effectiveDateTime", document.get("effectiveInstant"))
    place = "effectiveDateTime"
    try:
        at = datetime.fromisoformat(told) if isinstance(told, str) and "T" in told else None
        inside = at is not None and at.utcoffset() is not None and now - OLDEST <= at <= now + SKEW
    except (ValueError, OverflowError):
        at, inside = None, False
    if at is None or at.utcoffset() is None:
        raise Invalid("bad-date", "a date and time with its offset from UTC is needed", place=place)
    if not inside:
        raise Invalid("date-out-of-range", "the time lies in the future or too far in the past", place=place)
    return min(at, now)
