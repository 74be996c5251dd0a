"""The page: a patient's phones on the left, the nurse's own page on the right, and the clock above them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask import session as browser
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Session

from care.access import may
from care.domain.codes import LANGUAGES
from care.errors import Conflict, Invalid, NotFound
from care.library.page_texts import simulator_texts
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import simulated_phones, simulated_time
from care.services.simulated_phones import Heard, Phone
from simulator import blueprint
from simulator.assets import simulated

LONGEST = 1600
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
JUST_AFTER = timedelta(seconds=1)
NAMES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
_HEARD: dict[str, Heard] = {"delivered": "delivered", "failed": "failed", "opted-out": "opted-out"}


@dataclass(frozen=True)
class Shown:
    """What the page shows of one patient."""

    patient: Patient | None
    language: str
    phones: list[Phone]


@blueprint.get("")
@may("developer")
def page() -> str:
    """The whole page."""
    shown = _shown()
    people = simulated_phones.people(_session())
    return render_template("simulator/page.html", people=people, names=NAMES, simulated=simulated, **_given(shown))


@blueprint.get("/live")
@may("developer")
def live() -> Response:
    """What changes by itself, for the open page to ask again; 304 when nothing did."""
    shown = _shown()
    generate_csrf()  # signing in on the nurse's page begins a new secret, which our forms then need
    given = _given(shown)
    secret = str(browser.get("csrf_token", ""))
    clock = (given["ahead"], *(given["now"].astimezone(zone).minute for zone in [given["zone"]]))
    told = repr((secret, shown.language, clock, given["next"], shown.phones))
    tag = hashlib.sha256(told.encode()).hexdigest()[:20]
    unchanged = request.if_none_match.contains(tag)
    response = make_response("", 304) if unchanged else make_response(render_template("simulator/live.html", **given))
    response.set_etag(tag)
    response.cache_control.no_cache = True
    return response


@blueprint.post("/<uuid:patient_id>/<key>/text")
@may("developer")
def write(patient_id: UUID, key: str) -> Response:
    """A text from a phone, as its provider's webhook would bring it."""
    words = request.form.get("text", "")
    if len(words) > LONGEST or "\x00" in words:
        raise Invalid("text", f"at most {LONGEST} characters fit on this phone", place="text")
    photo, twice = request.form.get("send") == "photo", request.form.get("twice") == "yes"
    simulated_phones.write(_session(), _rt(), _phone(patient_id, key), words, photo=photo, twice=twice)
    return _back(patient_id)


@blueprint.post("/<uuid:patient_id>/<key>/<uuid:message_id>/receipt")
@may("developer")
def hear(patient_id: UUID, key: str, message_id: UUID) -> Response:
    """What the provider says later of a message."""
    heard = _HEARD.get(request.form.get("heard", ""))
    if heard is None:
        raise Invalid("heard", "a receipt says delivered, failed or opted-out", place="heard")
    simulated_phones.hear(_session(), _rt(), _phone(patient_id, key), message_id, heard)
    return _back(patient_id)


@blueprint.post("/<uuid:patient_id>/clock")
@may("developer")
def move(patient_id: UUID) -> Response:
    """Move the clock: an hour, a day, to the patient's next reminder, or back to real time."""
    wanted, session, rt = request.form.get("to", ""), _session(), _rt()
    if wanted == "real":
        simulated_time.back_to_real(session, rt)
    elif wanted == "reminder":
        now = rt.now()
        due = simulated_time.next_reminder(session, simulated_phones.person(session, patient_id).id, now)
        if due is None:
            raise Conflict("no-reminder", "nothing is planned for this patient")
        simulated_time.move(session, due - now + JUST_AFTER)
    elif wanted in STEPS:
        simulated_time.move(session, STEPS[wanted])
    else:
        raise Invalid("clock", "the clock moves by an hour or a day, to the next reminder, or back", place="to")
    if isinstance(rt.clock, simulated_time.MovedClock):
        rt.clock.look()
    return _back(patient_id)


def _session() -> Session:
    return cast(Session, g.session)


def _rt() -> Runtime:
    return cast(Runtime, current_app.extensions["care.runtime"])


def _language() -> str:
    wanted = request.args.get("language") or request.accept_languages.best_match(LANGUAGES) or ""
    if wanted in LANGUAGES:
        return wanted
    spoken = (request.accept_languages.best or "").lower()
    if not spoken.startswith("zh"):
        return "en"
    return "zh-Hant" if any(mark in spoken for mark in ("hant", "tw", "hk", "mo")) else "zh-Hans"


def _shown() -> Shown:
    """The patient who was asked for, else the first of the demo clinic; nobody before it is made."""
    session = _session()
    asked = request.args.get("patient", "")
    try:
        patient = simulated_phones.person(session, UUID(asked)) if asked else None
    except ValueError:
        raise NotFound("patient", "no such patient in the demo clinic") from None
    patient = patient or next(iter(simulated_phones.people(session)), None)
    return Shown(patient, _language(), simulated_phones.phones(session, _rt(), patient) if patient else [])


def _given(shown: Shown) -> dict[str, Any]:
    session, now = _session(), _rt().now()
    zone = ZoneInfo(shown.patient.time_zone if shown.patient else "UTC")
    words = simulator_texts(shown.language)
    soon = simulated_time.next_reminder(session, shown.patient.id, now) if shown.patient else None
    return {
        "patient": shown.patient,
        "phones": shown.phones,
        "language": shown.language,
        "w": words,
        "now": now,
        "zone": zone,
        "ahead": simulated_time.ahead(session),
        "next": soon,
        "moment": lambda at: _moment(at.astimezone(zone), words),
        "span": _span(simulated_time.ahead(session), words),
    }


def _moment(here: datetime, words: Mapping[str, str]) -> str:
    """A moment as the reader writes it: 'Mon 2 Mar, 07:00', '3月2日 周一 07:00'."""
    day = words["days"].split()[here.weekday()]
    month = words["months"].split()[here.month - 1]
    return words["moment"].format(day=day, month=month, date=here.day, time=f"{here:%H:%M}")


def _span(ahead: timedelta, words: Mapping[str, str]) -> str:
    """A length of time in words, '' for less than a minute: '1 d 3 h', '1 天 3 小时'."""
    minutes = int(ahead.total_seconds()) // 60
    parts = (minutes // 1440, minutes % 1440 // 60, minutes % 60)
    return " ".join(f"{part} {unit}" for part, unit in zip(parts, words["units"].split(), strict=True) if part)


def _phone(patient_id: UUID, key: str) -> Phone:
    patient = simulated_phones.person(_session(), patient_id)
    found = next((one for one in simulated_phones.phones(_session(), _rt(), patient) if one.key == key), None)
    if found is None:
        raise NotFound("phone", "this patient has no such phone")
    return found


def _back(patient_id: UUID) -> Response:
    language = request.args.get("language")
    return cast(Response, redirect(url_for("simulator.page", patient=patient_id, language=language), 303))
