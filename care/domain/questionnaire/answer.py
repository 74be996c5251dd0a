"""read_answer: a patient's text to an answer of one item, or Unclear. Never a guess."""

from __future__ import annotations

import re
from datetime import datetime
from difflib import SequenceMatcher

from care.domain.questionnaire.amounts import read_number, read_quantity
from care.domain.questionnaire.dates import read_date
from care.domain.questionnaire.model import MORE, Answer, Item, Option
from care.domain.questionnaire.numbers import numbers_in
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.text import TRAILING, normalised, readable
from care.domain.questionnaire.words import FILLER_EN, FILLER_ZH, NEGATIONS, NO, NO_FIRST, SYMPTOM_WORDS, YES, YES_FIRST

_SEPARATOR = re.compile(r"[,;/&+]|\s|和|跟|与|與|同|及|以及|\band\b")
_CLAUSE = re.compile(r"[,.;!?。;\n]")
_BUT = re.compile("但|不过|不過|只是")
_LETTER = re.compile(r"\(?([a-z])[).:]?")
_INDEX_FILLER = re.compile(
    r"option|answer|number|choice|no\.|the|my|is|it's|choose|i|#|\(|\)|选项|選項|选择|選擇|答案|选|選|第|个|個|项|項|号|號|是|我|嘅|的|\.|:"
)
_AROUND_A_NAME = {"very", "quite", "pain", "feel", "feeling"}
_NONE_NAMES = {"none", "no", "not at all", "没有", "沒有", "无", "無"}
_DENIAL = re.compile(
    r"(?:i have |i feel |there is )?(?:no|not)(?: any)? ([a-z]{3,})(?: today| now)?"
    r"|我?(?:今天|今日)?(?:完全|都)?(?:没有|沒有|没|沒|不|冇|無|无|唔)([\u4e00-\u9fff]{1,4}?)(?:了|啊|呀)?"
)


def read_answers(
    item: Item, text: str, language: str, now: datetime, zone: str, prefer: str = ""
) -> tuple[Answer, ...] | Unclear:
    """Like read_answer; an item that repeats takes several choices in one text ("1, 3")."""
    if item.repeats and item.type == "choice" and readable(text):
        several = _several_choices(item, text)
        if several:
            return several
    answer = read_answer(item, text, language, now, zone, prefer)
    return answer if isinstance(answer, Unclear) else (answer,)


def read_answer(item: Item, text: str, language: str, now: datetime, zone: str, prefer: str = "") -> Answer | Unclear:
    """The answer that a text gives to an item, or why it gives none.

    `now` is aware, `zone` the patient's; `prefer` a unit (UCUM) that the patient is known to use. Texts over MAX_TEXT
    characters and texts that cannot be stored are never read.
    """
    if not readable(text):
        return NOT_UNDERSTOOD
    if item.type in ("string", "text"):
        return _read_text(item, text)
    plain = normalised(text).rstrip(TRAILING)
    if not plain:
        return NOT_UNDERSTOOD
    if item.type in ("boolean", MORE):
        return read_boolean(plain)
    if item.type == "choice":
        return _read_choice(item, plain)
    if len(plain) > 200:
        return NOT_UNDERSTOOD
    if item.type == "quantity":
        return read_quantity(item, plain, language, prefer)
    if item.type in ("integer", "decimal"):
        return read_number(item, plain)
    return read_date(item, plain, now, zone)


def _read_text(item: Item, text: str) -> Answer | Unclear:
    kept = text.strip()
    if not kept:
        return NOT_UNDERSTOOD
    if item.max_length is not None and len(kept) > item.max_length:
        return Unclear("out-of-range")
    return Answer("string", kept)


def read_boolean(plain: str) -> Answer | Unclear:
    """Yes or no. The numbers are those the question shows: 1 yes, 2 no."""
    if plain in YES or plain in ("1", "一"):
        return Answer("boolean", True)
    if plain in NO or plain in ("2", "二"):
        return Answer("boolean", False)
    first, *remark = _CLAUSE.split(plain, maxsplit=1)
    first, rest = first.strip(), " ".join(remark)
    if first in YES_FIRST and not _says_no(rest):
        return Answer("boolean", True)
    if first in NO_FIRST and not _says_yes(rest):
        return Answer("boolean", False)
    return Unclear("ambiguous") if first in YES_FIRST | NO_FIRST else NOT_UNDERSTOOD


def _says_no(rest: str) -> bool:
    return NEGATIONS.search(rest) is not None


def _says_yes(rest: str) -> bool:
    return any(word in YES or word == "but" for word in re.split(r"[\s,.;!?。]+", rest)) or bool(_BUT.search(rest))


def _read_choice(item: Item, plain: str) -> Answer | Unclear:
    exact = [option for option in item.options if plain in _names(option)]
    if exact:
        return exact[0].answer() if len(exact) == 1 else Unclear("ambiguous")
    by_place = _by_place(item, plain)
    if by_place is not None:
        return by_place
    if len(plain) > 200:
        return NOT_UNDERSTOOD
    named = _named(item, plain)
    if len(named) == 1:
        return named[0].answer()
    if len(named) > 1:
        return Unclear("ambiguous", " / ".join(option.text[""] for option in named))
    near = _near(item, plain)
    if near is not None:
        return near.answer()
    return _none_of_them(item, plain)


