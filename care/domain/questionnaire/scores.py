"""Scores of reports: sums and means over items, with what a missing answer does, reversed items, subscales and bands.

A score is data beside a questionnaire. Its items are found by their code (LOINC), so that a hospital's own form of the
same instrument is scored too, or by their linkId.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from care.domain.questionnaire.model import Answer, Answers, Item, Questionnaire, Text
from care.domain.questionnaire.places import place
from care.domain.questionnaire.standing import Standing
from care.domain.questionnaire.worth import ordinal_of, own_code


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a score: `code` or `link_id` finds it, `score` names an earlier score instead (a subscale).

    `reverse`: counted from the other end of the scale. `weight`: what it is multiplied by. `scale`: the lowest and the
    highest value that counts; an answer outside of it ("I don't know" as 9) is none. `unasked`: what it counts while
    the form does not ask it (how much somebody drinks who never does); else it is then missing.
    """

    code: str = ""
    link_id: str = ""
    score: str = ""
    reverse: bool = False
    weight: float = 1.0
    scale: tuple[float, float] | None = None
    unasked: float | None = None

    @property
    def name(self) -> str:
        """What finds it."""
        return self.code or self.link_id or self.score


@dataclass(frozen=True, slots=True)
class Band:
    """What a value means: from `low` to `high`, both in it."""

    id: str
    low: float
    high: float
    text: Text


@dataclass(frozen=True, slots=True)
class Scale:
    """One score. `code` is its LOINC code, or one of ours. `method`: sum or mean.

    `may_miss`: so many of its parts may be without an answer. What they would have added is then the mean of the others
    (`prorate`), or nothing. `digits`: decimals that are kept, half up. `low` and `high`: what it can be.
    """

    id: str
    code: str
    title: Text
    method: str
    parts: tuple[Part, ...]
    low: float
    high: float
    may_miss: int = 0
    prorate: bool = True
    digits: int = 0
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreDefinition:
    """The scores of one instrument; `citation` says where the method and the bands come from, `licence` whose it is.

    `questionnaires`: the urls of forms that it is for by name; any other form that has all its coded items counts too.
    """

    id: str
    version: str
    title: Text
    scales: tuple[Scale, ...]
    citation: str
    licence: str
    questionnaires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """One score of one report. `value` is None with the `reason` "missing" when more answers are missing than may;
    `missing` names them. `prorated`: it stands for a whole set of answers that some of were missing.
    """

    id: str
    code: str
    title: Text
    value: float | None
    low: float
    high: float
    band: Band | None = None
    missing: tuple[str, ...] = ()
    reason: str = ""
    prorated: bool = False


def applies(definition: ScoreDefinition, questionnaire: Questionnaire) -> bool:
    """Whether a form has every item of at least one of the scores, or is one that the definition names."""
    if questionnaire.url in definition.questionnaires:
        return True
    codes = {own_code(item) for item in questionnaire.questions} - {""}
    coded = [[part for part in scale.parts if not part.score] for scale in definition.scales]
    return any(parts and all(part.code in codes for part in parts) for parts in coded)


def score(definition: ScoreDefinition, questionnaire: Questionnaire, answers: Answers) -> tuple[Score, ...]:
    """The scores of a report, in the definition's order; those whose items the form does not have are left out.

    An item that is not enabled, not answered, or answered with what has no number counts as missing.
    """
    return _scores(definition, questionnaire, Standing(questionnaire, answers))


def _scores(definition: ScoreDefinition, questionnaire: Questionnaire, standing: Standing) -> tuple[Score, ...]:
    by_code = {own_code(item): item for item in reversed(questionnaire.questions)}
    found: dict[str, Score] = {}
    for scale in definition.scales:
        values: list[tuple[Part, float | None]] = []
        for part in scale.parts:
            if part.score:
                earlier = found.get(part.score)
                built_on = earlier.value if earlier is not None else None
                values.append((part, None if built_on is None else built_on * part.weight))
                continue
            item = by_code.get(part.code) if part.code else questionnaire.by_id.get(part.link_id)
            if item is None:
                break
            values.append((part, _counted(part, item, standing)))
        else:
            found[scale.id] = _scored(scale, values)
    return tuple(found.values())


def _counted(part: Part, item: Item, standing: Standing) -> float | None:
    """The sum of the answers' numbers (most questions take one), turned round and weighed as the part says."""
    here = place(item.link_id)
    if here not in standing.on and part.unasked is not None:
        return part.unasked
    numbers = [_number(item, answer) for answer in standing.given(here)]
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers):
        return None
    value = sum(known)
    if part.scale is not None:
        low, high = part.scale
        if not low <= value <= high or _is_shifted(item, low, high):
            return None
        value = low + high - value if part.reverse else value
    return value * part.weight


def _is_shifted(item: Item, low: float, high: float) -> bool:
    """Whether the form weighs its options otherwise than the instrument does: from 1 to 4 where that says 0 to 3."""
    worth = [number for number in map(ordinal_of, item.options) if number is not None]
    return bool(worth) and ((low not in worth and max(worth) > high) or (high not in worth and min(worth) < low))


def _number(item: Item, answer: Answer) -> float | None:
    if item.type in ("choice", "open-choice"):
        option = item.option_of(answer)
        return None if option is None else ordinal_of(option)
    if isinstance(answer.value, bool):
        return float(answer.value)
    return float(answer.value) if isinstance(answer.value, int | float) and not answer.comparator else None


def _scored(scale: Scale, values: Sequence[tuple[Part, float | None]]) -> Score:
    missing = tuple(part.name for part, value in values if value is None)
    known = [value for _, value in values if value is not None]
    if not known or len(missing) > scale.may_miss:
        return Score(scale.id, scale.code, scale.title, None, scale.low, scale.high, None, missing, "missing")
    total = Decimal(str(sum(known)))
    if scale.method == "mean":
        total /= len(known)
    elif missing and scale.prorate:
        total = total / len(known) * len(values)
    value = float(total.quantize(Decimal(1).scaleb(-scale.digits), ROUND_HALF_UP))
    band = next((band for band in scale.bands if band.low <= value <= band.high), None)
    prorated = bool(missing) and scale.prorate
    return Score(scale.id, scale.code, scale.title, value, scale.low, scale.high, band, missing, "", prorated)


def score_values(
    definitions: Sequence[ScoreDefinition], questionnaire: Questionnaire, standing: Standing
) -> dict[str, float]:
    """The values of all scores that a form has, by their codes; those without a value are left out."""
    return {
        one.code: one.value
        for definition in definitions
        if applies(definition, questionnaire)
        for one in _scores(definition, questionnaire, standing)
        if one.value is not None
    }
