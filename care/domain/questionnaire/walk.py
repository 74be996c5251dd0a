"""Which items are enabled, which question comes next, and how far the patient is."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from care.domain.questionnaire import asking
from care.domain.questionnaire.demands import demanded, may_be_demanded
from care.domain.questionnaire.layout import Position, begun, is_closed, positions
from care.domain.questionnaire.model import MORE, Answer, Answers, Item, Questionnaire, Spot
from care.domain.questionnaire.places import instance_of, link_id_of, place
from care.domain.questionnaire.standing import Standing, suggested

__all__ = [
    "answered",
    "course",
    "enabled",
    "filled",
    "lead",
    "next_item",
    "previous_item",
    "progress",
    "spot_at",
    "suggestion",
    "taken_back",
]


def enabled(questionnaire: Questionnaire, answers: Answers) -> set[str]:
    """The places of the enabled items.

    An item is enabled when its conditions hold and what it stands in is enabled; below a question only what is a part
    of its answer. An answer to a disabled question counts as no answer.
    """
    return Standing(questionnaire, answers).on


def filled(questionnaire: Questionnaire, answers: Answers) -> Answers:
    """The answers with the initial and the calculated values of what is never asked (hidden, read only, computed)."""
    return Standing(questionnaire, answers).values


def next_item(questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str] = frozenset()) -> Spot | None:
    """The first enabled question in document order that is neither answered nor skipped; None when there is none.

    `skipped` holds places. In a repeating group "another one?" is asked after each instance that has an answer, and
    before the first one where the group may be left out but would ask something that is required.
    """
    standing = Standing(questionnaire, answers)
    for at, here, is_answered in _asked(questionnaire, standing):
        if not is_answered and at not in skipped:
            return _spot(questionnaire, at, here, standing)
    return None


def previous_item(
    questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str], before: str | None
) -> Spot | None:
    """The enabled question answered or skipped last before the place `before` (None: the end); "back" goes to it."""
    standing = Standing(questionnaire, answers)
    last: tuple[str, Position] | None = None
    for at, here, is_answered in _asked(questionnaire, standing):
        if at == before and not (here.after is not None and is_answered):
            break
        if is_answered or at in skipped:
            last = at, here
    return _spot(questionnaire, *last, standing) if last is not None else None


def spot_at(questionnaire: Questionnaire, answers: Answers, at: str) -> Spot | None:
    """The question that is asked at a place, with its text and options as they are now; None when none is there."""
    item = questionnaire.by_id.get(link_id_of(at))
    instance = instance_of(at)
    if item is None or len(instance) != len(item.loops):
        return None
    if item.is_question:
        if not item.changes and not may_be_demanded(questionnaire, item):
            return Spot(at, item)
        standing = Standing(questionnaire, answers)
        asked = asking.as_asked(item, instance, standing)
        return Spot(at, demanded(questionnaire, standing, asked, instance))
    if not item.is_loop:
        return None
    is_first = item.link_id in questionnaire.optional and not answers.get(at)
    return Spot(at, asking.more_about(item, -1 if is_first else begun(item, instance, answers) - 1))


def suggestion(questionnaire: Questionnaire, answers: Answers, spot: Spot) -> tuple[Answer, ...]:
    """What the form itself proposes as the answer of a question that is asked; () where it proposes nothing."""
    if spot.item.type == MORE:
        return ()
    return suggested(Standing(questionnaire, answers).worker, spot.item, instance_of(spot.place))


def answered(
    questionnaire: Questionnaire, answers: Answers, spot: Spot, given: tuple[Answer, ...]
) -> dict[str, tuple[Answer, ...]]:
    """The answers with one more: the only way in which a face records an answer.

    "Another one?" is answered with a boolean: yes begins one more instance, no closes the group. When the answers of a
    question that repeats change, what stands below an answer that stays goes with it.
    """
    if spot.item.type == MORE:
        return _counted(questionnaire, answers, spot, bool(given) and given[0].value is True)
    kept = _moved(questionnaire, answers, spot, given) if spot.item.is_loop else answers
    return {**kept, spot.place: given}


def taken_back(questionnaire: Questionnaire, answers: Answers, spot: Spot) -> dict[str, tuple[Answer, ...]]:
    """The answers without the one of this spot, which can be asked again."""
    if spot.item.type != MORE:
        return {at: given for at, given in answers.items() if at != spot.place}
    item, instance = questionnaire.by_id[spot.item.link_id], instance_of(spot.place)
    count = begun(item, instance, answers)
    if not is_closed(item, instance, answers):
        count -= 1
    kept = {at: given for at, given in answers.items() if at != spot.place}
    if count > 0 and count != begun(item, instance, kept):
        kept[spot.place] = (Answer("count", count),)
    return kept


def progress(
    questionnaire: Questionnaire, answers: Answers, skipped: AbstractSet[str] = frozenset()
) -> tuple[int, int]:
    """(questions done, questions that are enabled now). What is skipped is done; "another one?" does not count."""
    standing = Standing(questionnaire, answers)
    asked = [(at, done) for at, here, done in _asked(questionnaire, standing) if here.after is None]
    return sum(1 for at, done in asked if done or at in skipped), len(asked)


def course(questionnaire: Questionnaire, answers: Answers) -> tuple[tuple[str, bool], ...]:
    """The places of the questions that can be asked now, in order, and whether each is an "another one?"."""
    found = _asked(questionnaire, Standing(questionnaire, answers))
    return tuple((at, here.after is not None) for at, here, _ in found)


def lead(questionnaire: Questionnaire, spot: Spot, answers: Answers) -> tuple[Item, ...]:
    """The enabled displays and group headings with a text that stand between the question before and this one.

    Displays right below this question that are not conditional (its instructions) are said with it and stand last;
    help and flyovers are not said. Below a question that repeats, the answer which it is about comes first.
    """
    return asking.lead(questionnaire, spot, Standing(questionnaire, answers))


def _asked(questionnaire: Questionnaire, standing: Standing) -> Iterator[tuple[str, Position, bool]]:
    """The place of every question that can be asked now, its position, and whether it is answered."""
    if not questionnaire.has_loops:
        for item in questionnaire.questions:
            if item.link_id in standing.on:
                yield item.link_id, Position(item, ()), bool(standing.values.get(item.link_id))
        return
    for here in positions(questionnaire, standing.values):
        if here.after is not None:
            state = asking.more_state(questionnaire, standing, here)
            if state != "void":
                yield place(here.item.link_id, here.instance), here, state == "answered"
        elif here.item.is_asked:
            at = place(here.item.link_id, here.instance)
            if at in standing.on:
                yield at, here, bool(standing.values.get(at))


def _spot(questionnaire: Questionnaire, at: str, here: Position, standing: Standing) -> Spot:
    if here.after is not None:
        return Spot(at, asking.more_about(here.item, here.after))
    asked = asking.as_asked(here.item, here.instance, standing)
    return Spot(at, demanded(questionnaire, standing, asked, here.instance))


def _counted(
    questionnaire: Questionnaire, answers: Answers, spot: Spot, another: bool
) -> dict[str, tuple[Answer, ...]]:
    """The answers after "another one?": one instance more, or closed."""
    item, instance = questionnaire.by_id[spot.item.link_id], instance_of(spot.place)
    count = begun(item, instance, answers) if spot.item.min_occurs else 0
    counted = Answer("count", count + 1) if another else Answer("count", count, code="closed")
    return {**answers, spot.place: (counted,)}


def _moved(questionnaire: Questionnaire, answers: Answers, spot: Spot, given: tuple[Answer, ...]) -> Answers:
    """What stands below the answers of a question that repeats, at the numbers that its answers have now.

    An answer in the place of another keeps what stood below that one: it was corrected.
    """
    before = answers.get(spot.place, ())
    moved: dict[int, int] = {}
    left = dict(enumerate(given))
    for old, answer in enumerate(before):
        new = next((number for number, one in left.items() if one == answer), None)
        if new is not None:
            moved[old] = new
            del left[new]
    moved |= {old: old for old in range(len(before)) if old not in moved and old in left}
    prefix = instance_of(spot.place)
    depth = len(prefix)
    kept: dict[str, tuple[Answer, ...]] = {}
    for at, value in answers.items():
        item, instance = questionnaire.by_id.get(link_id_of(at)), instance_of(at)
        if item is None or spot.item.link_id not in item.loops or instance[:depth] != prefix:
            kept[at] = value
        elif instance[depth] in moved:
            kept[place(item.link_id, (*prefix, moved[instance[depth]], *instance[depth + 1 :]))] = value
    return kept
