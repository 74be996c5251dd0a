"""The worklist: whom do I call next? What is done on it is in dashboard/acts.py."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from care.access import may
from care.domain import first_look, trend
from care.domain.codes import Priority, Role
from care.errors import Conflict
from care.records import lists, practitioners
from care.records import worklist as alerts
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.records.worklist import Place
from care.services.ladders import Ladders
from dashboard import blueprint
from dashboard.moments import exact, span
from dashboard.places import opened, sealed
from dashboard.request import reader_zone, runtime, session, staff, told

ROWS = 100
NOBODY = UUID(int=0)
MOST_PAGES = 10  # that one page holds; behind them a page of its own begins
ABOUT = {"weight": trend.WEIGHT, "glucose": trend.GLUCOSE, "hypoglycaemia": trend.GLUCOSE}
HOMES = {Role.NURSE: "dashboard.worklist", Role.CLINICIAN: "core.cases", Role.ADMIN: "dashboard.admin"}


@dataclass(frozen=True)
class Row:
    """One line of the worklist. `asked` is the colleague it is offered to.

    `spark` is a small line of the values that the alert is about, '' when unknown.
    """

    escalation: Escalation
    patient: Patient | None
    owner: str | None
    asked: str | None
    reports: int
    clock: first_look.Clock
    spark: str
    spark_title: str


@dataclass(frozen=True)
class Shown:
    """What the address asks for: one of SHOWS, how many pages of it, and behind which place."""

    show: str
    pages: int = 1
    after: Place | None = None

    @property
    def limit(self) -> int:
        """How many rows that is."""
        return self.pages * ROWS


@blueprint.get("/")
@may("anyone")
def home() -> Redirect:
    """Each role has a first page."""
    from flask import g

    return redirect(url_for(HOMES[g.staff.role] if g.get("staff") else "dashboard.sign_in"))


@blueprint.get("/worklist")
@may("nurse", "clinician")
def worklist(notice: str = "") -> str:
    """The page. `notice` is what somebody who was too slow is told."""
    shown, counted = _shown(), alerts.counts(session(), staff())
    return render_template("worklist.html", tag=_tag(shown, counted), notice=notice, **_listed(shown, counted))


@blueprint.get("/worklist/rows")
@may("nurse", "clinician")
def worklist_rows() -> Response:
    """The list alone, for the open page to ask again; 304 when nothing changed, which costs two short queries."""
    shown, counted = _shown(), alerts.counts(session(), staff())
    tag = _tag(shown, counted)
    if request.if_none_match.contains(tag):
        response = make_response("", 304)
    else:
        response = make_response(render_template("worklist_rows.html", **_listed(shown, counted)))
    response.set_etag(tag)
    response.cache_control.no_cache = True
    response.cache_control.private = True
    return response


def whose(conflict: Conflict) -> str:
    """A Conflict about an alert in words: by name, where somebody has it."""
    name = conflict.detail.get("owner_name")
    return _("%(name)s has this one", name=name) if name and conflict.code == "already-accepted" else told(conflict)


@blueprint.app_template_filter("length_of")
def length_of(delta: timedelta) -> str:
    """A length of time in one unit, within a sentence: 'under a minute', '12 min'."""
    return span(delta) if delta >= timedelta(minutes=1) else _("under a minute")


@blueprint.app_template_filter("exactly")
def exactly(at: datetime) -> str:
    """The exact moment in the reader's zone."""
    return exact(at, reader_zone())


@blueprint.app_template_global()
def each(endpoint: str, name: str) -> str:
    """An address with %s for the id in it: a list has it built once, and not for every row."""
    values: dict[str, Any] = {name: NOBODY}
    return url_for(endpoint, **values).replace("%", "%%").replace(str(NOBODY), "%s")


def _shown() -> Shown:
    show = request.args.get("show", "all")
    pages = request.args.get("pages", "1")
    number = int(pages) if pages.isdecimal() and len(pages) < 4 else 1
    after = _place(request.args.get("after", ""))
    return Shown(show if show in alerts.SHOWS else "all", min(max(number, 1), MOST_PAGES), after)


def _tag(shown: Shown, counted: alerts.Counts) -> str:
    """Changes when anything on the list does; the passing of time changes it once a minute, for the clocks."""
    now = runtime().now()
    seen = alerts.glance(session(), staff(), shown.show, shown.limit, shown.after)
    reader = (staff().id, str(get_locale()))
    known = (now.replace(second=0, microsecond=0), seen, counted, shown.show, shown.limit, reader)
    return hashlib.sha256(repr(known).encode()).hexdigest()[:32]


def _listed(shown: Shown, counted: alerts.Counts) -> dict[str, object]:
    found = alerts.open_escalations(session(), staff(), shown.show, shown.limit + 1, shown.after)
    rows, more = found[: shown.limit], len(found) > shown.limit
    behind = _written(alerts.place_of(rows[-1])) if more else ""
    return {
        "rows": _rows(rows),
        "counts": counted,
        "show": shown.show,
        "pages": shown.pages,
        "first": shown.after is None,
        "next_page": behind,
        "grows": more and shown.after is None and shown.pages < MOST_PAGES,
    }


def _rows(found: list[Escalation]) -> list[Row]:
    now = runtime().now()
    patients = lists.patients_by_id(session(), staff(), {e.patient_id for e in found if e.patient_id})
    people = {one for e in found for one in (e.owner_id, e.offered_to_id) if one}
    owners = practitioners.names(session(), people) if people else {}
    reports = alerts.link_counts(session(), {e.id for e in found})
    codes = {e.id: next((code for word, code in ABOUT.items() if word in e.cause), "") for e in found}
    asked = {(e.patient_id, codes[e.id]) for e in found if e.patient_id and codes[e.id]}
    values = lists.latest_values(session(), asked, now)
    ladders = Ladders(session(), rows=found)
    titles = {code: told(trend.title(code)) for code in set(codes.values()) if code}
    rows = []
    for one in found:
        known = values.get((one.patient_id, codes[one.id]), []) if one.patient_id else []
        title = _("%(what)s, last %(count)s values", what=titles[codes[one.id]], count=len(known)) if known else ""
        clock = first_look.clock(Priority(one.priority), one.since, one.looked_at, now, ladders.of(one))
        rows.append(
            Row(
                one,
                patients.get(one.patient_id) if one.patient_id else None,
                owners.get(one.owner_id) if one.owner_id else None,
                owners.get(one.offered_to_id) if one.offered_to_id else None,
                reports.get(one.id, 0),
                clock,
                trend.line(known),
                title,
            )
        )
    return rows


def _written(place: Place) -> str:
    risk = "" if place.risk is None else place.risk.hex()
    return sealed("worklist", f"{place.rank}|{risk}|{place.requested_at.isoformat()}|{place.id}")


def _place(words: str) -> Place | None:
    """The place that `_written` wrote; None for anything else, which begins at the top."""
    found = opened("worklist", words)
    if found is None:
        return None
    rank, risk, at, key = found.split("|")
    return Place(int(rank), float.fromhex(risk) if risk else None, datetime.fromisoformat(at), UUID(key))
