"""Optional questions that must be answered after all: their group needs an answer, has none, and they are its last."""

from __future__ import annotations

from dataclasses import replace

from care.domain.questionnaire.layout import positions
from care.domain.questionnaire.model import Item, Questionnaire
from care.domain.questionnaire.places import place
from care.domain.questionnaire.standing import Standing


def may_be_demanded(questionnaire: Questionnaire, item: Item) -> bool:
    """Whether an optional question may have to be answered: it wants a number of answers, or its group at least one."""
    wanted = bool(item.min_occurs) or any(_needs_one(questionnaire.by_id[link_id]) for link_id in item.path)
    return wanted and not item.required


def demanded(questionnaire: Questionnaire, standing: Standing, item: Item, instance: tuple[int, ...]) -> Item:
    """The item, required when it cannot be left out: it wants a number of answers, or it is the last question that can
    be asked of a required group in which nothing is answered yet.
    """
    if not may_be_demanded(questionnaire, item):
        return item
    groups = [group for link_id in item.path if _needs_one(group := questionnaire.by_id[link_id])]
    at = place(item.link_id, instance)
    if item.min_occurs or any(_last_of(questionnaire, standing, group, instance) == at for group in groups):
        return replace(item, required=True)
    return item


def _needs_one(group: Item) -> bool:
    return group.type == "group" and group.required


def _last_of(questionnaire: Questionnaire, standing: Standing, group: Item, instance: tuple[int, ...]) -> str | None:
    """The place of the last question that can be asked of a group; None once something in it is answered."""
    inside, last = instance[: len(group.loops)], None
    for here in positions(questionnaire, standing.values):
        item = here.item
        if here.after is not None or not item.is_question or group.link_id not in item.path:
            continue
        at = place(item.link_id, here.instance)
        if here.instance[: len(inside)] != inside or at not in standing.on:
            continue
        if standing.values.get(at):
            return None
        if item.is_asked:
            last = at
    return last
