"""A question as messages that fit the channel: displays folded in, long lists a part at a time, long texts divided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from care.domain.conversation.hearing import proposed, told
from care.domain.questionnaire import Answers, Questionnaire, Spot, lead
from care.domain.questionnaire.ask import how_to_answer, lead_texts, option_lines, question_text
from care.domain.questionnaire.hints import hints
from care.domain.questionnaire.model import MORE
from care.domain.questionnaire.walk import course
from care.domain.segments import Room, clipped, folded
from care.domain.turn import Desk, Talk

MANY = 9  # with more options than that, the page is offered too, where there is one
_LEAST = 6  # so many options at least, before what stands above them goes ahead in a message of its own


@dataclass(frozen=True, slots=True)
class Worded:
    """The messages, in order; `shown`: the options listed so far where they are too many for one (else 0)."""

    texts: tuple[str, ...]
    shown: int = 0


@dataclass(frozen=True, slots=True)
class _Parts:
    intro: tuple[str, ...]
    question: str
    options: tuple[str, ...]
    how: str
    link: str
    first: int = 0


def worded(
    talk: Talk,
    form: Questionnaire,
    spot: Spot,
    desk: Desk,
    before: Sequence[str] = (),
    *,
    example: bool = False,
    first: int = 0,
) -> Worded:
    """The open question as messages. `before` comes first; `first` is the option that the list begins with."""
    parts = _parts(talk, form, spot, desk, before, example, first)
    for ahead, above in _arrangements(parts):
        for link in dict.fromkeys((parts.link, "")):
            count = len(parts.options)
            how = _page_hint(parts, count, desk) if parts.first else parts.how
            text = _joined(*above, *parts.options[parts.first :], how, link)
            if desk.room.holds(_plain(text, desk)):
                return Worded(_messages(ahead, text), count if parts.first else 0)
        if not parts.options:
            continue
        count = _most_options(parts, above, desk)
        if count >= min(_LEAST, len(parts.options) - parts.first) or not above:
            return _page(parts, ahead, above, max(count, 1), desk)
    return Worded(_messages((*parts.intro, parts.question), parts.how))


def _parts(
    talk: Talk, form: Questionnaire, spot: Spot, desk: Desk, before: Sequence[str], example: bool, first: int
) -> _Parts:
    item, language = spot.item, desk.language
    options = option_lines(item, language)
    first = first if first < len(options) else 0
    above = () if first else lead_texts(lead(form, spot, talk.answers), language)
    many = len(options) > MANY and desk.link
    offered = told(item, proposed(form, talk, spot, desk), desk)
    how = how_to_answer(item, language, example, kept=talk.before is not None)
    return _Parts(
        intro=tuple(part for part in (*before, *above) if part),
        question=f"{_number(talk, form, spot)}{question_text(item, language)}".strip(),
        options=options,
        how=_joined(how, desk.say("proposed", {"value": offered}) if offered else ""),
        link=desk.say("or-link", {"url": desk.link}) if many else "",
        first=first,
    )


def _arrangements(parts: _Parts) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What goes ahead in messages of its own, and what stands above the options: the fewest messages first."""
    yield (), (*parts.intro, parts.question)
    if parts.intro:
        yield parts.intro, (parts.question,)
    yield (*parts.intro, parts.question), ()


def _page(parts: _Parts, ahead: tuple[str, ...], above: tuple[str, ...], count: int, desk: Desk) -> Worded:
    """So many options and how to see the others. One that alone is too long is cut: its number still chooses it."""
    last = parts.first + count
    hint = _page_hint(parts, last, desk)
    listed = parts.options[parts.first : last]
    if count == 1 and not desk.room.holds(_plain(_joined(*above, *listed, hint), desk)):
        most = max(desk.room.bytes - len(hint.encode()) - 1, 1) if desk.room.bytes else 0
        room = Room(max(desk.room.characters - len(hint) - 1, 1), 1 if desk.room.segments else 0, most)
        listed = tuple(clipped(line, room) for line in listed)
    return Worded(_messages(ahead, _joined(*above, *listed, hint)), last)


def _page_hint(parts: _Parts, last: int, desk: Desk) -> str:
    named = {"first": parts.first + 1, "last": last, "count": len(parts.options)}
    return _joined(parts.how, hints(desk.language)["page"].format(**named))


def _most_options(parts: _Parts, above: tuple[str, ...], desk: Desk) -> int:
    """How many options fit with the hint that there are others."""
    low, high = 0, len(parts.options) - parts.first
    while low < high:
        middle = (low + high + 1) // 2
        last = parts.first + middle
        text = _joined(*above, *parts.options[parts.first : last], _page_hint(parts, last, desk))
        low, high = (middle, high) if desk.room.holds(_plain(text, desk)) else (low, middle - 1)
    return low


def _messages(ahead: Sequence[str], text: str) -> tuple[str, ...]:
    return tuple(part for part in (_joined(*ahead), text) if part)


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _plain(text: str, desk: Desk) -> str:
    return folded(text) if desk.segments else text


def _number(talk: Talk, form: Questionnaire, spot: Spot) -> str:
    """3/9: where the patient is."""
    if spot.item.type == MORE:
        return ""
    numbers = numbered(form, talk)
    return f"{numbers.index(spot.place) + 1}/{len(numbers)} " if len(numbers) > 1 and spot.place in numbers else ""


def numbered(form: Questionnaire, talk: Talk) -> list[str]:
    """The places of the questions as they are counted: 1/9 is the first. "Another one?" is not counted."""
    return [place for place, is_more in course(form, whole(talk)) if not is_more]


def whole(talk: Talk) -> Answers:
    """All answers, the one that is being asked again included: what is left as it was is not lost."""
    return talk.before if talk.before is not None else talk.answers
