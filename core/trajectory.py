"""The trajectory of every score: each model and each instrument over time, with its bands and what was corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.explanation import band_word, silence
from care.domain.questionnaire.scores import Scale
from care.domain.trend import SCORES
from care.library.scores import scores
from care.records import case_evidence
from care.records.case_evidence import Spoke
from care.records.model_versions import ModelVersion
from care.records.observations import Observation


@dataclass(frozen=True, slots=True)
class Mark:
    """One value, None where there was none; `said` is what it means, or why there is none."""

    at: datetime
    value: float | None
    said: str
    superseded: bool


@dataclass(frozen=True, slots=True)
class Track:
    """One score over time. `bands` are (from, to, words), `line` where a routine look begins; `model_id` its card."""

    name: str
    unit: str
    top: float
    marks: tuple[Mark, ...]
    bands: tuple[tuple[float, float, str], ...] = ()
    line: float | None = None
    model_id: UUID | None = None
    model: str = ""

    @property
    def known(self) -> list[Mark]:
        """The marks that have a value and stand."""
        return [mark for mark in self.marks if mark.value is not None and not mark.superseded]


def tracks(session: Session, patient_id: UUID, now: datetime, days: int, language: str) -> list[Track]:
    """Every score of a patient in the last `days`: the models first, then the instruments."""
    since = now - timedelta(days=days)
    said = case_evidence.spoken(session, patient_id, since, now)
    known = case_evidence.model_versions(session, {one.bundle_sha256 for one in said if one.bundle_sha256})
    values = case_evidence.measured(session, patient_id, since, now, SCORES.keys())
    return of_models(said, known, language) + of_instruments(values, language)


def of_models(said: Sequence[Spoke], known: Mapping[str, ModelVersion], language: str) -> list[Track]:
    """One track for each model that spoke or abstained."""
    by_bundle: dict[str, list[Spoke]] = {}
    for one in said:
        by_bundle.setdefault(one.bundle_id, []).append(one)
    found = []
    for bundle_id, spokes in by_bundle.items():
        version = next((known[one.bundle_sha256] for one in reversed(spokes) if one.bundle_sha256 in known), None)
        line = version.routine_from * 100 if version and version.routine_from is not None else None
        marks = tuple(_mark(one, language) for one in spokes)
        found.append(
            Track(
                model_name(bundle_id, version),
                "%",
                100.0,
                marks,
                line=line,
                model_id=version.id if version else None,
                model=f"{version.bundle_id} {version.version}" if version else bundle_id,
            )
        )
    return found


def _mark(one: Spoke, language: str) -> Mark:
    if one.risk is None:
        return Mark(one.at, None, silence(one.reason or "", language), one.superseded)
    return Mark(one.at, round(100 * one.risk, 1), band_word(one.band or "", language), one.superseded)


def model_name(bundle_id: str, version: ModelVersion | None) -> str:
    """What a model's card calls it, else its id made readable."""
    about: Mapping[str, Any] = version.card.get("basic_info", {}) if version else {}
    return str(about.get("model_name") or about.get("name") or bundle_id.replace("-", " ").capitalize())


def of_instruments(values: Sequence[Observation], language: str) -> list[Track]:
    """One track for each instrument that was answered, in the order in which they are known."""
    scales = {scale.code: scale for known in scores() for scale in known.scales}
    found = []
    for code, (name, top, _) in SCORES.items():
        rows = [row for row in values if row.code == code and row.value is not None]
        if not rows:
            continue
        scale = scales.get(code)
        bands = tuple((band.low, band.high, _in(band.text, language)) for band in scale.bands) if scale else ()
        marks = tuple(Mark(row.at, row.value, _band(scale, row.value, language), row.superseded) for row in rows)
        found.append(Track(_in(scale.title, language) if scale else name, "", top, marks, bands))
    return found


def _band(scale: Scale | None, value: float | None, language: str) -> str:
    if scale is None or value is None:
        return ""
    return next((_in(band.text, language) for band in scale.bands if band.low <= value <= band.high), "")


def _in(text: Mapping[str, str], language: str) -> str:
    return str(text.get(language) or text.get("en") or text.get("") or "")
