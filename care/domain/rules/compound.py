"""The conditions that are made of others, and those of scores; and how any condition is compiled.

all    every one of its conditions holds (the first is the one that is named)
any    one of its conditions holds
score  a score is beyond a threshold: one of a form's answers, or NEWS2 of the report's own measures

There is no "not": a condition that holds because something else is absent could be silenced by sending more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from care.domain.measure import Measure
from care.domain.rules import charts, conditions, trends
from care.domain.rules.history import History
from care.domain.rules.shown import number
from care.domain.rules.values import Condition, Hit, Needs, Report
from care.domain.scores import news2
from care.errors import Invalid

FORM_SCORES: Mapping[str, str] = {
    "phq-9": "44261-6",
    "phq-2": "55758-7",
    "gad-7": "70274-6",
    "gad-2": "70273-8",
    "audit-c": "75626-2",
    "mmrc": "mmrc",
}
"""The codes under which the scores of the forms that ship are measures (care/library/scores)."""
NEWS2_OF: Mapping[str, tuple[str, str]] = {
    "respiratory_rate": ("9279-1", "/min"),
    "spo2": ("59408-5", "%"),
    "on_oxygen": ("on-oxygen", ""),
    "systolic": ("8480-6", "mm[Hg]"),
    "pulse": ("8867-4", "/min"),
    "consciousness": ("new-confusion", ""),
    "temperature": ("8310-5", "Cel"),
}
"""The code and unit of each of its inputs; oxygen and new confusion are 1 for yes and 0 for no."""
COMPUTED = ("news2",)
SCORES = (*FORM_SCORES, *COMPUTED)


def every(when: Mapping[str, Any]) -> Condition:
    """Holds when all of its conditions do; what is shown is the first's, and of the others what it has not."""
    parts = [compiled(part) for part in when["of"]]

    def check(report: Report, history: History) -> Hit | None:
        hits = []
        for part in parts:
            hit = part(report, history)
            if hit is None:
                return None
            hits.append(hit)
        params = {name: value for hit in reversed(hits) for name, value in hit.params.items()}
        return Hit(params, tuple(dict.fromkeys(ref for hit in hits for ref in hit.refs)), hits[0].level)

    return check


def either(when: Mapping[str, Any]) -> Condition:
    """Holds when one of its conditions does: the first of them."""
    parts = [compiled(part) for part in when["of"]]

    def check(report: Report, history: History) -> Hit | None:
        for part in parts:
            hit = part(report, history)
            if hit is not None:
                return hit
        return None

    return check


def score(when: Mapping[str, Any]) -> Condition:
    """Holds when the score is beyond the threshold. A score that cannot be computed says nothing: never a guess."""
    if when["of"] in FORM_SCORES:
        return conditions.compare({**when, "code": FORM_SCORES[when["of"]]})
    op, threshold = when["op"], float(when["threshold"])

    def check(report: Report, history: History) -> Hit | None:
        at = "news2", report.id
        if at not in history.worked_out:
            history.worked_out[at] = _news2(report)
        found = history.worked_out[at]
        if found is None:
            return None
        value, latest = found
        total = Measure("", "news2", float(value), "", report.at)
        if not conditions.beyond(total, op, threshold):
            return None
        params: dict[str, str | float] = {"value": number(value), "unit": "", "threshold": number(threshold)}
        return Hit(params, tuple(m.id for m in latest), conditions.signed(value, op))

    return check


def _news2(report: Report) -> tuple[int, list[Measure]] | None:
    """The total of the report's own measures, and the measures; None when one is missing or makes no sense."""
    latest: dict[str, Measure] = {}
    for name, (code, unit) in NEWS2_OF.items():
        own = report.of(code, unit)
        if not own:
            return None
        latest[name] = max(own, key=lambda m: (m.at, m.id))
    values = {name: measure.value for name, measure in latest.items()}
    try:
        found = news2(
            respiratory_rate=values["respiratory_rate"],
            spo2=values["spo2"],
            on_oxygen=bool(values["on_oxygen"]),
            systolic=values["systolic"],
            pulse=values["pulse"],
            consciousness="confusion" if values["consciousness"] else "alert",
            temperature=values["temperature"],
        )
    except Invalid:
        return None
    return None if found.value is None else (found.value, list(latest.values()))


_COMPILERS: Mapping[str, Callable[[Mapping[str, Any]], Condition]] = {
    "compare": conditions.compare,
    "count": conditions.count,
    "delta": conditions.delta,
    "fall": conditions.fall,
    "rise": conditions.rise,
    "reported": conditions.reported,
    "answer": conditions.answer,
    "slope": trends.slope,
    "streak": trends.streak,
    "usual": charts.usual,
    "ewma": charts.ewma,
    "cusum": charts.cusum,
    "missing": trends.missing,
    "score": score,
    "all": every,
    "any": either,
}


def compiled(when: Mapping[str, Any]) -> Condition:
    """The condition of this data, which has been checked (care.domain.rules.checking)."""
    return _COMPILERS[when["test"]](when)


def needed(when: Mapping[str, Any]) -> Needs:
    """What must be in a report for the condition to hold at all."""
    test = when["test"]
    if test in ("answer", "missing"):
        return Needs(anything=True)
    if test == "all":
        return needed(when["of"][0])
    if test == "any":
        parts = [needed(part) for part in when["of"]]
        codes = frozenset[str]().union(*(part.codes for part in parts))
        prefixes = frozenset[str]().union(*(part.prefixes for part in parts))
        return Needs(codes, prefixes, any(part.anything for part in parts))
    if test == "score":
        of = when["of"]
        return Needs(frozenset({FORM_SCORES[of] if of in FORM_SCORES else NEWS2_OF["respiratory_rate"][0]}))
    if "code_prefix" in when:
        return Needs(prefixes=frozenset({when["code_prefix"]}))
    return Needs(frozenset({when["code"]}))
