"""From a score document to a definition, refusing what cannot be computed as written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.model import Text
from care.domain.questionnaire.scores import Band, Part, Scale, ScoreDefinition
from care.errors import Invalid

FREE = ("free", "notice")
"""Licences under which an instrument may ship: free, and free with a notice that goes with it."""


def read_scores(document: Mapping[str, Any]) -> ScoreDefinition:
    """A score definition. Raises Invalid(code, message, place=…), `place` reads like 'scores[0].bands[2]'.

    Bands must cover the whole range without a gap or an overlap, so that no value is without a meaning.
    """
    listed = document.get("scores")
    if not isinstance(listed, list) or not listed:
        raise Invalid("no-scores", "a definition has at least one score", place="scores")
    scales: list[Scale] = []
    for at, raw in enumerate(listed):
        scales.append(_scale(raw, f"scores[{at}]", {scale.id for scale in scales}))
    return ScoreDefinition(
        id=_words(document, "id", ""),
        version=_words(document, "version", ""),
        title=_text(document, "title", ""),
        scales=tuple(scales),
        citation=_words(_object(document, "citation", ""), "text", "citation"),
        licence=_licence(document),
        questionnaires=tuple(document.get("questionnaires") or ()),
    )


def _licence(document: Mapping[str, Any]) -> str:
    licence = _object(document, "licence", "")
    if licence.get("status") not in FREE:
        raise Invalid("not-free", "an instrument ships only where its licence allows it", place="licence.status")
    for name in ("holder", "url"):
        _words(licence, name, "licence")
    return _words(licence, "text", "licence")


def _scale(raw: Any, place: str, earlier: set[str]) -> Scale:
    if not isinstance(raw, Mapping):
        raise Invalid("not-an-object", "an object is missing here", place=place)
    low, high = _range(raw.get("range"), f"{place}.range")
    method = raw.get("method")
    if method not in ("sum", "mean"):
        raise Invalid("unknown-method", "the method is sum or mean", place=f"{place}.method")
    parts = tuple(_part(one, f"{place}.items[{at}]", earlier) for at, one in enumerate(raw.get("items") or ()))
    if not parts:
        raise Invalid("no-items", "a score has items", place=f"{place}.items")
    may_miss = raw.get("may_miss", 0)
    if not isinstance(may_miss, int) or not 0 <= may_miss < len(parts):
        raise Invalid("bad-number", "fewer items may be missing than there are", place=f"{place}.may_miss")
    return Scale(
        id=_words(raw, "id", place),
        code=_words(raw, "code", place),
        title=_text(raw, "title", place),
        method=method,
        parts=parts,
        low=low,
        high=high,
        may_miss=may_miss,
        prorate=bool(raw.get("prorate", True)),
        digits=int(raw.get("digits", 0)),
        bands=_bands(raw, place, low, high),
    )


def _part(raw: Any, place: str, earlier: set[str]) -> Part:
    if not isinstance(raw, Mapping):
        raise Invalid("not-an-object", "an object is missing here", place=place)
    named = [name for name in ("code", "link_id", "score") if raw.get(name)]
    if len(named) != 1:
        raise Invalid("missing", "an item is named by its code, its link_id or an earlier score", place=place)
    if named == ["score"] and raw["score"] not in earlier:
        raise Invalid("unknown-score", "a score is built on earlier ones only", place=f"{place}.score")
    scale = _range(raw["scale"], f"{place}.scale") if "scale" in raw else None
    if raw.get("reverse") and scale is None:
        raise Invalid("missing", "an item that is reversed needs its scale", place=f"{place}.scale")
    return Part(
        code=str(raw.get("code", "")),
        link_id=str(raw.get("link_id", "")),
        score=str(raw.get("score", "")),
        reverse=bool(raw.get("reverse")),
        weight=float(raw.get("weight", 1)),
        scale=scale,
        unasked=float(raw["unasked"]) if "unasked" in raw else None,
    )


def _bands(raw: Mapping[str, Any], place: str, low: float, high: float) -> tuple[Band, ...]:
    step = 10.0 ** -int(raw.get("digits", 0))
    found: list[Band] = []
    expected = low
    for at, one in enumerate(raw.get("bands") or ()):
        here = f"{place}.bands[{at}]"
        start, end = _range([one.get("from"), one.get("to")], here)
        if abs(start - expected) > step / 2:
            raise Invalid("gap", "bands follow one another without a gap", place=here)
        found.append(Band(_words(one, "id", here), start, end, _text(one, "text", here)))
        expected = end + step
    if found and abs(found[-1].high - high) > step / 2:
        raise Invalid("gap", "the bands end where the range ends", place=f"{place}.bands")
    return tuple(found)


def _range(raw: Any, place: str) -> tuple[float, float]:
    numbers = [one for one in raw if isinstance(one, int | float)] if isinstance(raw, list) else []
    if len(numbers) != 2 or numbers != raw or numbers[0] > numbers[1]:
        raise Invalid("bad-number", "two numbers are expected, the lower one first", place=place)
    return float(numbers[0]), float(numbers[1])


def _object(holder: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    found = holder.get(name)
    if not isinstance(found, Mapping):
        raise Invalid("not-an-object", f"{name} is missing", place=f"{place}.{name}".lstrip("."))
    return found


def _words(holder: Mapping[str, Any], name: str, place: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not found.strip():
        raise Invalid("missing", f"{name} is missing", place=f"{place}.{name}".lstrip("."))
    return found


def _text(holder: Mapping[str, Any], name: str, place: str) -> Text:
    """A text in every language; the key "" is English."""
    found = _object(holder, name, place)
    return {"": _words(found, "en", f"{place}.{name}".lstrip(".")), **{key: str(said) for key, said in found.items()}}
