"""Models: which versions there are, how each does, and the two decisions that people make: let it in, end it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.domain.model_life import NEXT
from care.errors import CareError, Conflict, Invalid, NotFound
from care.records import lists, practitioners
from care.records.model_versions import ModelReview, ModelVersion, events, live_thresholds, reviews, versions
from care.services import capacity
from care.services import models as registry
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told, written

WIDTH, HEIGHT, LEFT, TOP = 640, 220, 44, 12
TICKS = (0.25, 0.5, 1.0, 2.0, 4.0)
WEEKS = 26
STATES = {
    "registered": _l("registered"),
    "shadow": _l("shadow"),
    "canary": _l("canary"),
    "active": _l("active"),
    "retired": _l("retired"),
}
ENDS = {"replaced": _l("replaced"), "killed": _l("ended by a person"), "alarm": _l("ended by an alarm")}
EVENTS = {
    "shipped": _l("came with the product"),
    "registered": _l("registered"),
    "approved": _l("approved"),
    "replaced": _l("replaced"),
    "restored": _l("brought back"),
    "killed": _l("ended by a person"),
    "alarm": _l("ended by an alarm"),
}
GROUPS = {
    "all": _l("all"),
    "age:under-40": _l("under 40"),
    "age:40-64": _l("40 to 64"),
    "age:65-and-over": _l("65 and over"),
    "age:missing": _l("age not known"),
    "language:en": _l("reads English"),
    "language:zh-Hans": _l("reads Simplified Chinese"),
    "language:zh-Hant": _l("reads Traditional Chinese"),
}
ALARMS = {
    "observed-expected": _l("observed over expected"),
    "calibration-in-the-large": _l("calibration in the large"),
    "slope": _l("slope"),
    "sensitivity": _l("sensitivity"),
}


@blueprint.app_context_processor
def _model_words() -> dict[str, Any]:
    return {
        "MODEL_STATES": STATES,
        "MODEL_ENDS": ENDS,
        "MODEL_EVENTS": EVENTS,
        "MODEL_ALARMS": ALARMS,
        "MODEL_GROUPS": GROUPS,
    }


@blueprint.get("/models")
@may("clinician", "admin")
def model_list() -> str:
    """Every version with its state, and what each team can carry."""
    rows = versions(session())
    latest = {row.id: next(reversed(reviews(session(), row.id, "all")), None) for row in rows}
    return render_template(
        "models.html",
        models=rows,
        latest=latest,
        teams=lists.care_teams(session(), staff()),
        live=live_thresholds(session(), [row.sha256 for row in rows]),
        names={row.sha256: f"{row.bundle_id} {row.version}" for row in rows},
    )


@blueprint.get("/models/<uuid:model_id>")
@may("clinician", "admin")
def model(model_id: UUID) -> str:
    """One version: its card, its weeks, what was decided, and what can be."""
    row = _row(model_id)
    weeks = reviews(session(), row.id)
    past = events(session(), row.id)
    people = {one.by_id for one in past if one.by_id} | {UUID(one.by) for one in row.life.approvals}
    names, teams = practitioners.names(session(), people), lists.care_teams(session(), staff())
    last = weeks[-1].week if weeks else None
    return render_template(
        "model.html",
        model=row,
        life=row.life,
        next=NEXT.get(row.life.state),
        spoken={one.role.value for one in row.life.approvals},
        approvers=[names.get(UUID(one.by)) or _("somebody") for one in row.life.approvals],
        teams=teams,
        called={f"site:{team.id}": team.name for team in teams},
        plot=chart([one for one in weeks if one.group == "all"][-WEEKS:]),
        groups=[one for one in weeks if one.week == last],
        events=past,
        names=names,
        card=list(_lines(row.card)),
    )


@blueprint.post("/models/<uuid:model_id>/approve")
@may("clinician", "admin")
def approve_model(model_id: UUID) -> Response:
    """This person's word for the next state."""
    _row(model_id)
    try:
        teams = [UUID(one) for one in request.form.getlist("team")]
        row = registry.approve(
            session(), runtime(), staff(), model_id, written("state"), teams, written("note", registry.LONGEST_NOTE)
        )
        agreed = _("It is %(state)s now.", state=STATES[row.state])
        flash(_("Your approval is noted. The other role has to agree.") if row.approvals else agreed, "done")
    except (Conflict, Invalid) as wrong:
        _not_done(wrong)
    except ValueError:
        _not_done(Invalid("teams", "there is no such team"))
    return redirect(url_for("dashboard.model", model_id=model_id), 303)


