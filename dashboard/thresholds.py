"""A patient's thresholds: which rules and numbers hold for them, and why; a clinician sets others for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care.access import may
from care.domain.rules import Override, Rule, RuleSet
from care.errors import Invalid
from care.records import definitions, practitioners
from care.records.patient_thresholds import threshold_history
from care.records.patients import Patient, patient_of
from care.services import patients, thresholds
from care.services.thresholds import Settable
from dashboard import blueprint
from dashboard.request import day, runtime, session, staff, told, written
from dashboard.words import measured, unit_said


@dataclass(frozen=True)
class Number:
    """One number of a rule: what it means in words, its unit, and how it stands. `key` names it in a form."""

    words: str
    unit: str
    key: str
    settable: Settable


@dataclass(frozen=True)
class Shown:
    """One rule with its numbers that may be set; `title` is its set's."""

    rule: Rule
    title: str
    version: str
    numbers: tuple[Number, ...]


@blueprint.get("/patients/<uuid:patient_id>/thresholds")
@may("nurse", "clinician")
def patient_thresholds(patient_id: UUID) -> str:
    """Which rules and numbers hold for this patient?"""
    return _page(patients.open_patient(session(), runtime(), staff(), patient_id), None)


@blueprint.post("/patients/<uuid:patient_id>/thresholds")
@may("clinician")
def set_patient_threshold(patient_id: UUID) -> Response | tuple[str, int]:
    """Another number from now on, or again the one that was reviewed; with the reason."""
    patient = patient_of(session(), staff(), patient_id)
    try:
        said = _set(patient_id) if written("act") == "set" else _clear(patient_id)
    except Invalid as wrong:
        session().rollback()
        return _page(patient_of(session(), staff(), patient.id), wrong), wrong.status
    flash(said, "done")
    return redirect(url_for("dashboard.patient_thresholds", patient_id=patient_id), 303)


def _set(patient_id: UUID) -> str:
    rule_set, rule, field = _key()
    try:
        value = float(written("value", 20).replace(",", "."))
    except ValueError:
        raise Invalid("value", "write the value as a number, like 1.4", place="value") from None
    until = day("until") if written("until") else None
    wanted, reason = Override(rule_set, rule, field, value), written("reason", thresholds.LONGEST_REASON)
    thresholds.set_threshold(session(), runtime(), staff(), patient_id, wanted, reason, until)
    return _("From now on the patient's reports are judged with this number.")


def _clear(patient_id: UUID) -> str:
    reason = written("reason", thresholds.LONGEST_REASON)
    thresholds.clear_threshold(session(), runtime(), staff(), patient_id, *_key(), reason)
    return _("From now on the number counts as it was reviewed.")


def _key() -> tuple[str, str, str]:
    parts = written("number", 400).split("|")
    if len(parts) != 3:
        raise Invalid("unknown-rule", "there is no such rule", place="field")
    return parts[0], parts[1], parts[2]


def _page(patient: Patient, wrong: Invalid | None) -> str:
    db = session()
    titles = {one.url: one.title for one in reversed(definitions.versions(db, "RuleSet"))}
    known = {(one.rule_set, one.rule, one.field): one for one in _settable(patient)}
    held = thresholds.holding(db, staff(), patient.id)
    shown = [_shown(one, rule, titles.get(one.url, one.id), known) for one in held for rule in one.rules]
    names = {number.key: number for one in shown for number in one.numbers}
    history = threshold_history(db, patient.id)
    return render_template(
        "thresholds.html",
        patient=patient,
        own=[one for one in shown if one.numbers],
        same=[one for one in shown if not one.numbers],
        history=[(row, names.get(f"{row.rule_set}|{row.rule}|{row.field}")) for row in history],
        authors=practitioners.names(db, {row.author_id for row in history}),
        wrong=wrong,
        wrong_at=request.form.get("number", ""),
        place=wrong.detail.get("place") if wrong else None,
        values=request.form,
    )


def _settable(patient: Patient) -> list[Settable]:
    return thresholds.settable(session(), runtime(), staff(), patient.id)


def _shown(rules: RuleSet, rule: Rule, title: str, known: Mapping[tuple[str, str, str], Settable]) -> Shown:
    numbers = []
    for field in rule.personal:
        found = known.get((rules.url, rule.id, field))
        if found is not None:
            words, unit = _words(rule, field)
            numbers.append(Number(words, unit, f"{rules.url}|{rule.id}|{field}", found))
    return Shown(rule, told(title), f"{rules.version} ({rule.version})", tuple(numbers))


def _words(rule: Rule, field: str) -> tuple[str, str]:
    """What a number of a condition means, and its unit."""
    *above, last = field.split(".")
    node: Any = rule.written
    for step in above:
        node = node[int(step)] if step.isdigit() else node[step]
    what, unit = measured(str(node.get("code", ""))), unit_said(str(node.get("unit", "")))
    hours = node.get("within_hours", "")
    if last == "threshold":
        said = {
            "<": _("%(what)s below", what=what),
            "<=": _("%(what)s at or below", what=what),
            ">": _("%(what)s above", what=what),
            ">=": _("%(what)s at or above", what=what),
        }
        return said.get(str(node.get("op")), what), unit
    if last == "gain":
        return _("%(what)s: a gain within %(hours)s hours of", what=what, hours=hours), unit
    if last == "by":
        return _("%(what)s: away from this patient's usual by", what=what), unit
    if last == "for_hours":
        return _("%(what)s: nothing measured for", what=what), _("hours")
    if last == "at_least":
        return _("%(what)s: how many times within %(hours)s hours", what=what, hours=hours), ""
    return what, unit