def _names(option: Option) -> set[str]:
    """What an option can be called: its text in every language, its code."""
    names = {normalised(text).rstrip(TRAILING) for text in option.text.values()}
    return names | {normalised(option.code)} if option.code and not option.code.isdigit() else names


def numbered(item: Item) -> bool:
    """Whether the options are shown with numbers: not when they are numbers themselves."""
    return not any(text.strip().isdigit() for option in item.options for text in option.text.values())


def _by_place(item: Item, plain: str) -> Answer | Unclear | None:
    """Chosen by number or letter; None when the text is neither."""
    letter = _LETTER.fullmatch(plain)
    if letter and len(item.options) <= 20:
        place = ord(letter[1]) - ord("a")
        return item.options[place].answer() if place < len(item.options) else Unclear("out-of-range", letter[1])
    numbers = numbers_in(plain)
    if len(numbers.found) > 1 and not re.search(r"[^0-9\W]", plain):
        return Unclear("several")
    if numbers.doubt or len(numbers.found) != 1:
        return None
    found = numbers.found[0]
    if _INDEX_FILLER.sub("", numbers.text[: found.start] + numbers.text[found.end :]).strip():
        return None
    if not numbered(item):
        wanted = f"{found.value:.10g}"
        chosen = [option for option in item.options if option.text[""].strip() == wanted]
        return chosen[0].answer() if chosen else Unclear("out-of-range", wanted)
    if found.value != int(found.value) or not 1 <= found.value <= len(item.options):
        return Unclear("out-of-range", f"{found.value:.10g}")
    return item.options[int(found.value) - 1].answer()


def _named(item: Item, plain: str) -> list[Option]:
    """The options whose name stands in the text, or whose name begins with it; a longer name hides one inside it."""
    if NEGATIONS.search(plain):
        return []
    begun = [o for o in item.options if len(plain) >= (1 if not plain.isascii() else 3) and _begins(o, plain)]
    if len(begun) == 1:
        return begun
    found: list[tuple[str, Option]] = []
    for option in item.options:
        for name in sorted(_names(option), key=len, reverse=True):
            if len(name) > 1 and _stands_in(name, plain) and _only_filler_beside(name, plain):
                found.append((name, option))
                break
    return [o for name, o in found if not any(name != other and name in other for other, _ in found)]


def _begins(option: Option, plain: str) -> bool:
    return any(name.startswith(plain) for name in _names(option))


def _stands_in(name: str, plain: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", plain) is not None


def _only_filler_beside(name: str, plain: str) -> bool:
    """Whether nothing else is said beside the option's name (that could say when, whose, or how it was before)."""
    rest = plain.replace(name, " ", 1)
    words = re.findall(r"[a-z][a-z']*", rest)
    others = FILLER_ZH.sub("", re.sub(r"[a-z'\s.,:;!?。,()-]+", "", rest))
    return not others and all(word in FILLER_EN or word in _AROUND_A_NAME for word in words)


def _near(item: Item, plain: str) -> Option | None:
    """The one option whose name is nearly spelt like the text (Latin script, five letters or more)."""
    if not plain.isascii() or len(plain) < 5 or NEGATIONS.search(plain) or any(char.isdigit() for char in plain):
        return None
    good = [option for option in item.options if any(_likeness(name, plain) >= 0.8 for name in _names(option))]
    return good[0] if len(good) == 1 else None


def _likeness(name: str, plain: str) -> float:
    return SequenceMatcher(None, name, plain).ratio() if abs(len(name) - len(plain)) <= 3 else 0.0


def _none_of_them(item: Item, plain: str) -> Answer | Unclear:
    """ "no", "no pain" and 不痛 choose the option that says none, where there is exactly one."""
    none = [option for option in item.options if _names(option) & _NONE_NAMES]
    if len(none) != 1:
        return NOT_UNDERSTOOD
    denied = _DENIAL.fullmatch(plain)
    asked = " ".join(item.text.values()).casefold()
    word = (denied[1] or denied[2]) if denied else ""
    if plain in NO or (word in SYMPTOM_WORDS and word in asked):
        return none[0].answer()
    return NOT_UNDERSTOOD


def _several_choices(item: Item, text: str) -> tuple[Answer, ...]:
    """All the options named in a list; empty unless every part of it names one."""
    plain = normalised(text).rstrip(TRAILING)
    parts = [part for part in _SEPARATOR.split(plain) if part and part not in ("and", "和")][: len(item.options) + 1]
    answers = [_read_choice(item, part) for part in parts]
    if len(parts) < 2 or any(isinstance(answer, Unclear) for answer in answers):
        return ()
    return tuple(dict.fromkeys(answer for answer in answers if isinstance(answer, Answer)))