@blueprint.post("/models/<uuid:model_id>/end")
@may("clinician", "admin")
def end_model(model_id: UUID) -> Response:
    """The kill switch: from the next report on nobody hears it."""
    _row(model_id)
    try:
        registry.kill(session(), runtime(), staff(), model_id, written("note", registry.LONGEST_NOTE))
        flash(_("It is out of use. Reports that it judged are a nurse's task from now on."), "done")
    except (Conflict, Invalid) as wrong:
        _not_done(wrong)
    return redirect(url_for("dashboard.model", model_id=model_id), 303)


@blueprint.post("/models/capacity")
@may("admin")
def set_capacity() -> Response:
    """How many routine alerts of models a team can look at in a day; empty: the bands decide."""
    try:
        wanted = written("per_day", 20).replace(",", ".")
        per_day = float(wanted) if wanted else None
        capacity.set_capacity(session(), runtime(), staff(), UUID(written("care_team_id")), per_day)
        flash(_("It is noted, and the thresholds follow it."), "done")
    except (Invalid, NotFound) as wrong:
        _not_done(wrong)
    except ValueError:
        _not_done(Invalid("per-day", "write a number"))
    return redirect(url_for("dashboard.model_list"), 303)


@dataclass(frozen=True, slots=True)
class Bar:
    """One week of the chart: where it stands, its interval and its point (pixels), and what it says."""

    x: float
    y: float
    top: float
    bottom: float
    alarm: bool
    words: str


def chart(weeks: list[ModelReview]) -> dict[str, Any] | None:
    """Observed over expected by week on a logarithmic scale, with exact intervals; None before there is any."""
    known = [one for one in weeks if one.figures.get("ratio") is not None]
    if not known:
        return None
    step = (WIDTH - LEFT - 16) / max(len(known), 2)
    bars = []
    for place, one in enumerate(known):
        said = one.figures
        words = _(
            "Week of %(day)s: %(observed)s observed, %(expected)s expected, %(scores)s scores",
            day=one.week,
            observed=said["observed"],
            expected=f"{said['expected']:.1f}",
            scores=said["n"],
        )
        x = LEFT + step * (place + 0.5)
        bars.append(Bar(x, _y(said["ratio"]), _y(said["high"]), _y(said["low"]), bool(one.alarms), words))
    ticks = [(one, _y(one)) for one in TICKS]
    return {"bars": bars, "ticks": ticks, "width": WIDTH, "height": HEIGHT, "left": LEFT, "one": _y(1.0)}


def _y(ratio: float) -> float:
    low, high = math.log(TICKS[0] / 1.3), math.log(TICKS[-1] * 1.3)
    share = (min(max(math.log(max(ratio, 1e-6)), low), high) - low) / (high - low)
    return round(HEIGHT - TOP - share * (HEIGHT - 2 * TOP), 1)


def _row(model_id: UUID) -> ModelVersion:
    row = session().get(ModelVersion, model_id)
    if row is None:
        raise NotFound("model", "no such version of a model")
    return row


def _not_done(wrong: CareError) -> None:
    session().rollback()
    flash(_("Not done: %(why)s.", why=told(wrong)), "warning")


def _lines(card: Any, path: str = "") -> Any:
    """(heading, text) of everything in a card, in its order; lists one by one."""
    if isinstance(card, dict):
        for name, inner in card.items():
            yield from _lines(inner, f"{path}: {name}" if path else str(name))
    elif isinstance(card, list):
        for inner in card:
            yield from _lines(inner, path)
    else:
        yield path.replace("_", " ").capitalize(), str(card)
