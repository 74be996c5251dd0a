"""What a text answers to an open question: read by the marks that the question showed, several in one text, or Unclear.

The reading of single values is the questionnaire's (`read_answer`); here is what depends on how the question was put.
"""

from __future__ import annotations

import re
from dataclasses import replace

from care.domain.questionnaire import (
    Answer,
    Item,
    Option,
    Questionnaire,
    Spot,
    Unclear,
    answer_text,
    problem_of,
    read_answers,
    suggestion,
)
from care.domain.questionnaire.check import together
from care.domain.questionnaire.marks import Marks, marks, unmarked
from care.domain.questionnaire.model import CHOICES, MORE
from care.domain.questionnaire.numbers import numbers_in
from care.domain.questionnaire.reading import NOT_UNDERSTOOD
from care.domain.questionnaire.text import TRAILING, bare, normalised, readable
from care.domain.turn import Desk, Talk

FREE = ("string", "text", "url")
BY_HAND = ("attachment", "reference")
"""Questions that no text answers: a person or the app does."""
_APART = re.compile(r"[;；、\n]|，|, |\band\b|和|及")
_LISTED = re.compile(r"[,;，；、\n]")
_MARKS_APART = re.compile(r"[,;/&+.\s]+|和|跟|与|與|同|及|以及|\band\b")
_AROUND = re.compile(r"^(?:option|answer|number|no\.?|选项|選項|选|選|答案|#|\()+ ?|[).:、]+$")  # 第二个 counts places
_LETTER = re.compile("[a-z]")
_TOO_FAR = ("out-of-range", "too-long", "too-short", "too-many-decimals")
_MOST = 50  # answers to one question in one text

Read = tuple[Answer, ...] | Unclear


def hear(spot: Spot, text: str, desk: Desk) -> Read:
    """The answers that a text gives to the question, in what may be answered at once; never one that it cannot take."""
    item = spot.item
    if item.type in BY_HAND or not readable(text):
        return NOT_UNDERSTOOD
    if item.type == "open-choice":
        read = _open(item, text, desk)
    elif item.type == "choice":
        read = _choice(item, text, desk)
    elif item.repeats and item.type != MORE:
        read = _several(item, text, desk)
    else:
        read = _plain(item, text, desk)
    return read if isinstance(read, Unclear) or item.type == MORE else _fitting(item, read, desk)


def proposed(form: Questionnaire, talk: Talk, spot: Spot, desk: Desk) -> tuple[Answer, ...]:
    """What the form itself proposes as the answer, where the question takes it; an OK is enough for it."""
    item = spot.item
    if not (item.initial or item.initial_formula) or item.type in BY_HAND or talk.before is not None:
        return ()
    read = _fitting(item, suggestion(form, talk.answers, spot), desk)
    return () if isinstance(read, Unclear) else read


def _plain(item: Item, text: str, desk: Desk) -> Read:
    return read_answers(item, text, desk.language, desk.now, desk.zone, desk.prefer(item))


def _several(item: Item, text: str, desk: Desk) -> Read:
    """One value, or a list of them: parts that are all read. In long texts only lines are apart."""
    apart = re.compile("\n") if item.type == "text" else _LISTED if item.type == "string" else _APART
    parts = _parts(text, apart)
    if item.type not in FREE and (len(parts) == 1 or item.type in ("date", "dateTime")):
        whole = _plain(replace(item, repeats=False), text, desk)  # "March 3, 2026" is one date, "3,4" no number
        parts = _parts(text, _LISTED) if len(parts) == 1 else parts
        if not isinstance(whole, Unclear) or len(parts) == 1:
            return whole
    found: list[Answer] = []
    for part in parts[: _MOST + 1]:
        read = _plain(replace(item, repeats=False), part, desk)
        if isinstance(read, Unclear):
            return read
        found += read
    return tuple(dict.fromkeys(found)) or NOT_UNDERSTOOD


def _parts(text: str, apart: re.Pattern[str]) -> list[str]:
    return [part for part in apart.split(text) if part.strip(TRAILING)] or [text]


def _open(item: Item, text: str, desk: Desk) -> Read:
    """One of the options, or what else was written. A number that is no option is asked about, not taken as words."""
    read = _choice(replace(item, type="choice"), text, desk) if item.options else NOT_UNDERSTOOD
    if isinstance(read, Unclear) and read.reason == "not-understood":
        kept = text.strip()
        return (Answer("string", kept),) if kept else NOT_UNDERSTOOD
    return read


