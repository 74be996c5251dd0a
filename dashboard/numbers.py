"""Numbers for the team: are we keeping up, are the alerts right? Tables first, and the same figures as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request
from flask_babel import gettext as _

from care.access import may
from care.domain.cells import guarded
from care.domain.codes import LANGUAGES, Role
from care.domain.numbers import ALONE, PAUSE, SMALL, WEEKS, Period, Rate, Share, Tally, mondays, period, summed
from care.errors import NotFound
from care.records import lists
from care.records.numbers import Cell, Hour, Numbers, Origin, Scope, Severity, scope_of
from care.records.organizations import CareTeam
from care.records.silent import silent
from dashboard import blueprint
from dashboard.request import reader_zone, runtime, session, staff

HEADER = ("table", "week", "team", "language", "name", "measure", "count", "of", "value", "low", "high")
Line = tuple[str | int | float | None, ...]


@dataclass(frozen=True)
class Found:
    """Everything the page and the file show, for one scope and period."""

    scope: Scope
    over: Period
    teams: list[CareTeam]
    cells: list[Cell]
    severities: list[Severity]
    origins: list[Origin]
    hours: list[Hour]
    silent: int | None

    @property
    def whole(self) -> Tally:
        """The period as one."""
        return sum((cell.tally for cell in self.cells), Tally())

    @property
    def weeks(self) -> list[tuple[date, Tally]]:
        """The newest week first; one in which nothing happened is there too."""
        known = summed((cell.week, cell.tally) for cell in self.cells)
        return [(monday, known.get(monday, Tally())) for monday in reversed(mondays(self.over))]

    @property
    def by_team(self) -> list[tuple[str, Tally]]:
        """The teams that this reader may compare."""
        known = summed((cell.care_team_id, cell.tally) for cell in self.cells)
        return [(team.name, known.get(team.id, Tally())) for team in self.teams]

    @property
    def by_language(self) -> list[tuple[str | None, Tally]]:
        """By the language that patients read; what is about nobody known comes last."""
        known = summed((cell.language, cell.tally) for cell in self.cells)
        return [(one, known[one]) for one in (*LANGUAGES, None) if one in known]


@blueprint.get("/numbers")
@may("nurse", "clinician", "admin")
def numbers() -> str:
    """The page. A nurse and a clinician see their own team, an administrator the hospital; nobody sees a patient."""
    found = _found()
    return render_template(
        "numbers.html",
        found=found,
        total=found.whole,
        silent=found.silent,
        choices=WEEKS,
        percent=percent,
        interval=interval,
        took=took,
        busiest=max((max(hour.alerts, hour.acts) for hour in found.hours), default=0),
        pause=round(PAUSE.total_seconds() / 60),
        alone=round(ALONE.total_seconds() / 60),
        small=SMALL,
        last_day=found.over.until.astimezone(reader_zone()).date(),
        address=request.query_string.decode("ascii", "ignore"),
    )


@blueprint.get("/numbers.csv")
@may("nurse", "clinician", "admin")
def numbers_file() -> Response:
    """The same as a file: one line a figure, with what it was divided by."""
    found = _found()
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(HEADER)
    rows.writerows([plain(value) for value in line] for line in lines(found))
    response = make_response("\ufeff" + written.getvalue())  # with the mark, spreadsheets read it as UTF-8
    response.content_type = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="numbers-{found.over.first}.csv"'
    response.cache_control.no_store = True
    return response


def _found() -> Found:
    language = request.args.get("language")
    weeks = request.args.get("weeks", type=int)
    over = period(runtime().now(), reader_zone(), weeks if weeks in WEEKS else WEEKS[0])
    scope = scope_of(staff(), session(), _team(), language if language in LANGUAGES else None)
    asked = Numbers(session(), scope, over, reader_zone().key)
    teams = lists.care_teams(session(), staff())
    mine = teams if staff().role is Role.ADMIN else [team for team in teams if team.id == scope.care_team_id]
    return Found(scope, over, mine, asked.cells(), asked.severities(), asked.origins(), asked.hours(), _silent(scope))


def _silent(scope: Scope) -> int | None:
    """How many of the team are silent now; of a hospital, and by language, nobody counts them."""
    if staff().role is Role.ADMIN or scope.language is not None:
        return None
    return len(silent(session(), staff(), runtime().now()))


def _team() -> UUID | None:
    wanted = request.args.get("team", "")
    try:
        return UUID(wanted) if wanted else None
    except ValueError:
        raise NotFound("care-team", "no such care team") from None


def percent(value: float | None) -> str:
    """A share in words: '63 %'."""
    return _("not known") if value is None else f"{100 * value:.0f} %"


def interval(of: Share | Rate) -> str:
    """Where the true figure lies, as likely as 95 in 100: '49 to 94 %'; '' where nothing is known."""
    if of.low is None or of.high is None:
        return ""
    if isinstance(of, Rate):
        return _("%(low)s to %(high)s", low=f"{of.low:.1f}", high=f"{of.high:.1f}")
    return _("%(low)s to %(high)s %%", low=f"{100 * of.low:.0f}", high=f"{100 * of.high:.0f}")


def took(length: float | timedelta | None) -> str:
    """A length of time with its unit, two figures at most."""
    if length is None:
        return _("not known")
    minutes = (length.total_seconds() if isinstance(length, timedelta) else float(length)) / 60
    if minutes < 1:
        return _("under a minute")
    if minutes < 90:
        return _("%(minutes)s min", minutes=round(minutes))
    if minutes < 48 * 60:
        return _("%(hours)s h", hours=f"{minutes / 60:.1f}".removesuffix(".0"))
    return _("%(days)s days", days=f"{minutes / 60 / 24:.1f}".removesuffix(".0"))


def plain(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula; nothing for what is not known."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return guarded(str(value))


def lines(found: Found) -> Iterator[Line]:
    """Every figure of the page as a line of the file."""
    names = {team.id: team.name for team in found.teams}
    for cell in sorted(found.cells, key=lambda one: (one.week, str(one.care_team_id), one.language or "")):
        place = str(cell.week), names.get(cell.care_team_id, ""), cell.language or ""
        yield from (("cells", *place, "", *figure) for figure in _figures(cell.tally))
    for severity in found.severities:
        for figure in _figures(severity.tally):
            yield ("severity", "", "", "", severity.priority, *figure)
        for name, value in (("median-seconds", severity.median), ("nine-in-ten-seconds", severity.nine_in_ten)):
            yield ("severity", "", "", "", severity.priority, name, None, None, value, None, None)
    for origin in found.origins:
        for figure in _figures(origin.tally):
            yield ("origin", "", "", "", f"{origin.kind} {origin.name} {origin.version}".strip(), *figure)
    if found.silent is not None:
        yield ("now", "", "", "", "", "silent-patients", found.silent, None, None, None, None)
    for hour in found.hours:
        yield ("hour", "", "", "", hour.hour, "alerts", hour.alerts, None, None, None, None)
        yield ("hour", "", "", "", hour.hour, "nurse-acts", hour.acts, None, None, None, None)


def _figures(tally: Tally) -> Iterable[Line]:
    """What a tally knows: shares with what they were divided by, and every count that is not nothing."""
    shares = (
        ("response-rate", tally.response),
        ("seen-in-time", tally.seen),
        ("alerts-per-100-reports", tally.per_hundred),
        ("precision", tally.precision),
    )
    yield from ((name, one.count, one.of, one.value, one.low, one.high) for name, one in shares if one.of)
    counts = ("not_asked", "not_over", "reports", "alerts", "wrong", "unclear", "undecided", "late", "waiting")
    yield from (
        (name.replace("_", "-"), value, None, None, None, None) for name in counts if (value := getattr(tally, name))
    )
    if tally.acts:
        yield ("nurse-minutes", tally.minutes, None, None, None, None)
