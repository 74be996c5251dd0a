"""A question as it is asked just now: its text and options as the form's expressions have them, and what is said with
it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from care.domain.questionnaire.formulas import Formula
from care.domain.questionnaire.layout import Position, begun, is_closed, positions
from care.domain.questionnaire.model import MORE, Item, Questionnaire, Spot, Text
from care.domain.questionnaire.places import instance_of, link_id_of, place
from care.domain.questionnaire.standing import Standing

ASIDE = frozenset(("flyover", "help", "unit", "lower", "upper", "context-display"))
"""Displays that are shown beside something when it is wanted, by itemControl (or displayCategory): never in a text."""


def as_asked(item: Item, instance: tuple[int, ...], standing: Standing) -> Item:
    """The item with its computed text and bounds, and without the options that may not be chosen now."""
    if item.text_formula is not None:
        text = standing.worker.text(item.text_formula, item, instance)
        item = replace(item, text={"": text}) if text else item
    if item.min_formula is not None:
        item = replace(item, minimum=_bound(item.min_formula, item, instance, standing))
    if item.max_formula is not None:
        item = replace(item, maximum=_bound(item.max_formula, item, instance, standing))
    off = {
        key
        for toggle in item.toggles
        if not standing.worker.truth(toggle.formula, item, instance, doubt=True)
        for key in toggle.options
    }
    if off:
        left = tuple(option for option in item.options if option.key not in off)
        item = replace(item, options=left, by_key={option.key: option for option in left})
    return item


def _bound(formula: Formula, item: Item, instance: tuple[int, ...], standing: Standing) -> float | str | None:
    """A computed minimum or maximum; None, which is no bound, when it gives nothing that the item can take."""
    found = standing.worker.answers(formula, item, instance)
    if not found or isinstance(found[0].value, bool):
        return None
    value = found[0].value
    return value if isinstance(value, str) else float(value)


def more_about(group: Item, after: int) -> Item:
    """The question whether there is another one of a repeating group. `min_occurs` is how many were begun so far: with
    0 it is whether there is any."""
    return Item(
        group.link_id,
        MORE,
        group.text,
        required=True,
        path=group.path,
        loops=group.loops,
        short_text=group.short_text,
        min_occurs=after + 1,
    )


def more_state(questionnaire: Questionnaire, standing: Standing, here: Position) -> str:
    """Whether the question for more at this position is "open", "answered", or "void": not to be asked."""
    item, after = here.item, here.after if here.after is not None else -1
    at = place(item.link_id, here.instance)
    if at not in standing.on or item.hidden or item.read_only or item.link_id not in questionnaire.asking:
        return "void"
    counted = bool(standing.values.get(at))
    if after < 0:
        if item.link_id not in questionnaire.optional:
            return "void"
        if counted:
            return "answered"
        return "void" if _has_answer(questionnaire, standing, item, (*here.instance, 0)) else "open"
    number = begun(item, here.instance, standing.values)
    if after < number - 1:
        return "answered" if after + 1 >= (item.min_occurs or 1) else "void"
    if is_closed(item, here.instance, standing.values):
        return "answered"
    if item.max_occurs is not None and number >= item.max_occurs:
        return "void"
    return "open" if _has_answer(questionnaire, standing, item, (*here.instance, after)) else "void"


def _has_answer(questionnaire: Questionnaire, standing: Standing, group: Item, instance: tuple[int, ...]) -> bool:
    for at, given in standing.values.items():
        inside = questionnaire.by_id.get(link_id_of(at))
        counts = given and inside is not None and group.link_id in inside.loops and inside.is_asked
        if counts and instance_of(at)[: len(instance)] == instance:
            return True
    return False


def lead(questionnaire: Questionnaire, spot: Spot, standing: Standing) -> tuple[Item, ...]:
    """The displays and headings that are said before this question; see walk.lead."""
    if spot.item.type == MORE:
        return ()
    instance = instance_of(spot.place)
    found: list[Item] = []
    for here in positions(questionnaire, standing.values):
        if here.after is not None:
            continue
        if here.item.link_id == spot.item.link_id and here.instance == instance:
            break
        if here.item.is_question:
            if here.item.is_asked and place(here.item.link_id, here.instance) in standing.on:
                found.clear()
        elif _is_said(here, standing) and not _goes_with_its_question(questionnaire, here.item):
            found.append(as_asked(here.item, here.instance, standing))
    return (*_about(questionnaire, spot.item, instance, standing), *found, *_beside(questionnaire, spot, standing))


def _is_said(here: Position, standing: Standing) -> bool:
    item = here.item
    if not item.text or item.hidden or item.control in ASIDE or item.category in ASIDE:
        return False
    return place(item.link_id, here.instance) in standing.on


def _goes_with_its_question(questionnaire: Questionnaire, item: Item) -> bool:
    """A display right below a question is a part of it, unless its conditions make it an answer to the answer."""
    if item.type != "display" or not item.path or item.enable_when or item.enable_formula:
        return False
    above = questionnaire.by_id[item.path[-1]]
    return above.is_asked


def _beside(questionnaire: Questionnaire, spot: Spot, standing: Standing) -> Iterator[Item]:
    for each in questionnaire.children.get(spot.item.link_id, ()):
        here = Position(each, instance_of(spot.place))
        if _goes_with_its_question(questionnaire, each) and not spot.item.is_loop and _is_said(here, standing):
            yield as_asked(each, here.instance, standing)


def _about(questionnaire: Questionnaire, item: Item, instance: tuple[int, ...], standing: Standing) -> Iterator[Item]:
    """Below a question that repeats and has several answers: the answer that this one is about."""
    for depth, link_id in enumerate(item.loops):
        loop = questionnaire.by_id[link_id]
        given = standing.given(place(link_id, instance[:depth]))
        if loop.is_question and len(given) > 1 and instance[depth] < len(given):
            answer = given[instance[depth]]
            option = loop.option_of(answer)
            text: Text = option.text if option else {"": str(answer.value)}
            yield Item(link_id, "display", text)
