"""What a questionnaire is made of, and how it fits into text messages: for whoever decides to publish it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from care.domain.questionnaire.ask import ask
from care.domain.questionnaire.extensions import language_of
from care.domain.questionnaire.model import Item, Questionnaire, Text, in_language
from care.domain.segments import folded, size

MANY_OPTIONS = 9
"""More cannot be answered with one digit, and fill a small screen."""
LONG = 3
"""SMS parts; a question of more is told as long."""
TO_A_PERSON = frozenset(("attachment", "reference"))


@dataclass(frozen=True, slots=True)
class Fit:
    """One question as a text message: the SMS parts it takes by language (as it is asked, with how to answer)."""

    link_id: str
    text: str
    type: str
    required: bool
    options: int
    segments: Mapping[str, int]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What makes it hard in a text: codes among long, many-options, to-a-person."""
        found = ["long"] if max(self.segments.values()) > LONG else []
        found += ["many-options"] if self.options > MANY_OPTIONS else []
        found += ["to-a-person"] if self.type in TO_A_PERSON else []
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Summary:
    """`languages`: each with the share (0 to 1) of the texts that it has; "" is the language it was written in.

    `features`: what it uses, as codes with how many items do.
    """

    questions: int
    required: int
    groups: int
    displays: int
    unasked: int
    languages: Mapping[str, float]
    features: Mapping[str, int]
    fits: tuple[Fit, ...]

    def segments(self, language: str) -> int:
        """The SMS parts of all questions in this language, were every one asked."""
        return sum(fit.segments[language] for fit in self.fits)


def summary(questionnaire: Questionnaire, languages: tuple[str, ...]) -> Summary:
    """Count what is in a questionnaire; `languages` are those in which its messages are measured."""
    items = questionnaire.items
    counts = Counter(item.type for item in items)
    return Summary(
        questions=len(questionnaire.questions),
        required=sum(item.required for item in questionnaire.questions),
        groups=counts["group"],
        displays=counts["display"],
        unasked=sum(item.is_question for item in items) - len(questionnaire.questions),
        languages=_languages(questionnaire),
        features=dict(Counter(feature for item in items for feature in _features(item))),
        fits=tuple(_fit(item, languages) for item in questionnaire.questions),
    )


def _fit(item: Item, languages: tuple[str, ...]) -> Fit:
    segments = {language: size(folded(ask(item, language))).segments for language in languages}
    text = in_language(item.text, languages[0]) if languages else in_language(item.text, "")
    return Fit(item.link_id, text, item.type, item.required, len(item.options), segments)


def _languages(questionnaire: Questionnaire) -> dict[str, float]:
    texts = [text for text in _texts(questionnaire) if any(text.values())]
    counts = Counter(
        language
        for text in texts
        for language in {language_of(tag) if tag else "" for tag, said in text.items() if said}
    )
    return {language: count / len(texts) for language, count in counts.items()}


def _texts(questionnaire: Questionnaire) -> Iterator[Text]:
    yield questionnaire.title
    for item in questionnaire.items:
        yield item.text
        for option in item.options:
            if not option.text.get("", "").isdecimal():  # a number is the same in every language
                yield option.text


def _features(item: Item) -> Iterator[str]:
    """Codes of what an item uses beyond a plain question."""
    marks = {
        "conditional": bool(item.enable_when or item.enable_formula),
        "repeating-group": item.is_loop,
        "several-answers": item.repeats and not item.is_loop,
        "own-words": item.type == "open-choice",
        "many-options": len(item.options) > MANY_OPTIONS,
        "scored-options": any(option.ordinal is not None for option in item.options),
        "units": bool(item.units),
        "bounds": item.minimum is not None or item.maximum is not None or item.limits is not None,
        "pattern": item.pattern is not None,
        "calculated": item.calculated is not None,
        "initial": bool(item.initial or item.initial_formula),
        "hidden": item.hidden,
        "read-only": item.read_only,
        "constraint": bool(item.constraints),
        "variable": bool(item.variables),
        "to-a-person": item.type in TO_A_PERSON,
    }
    return (name for name, has in marks.items() if has)
