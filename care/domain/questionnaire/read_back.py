"""A report read back to the patient who gave it: each question with its answers in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from care.domain.questionnaire.ask import answer_text
from care.domain.questionnaire.form import standing
from care.domain.questionnaire.layout import begun
from care.domain.questionnaire.model import Answers, Questionnaire, in_language
from care.domain.questionnaire.places import place


class Line(NamedTuple):
    """A question with its answers in words; a heading has none. `depth`: how many items it stands below."""

    text: str
    answers: tuple[str, ...]
    depth: int


def read_back(questionnaire: Questionnaire, answers: Answers, language: str) -> list[Line]:
    """The answered questions in their order, under the headings that they stand below."""
    full = standing(questionnaire, answers)

    def below(parent: str, instance: tuple[int, ...], depth: int) -> Iterator[Line]:
        for item in questionnaire.children.get(parent, ()):
            given = full.get(place(item.link_id, instance), ())
            if item.hidden or item.type == "display":
                continue
            text = f"{item.prefix} {in_language(item.text, language)}".strip()
            times = begun(item, instance, full) if item.is_loop else 1
            here = [(*instance, number) for number in range(times)] if item.is_loop else [instance]
            inside = [list(below(item.link_id, one, depth + 1)) for one in here]
            if item.is_question and given:
                yield Line(text, tuple(answer_text(item, one, language) for one in given), depth)
            for number, lines in enumerate(inside, start=1):
                if lines and not item.is_question:
                    yield Line(f"{text} {number}" if times > 1 else text, (), depth)
                yield from lines

    return list(below("", (), 0))