def _choice(item: Item, text: str, desk: Desk) -> Read:
    found = marks(item)
    if not found.own:
        return _plain(item, text, desk)
    plain = normalised(text).rstrip(TRAILING)
    named = [n for n, names in enumerate(_names(item)) if plain in names]
    if len(named) == 1:
        return (item.options[named[0]].answer(),)
    parts = [part for part in _MARKS_APART.split(plain) if part] if item.repeats else [plain]
    marked = [_marked(part, found, item) for part in parts]
    if marked and all(isinstance(one, Option) for one in marked):
        return tuple(dict.fromkeys(one.answer() for one in marked if isinstance(one, Option)))
    if any(isinstance(one, Unclear) for one in marked) or _has_a_mark(plain):
        return next((one for one in marked if isinstance(one, Unclear)), Unclear("ambiguous", plain[:40]))
    return _by_name(item, text, desk)


def _names(item: Item) -> list[set[str]]:
    """What each option may be called, with its mark and without."""
    both = zip(item.options, unmarked(item), strict=True)
    return [{bare(words) for one in pair for words in one.text.values()} for pair in both]


def _by_name(item: Item, text: str, desk: Desk) -> Read:
    """Read against the options' texts without their marks; the answers are the form's own options all the same."""
    shorter = unmarked(item)
    without = replace(item, options=shorter, by_key={option.key: option for option in shorter})
    read = _plain(without, text, desk)
    if isinstance(read, Unclear):
        return read
    whole = dict(zip((option.answer() for option in shorter), item.options, strict=True))
    return tuple(whole[answer].answer() for answer in read if answer in whole) or NOT_UNDERSTOOD


def _marked(part: str, found: Marks, item: Item) -> Option | Unclear | None:
    """The option with this mark; Unclear for a number that is none; None for what is no mark at all."""
    said = _AROUND.sub("", part).strip()
    if said in found.replies:
        return item.options[found.replies.index(said)]
    numbers = numbers_in(said)
    if len(numbers.found) == 1 and not numbers.doubt:
        only = numbers.found[0]
        if not numbers.text[: only.start].strip() and not numbers.text[only.end :].strip():
            value = f"{only.value:.10g}"
            if value in found.replies:
                return item.options[found.replies.index(value)]
            return Unclear("out-of-range", value)
    return Unclear("out-of-range", said) if len(said) == 1 and _LETTER.fullmatch(said) else None


def _has_a_mark(plain: str) -> bool:
    """Whether a number stands in it, which the reader would take for a place in the list."""
    return bool(numbers_in(plain).found) or numbers_in(plain).doubt


def _fitting(item: Item, read: tuple[Answer, ...], desk: Desk) -> Read:
    """The answers where the question takes them all, else why not."""
    together_wrong = next(together(item, read), None)
    if together_wrong is not None:
        return Unclear("ambiguous" if together_wrong[0] == "exclusive" else "several", told(item, read, desk))
    for answer in read:
        found = problem_of(item, answer)
        if found is not None:
            too_far = found[0] in _TOO_FAR
            reason = "out-of-range" if too_far or item.pattern is not None else "not-understood"
            return Unclear(reason, told(item, (answer,), desk))  # type: ignore[arg-type]
    return read


def told(item: Item, read: tuple[Answer, ...], desk: Desk) -> str:
    """Answers as they are told back."""
    joint = "; " if desk.language == "en" else "；"
    return joint.join(answer_text(item, answer, desk.language) for answer in read)


def is_called(item: Item, plain: str) -> bool:
    """Whether a normalised text is the name of an option: then it is the answer, even where it is a command's word."""
    return any(plain in names for names in _names(item)) if item.options else False


def said_plainly(item: Item, text: str, read: tuple[Answer, ...]) -> bool:
    """Whether a choice needs not be told back: one option, by its name, or by a number that could mean nothing else."""
    if item.type not in CHOICES or len(read) > 1 or not item.options:
        return item.type not in CHOICES
    plain = bare(text)
    if is_called(item, plain):
        return True
    digits = not marks(item).own and any(char.isdigit() for option in item.options for char in option.text.get("", ""))
    return plain in marks(item).replies and not digits
