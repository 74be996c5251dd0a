"""A team's ladder and rota: who is paged, after how long, by day and by night. An administrator writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import Priority
from care.domain.ladder import CHOICES, MINUTE, MOST_RUNGS, Ladder, Rung, Rungs, Whom
from care.domain.rota import Shift, read_shifts
from care.domain.week import Hours
from care.errors import CareError, Conflict, Invalid
from care.records.ladders import newest_rotas, people_of, team_of
from care.records.organizations import CareTeam
from care.services import ladders
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written
from dashboard.words import ROLES

BLANK = 3  # empty rows below what is written
MOST_ROWS = 60
WHEN = ("inside", "outside")
WHOM = {
    Whom.NURSE: _l("nurses on call"),
    Whom.CLINICIAN: _l("clinicians on call"),
    Whom.TEAM: _l("the whole team"),
}


@blueprint.get("/admin/teams/<uuid:care_team_id>/on-call")
@may("admin")
def on_call(care_team_id: UUID) -> str:
    """The ladder and the rota as they count now, and where nobody is on call."""
    return _page(team_of(session(), staff(), care_team_id), None)


@blueprint.post("/admin/teams/<uuid:care_team_id>/ladder")
@may("admin")
def save_ladder(care_team_id: UUID) -> Response | tuple[str, int]:
    """A new ladder, for what is raised from now on."""
    team = team_of(session(), staff(), care_team_id)
    return _saved(team, lambda: ladders.save_ladder(session(), runtime(), staff(), team.id, _ladder(team)), "ladder")


@blueprint.post("/admin/teams/<uuid:care_team_id>/rota")
@may("admin")
def save_rota(care_team_id: UUID) -> Response | tuple[str, int]:
    """A new rota, which counts at once."""
    team = team_of(session(), staff(), care_team_id)

    def save() -> object:
        address = (written("fall_back_channel", 20), written("fall_back"))
        return ladders.save_rota(session(), runtime(), staff(), team.id, _shifts(), *address)

    return _saved(team, save, "rota")


def _saved(team: CareTeam, save: Callable[[], object], what: str) -> Response | tuple[str, int]:
    try:
        save()
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _page(team, wrong, what), wrong.status
    flash(_("The ladder was saved.") if what == "ladder" else _("The rota was saved."), "done")
    return redirect(url_for("dashboard.on_call", care_team_id=team.id))


def _page(team: CareTeam, wrong: CareError | None, what: str = "") -> str:
    """With what was just sent, where it was refused; else with what counts now."""
    rota = newest_rotas(session(), [team.id]).get(team.id)
    shifts = read_shifts(rota.shifts) if rota else ()
    roles, able = ladders.staffing(session(), team)
    ladder = ladders.Ladders(session()).newest(team.id)[1]
    sent: Mapping[str, Any] = request.form if wrong else {}
    names = {str(one.id): f"{one.name}, {ROLES[one.role]}" for one in people_of(session(), team.organization_id)}
    return render_template(
        "on_call.html",
        team=team,
        wrong=wrong,
        what=what,
        gaps=ladders.team_gaps(session(), team),
        ladder_values=sent if what == "ladder" else _flat_ladder(ladder),
        rota_values=sent if what == "rota" else _flat_shifts(shifts),
        rungs=range(min(MOST_RUNGS, 1 + max(len(one) for table in _tables(ladder) for one in table.values()))),
        hours=range(len(ladder.hours) + 2),
        shifts=range(max(len(shifts), _sent(sent, "shift")) + BLANK),
        priorities=[one.value for one in reversed(Priority)],
        whom=[("", _("nobody")), *((one.value, WHOM[one]) for one in CHOICES)],
        people=[("", _("nobody")), *sorted(((one, names[one]) for one in able), key=lambda pair: pair[1])],
        gone=[names[one.person] for one in shifts if one.person not in able and one.person in roles],
        channels=["", *sorted(runtime().channels)],
        fall_back=sent.get("fall_back", "") if what == "rota" else (rota.fall_back if rota else ""),
        fall_back_channel=sent.get("fall_back_channel", "") if what == "rota" else (rota and rota.fall_back_channel),
    )


def _tables(ladder: Ladder) -> tuple[Rungs, Rungs]:
    return ladder.inside, ladder.outside


def _flat_ladder(ladder: Ladder) -> dict[str, Any]:
    """The ladder as the fields of its form."""
    flat: dict[str, Any] = {f"hold-{one}": ladder.hold[one] // MINUTE for one in Priority}
    for when, table in zip(WHEN, _tables(ladder), strict=True):
        for priority, rungs in table.items():
            for number, rung in enumerate(rungs):
                place = f"{when}-{priority}-{number}"
                flat |= {f"{place}-whom": rung.whom.value, f"{place}-wait": rung.wait // MINUTE}
                flat[f"{place}-repeats"] = rung.repeats
    for number, hours in enumerate(ladder.hours):
        flat |= _flat_hours(f"hours-{number}", hours)
    return flat


def _flat_shifts(shifts: tuple[Shift, ...]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for number, shift in enumerate(shifts):
        flat |= {f"shift-{number}-person": shift.person} | _flat_hours(f"shift-{number}", shift.hours)
    return flat


def _flat_hours(place: str, hours: Hours) -> dict[str, Any]:
    days = {f"{place}-day-{day}": "on" for day in hours.days}
    return days | {f"{place}-start": f"{hours.start:%H:%M}", f"{place}-end": f"{hours.end:%H:%M}"}


def _ladder(team: CareTeam) -> Ladder:
    """The ladder that was sent; what its page does not show stays as it is. Raises Invalid."""
    now = ladders.Ladders(session()).newest(team.id)[1]
    tables = {
        when: {one: tuple(filter(None, (_rung(f"{when}-{one}-{n}") for n in range(MOST_RUNGS)))) for one in Priority}
        for when in WHEN
    }
    hours = tuple(_hours(f"hours-{n}") for n in range(_sent(request.form, "hours")) if _any_day(f"hours-{n}"))
    return Ladder(
        tables["inside"],
        tables["outside"],
        {one: _minutes(f"hold-{one}") for one in Priority},
        hours,
        now.zone,
        now.confirmed_wait,
        now.untouched,
    )


def _rung(place: str) -> Rung | None:
    whom = written(f"{place}-whom", 20)
    if not whom:
        return None
    if whom not in {one.value for one in CHOICES}:
        raise Invalid("ladder", "choose who is paged", place=place)
    return Rung(Whom(whom), _minutes(f"{place}-wait"), _number(f"{place}-repeats"))


def _shifts() -> list[Shift]:
    places = [f"shift-{number}" for number in range(_sent(request.form, "shift"))]
    found = [Shift(written(f"{place}-person", 40), _hours(place)) for place in places if written(f"{place}-person", 40)]
    if len(found) > MOST_ROWS:
        raise Invalid("rota", f"a rota has at most {MOST_ROWS} rows", place="shifts")
    return found


def _any_day(place: str) -> bool:
    return any(f"{place}-day-{day}" in request.form for day in range(7))


def _hours(place: str) -> Hours:
    days = tuple(day for day in range(7) if f"{place}-day-{day}" in request.form)
    try:
        start, end = time.fromisoformat(written(f"{place}-start", 8)), time.fromisoformat(written(f"{place}-end", 8))
    except ValueError:
        raise Invalid("hours", "write hours as 07:30", place=place) from None
    return Hours(days, start, end)


def _minutes(place: str) -> timedelta:
    return _number(place) * MINUTE


def _number(place: str) -> int:
    words = written(place, 6)
    if not (words.isascii() and words.isdigit()):
        raise Invalid("number", "write a whole number", place=place)
    return int(words)


def _sent(form: Mapping[str, Any], kind: str) -> int:
    """How many rows of a kind the form has."""
    numbers = (name.split("-")[1] for name in form if name.startswith(f"{kind}-") and name.count("-") > 1)
    return max((int(one) + 1 for one in numbers if one.isascii() and one.isdigit() and len(one) < 4), default=0)
