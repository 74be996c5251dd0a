"""Reading a choice: the option by number, letter, name or a near spelling; several of them in one text."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from care.domain.questionnaire.around import asked_words
from care.domain.questionnaire.model import Answer, Item, Option
from care.domain.questionnaire.numbers import numbers_in
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.text import TRAILING, normalised
from care.domain.questionnaire.words import FILLER_EN, FILLER_ZH, NEGATIONS, NO, SYMPTOM_WORDS
from care.domain.questionnaire.yes_no_words import AGREED

_SEPARATOR = re.compile(r"[,;/&+]|\s|和|跟|与|與|同|及|以及|\band\b")
_LETTER = re.compile(r"\(?([a-z])[).:]?")
_ORDINAL = re.compile(
    r"(?:the )?(?:(?P<digits>[0-9]{1,2})(?:st|nd|rd|th)|(?P<word>first|second|third|fourth|fifth|sixth|"
    r"last))(?: (?:one|option|answer|choice))?"
)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}
_LONGEST = 200
_INDEX_FILLER = re.compile(
    r"option|answer|number|choice|no\.|the|my|is|it's|choose|i|#|\(|\)|选项|選項|选择|選擇|答案|选|選|第|个|個|项|項|"
    r"号|號|是|我|嘅|的|\.|:"
)
_AROUND_A_NAME = {"very", "quite", "pain", "feel", "feeling"}
_NONE_NAMES = {"none", "no", "not at all", "没有", "沒有", "无", "無"}
_HAVING = {"有", "会", "會", "要"}
"""With 好 what anybody says to anything: no beginning of 有时 or 好转."""
_DENIAL = re.compile(
    r"(?:i have |i feel |there is )?(?:no|not)(?: any)? ([a-z]{3,})(?: today| now)?"
    r"|我?(?:今天|今日)?(?:完全|都)?(?:没有|沒有|没|沒|不|冇|無|无|唔)([\u4e00-\u9fff]{1,4}?)(?:了|啊|呀)?"
)


def read_choice(item: Item, plain: str) -> Answer | Unclear:
    """The option that a normalised text chooses."""
    exact = [option for option in item.options if plain in _names(option)]
    if exact:
        return exact[0].answer() if len(exact) == 1 else Unclear("ambiguous")
    if len(plain) > _LONGEST:
        return NOT_UNDERSTOOD
    by_place = _by_place(item, plain)
    if by_place is not None:
        return by_place
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
    if letter and numbered(item) and len(item.options) <= 20:
        place = ord(letter[1]) - ord("a")
        return item.options[place].answer() if place < len(item.options) else Unclear("out-of-range", letter[1])
    ordinal = _ORDINAL.fullmatch(plain)
    if ordinal and numbered(item):
        place = int(ordinal["digits"] or _ORDINALS.get(ordinal["word"], len(item.options)))
        return item.options[place - 1].answer() if 1 <= place <= len(item.options) else Unclear("out-of-range", plain)
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
    if len(begun) == 1 and plain not in AGREED | _HAVING:
        return begun
    found: list[tuple[str, Option]] = []
    for option in item.options:
        for name in sorted(_names(option), key=len, reverse=True):
            if len(name) > 1 and _stands_in(name, plain) and _only_filler_beside(name, plain):
                found.append((name, option))
                break
    return [o for name, o in found if not any(name != other and name in other for other, _ in found)]


def _begins(option: Option, plain: str) -> bool:
    """Whether its name begins so; 完全 alone does not begin 完全没有: what is left out turns it round."""
    return any(name.startswith(plain) and not NEGATIONS.search(name, len(plain)) for name in _names(option))


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
    """How alike, from 0 to 1; not at all where a slip is less likely than another word (irregular, hypotension)."""
    if abs(len(name) - len(plain)) > 3 or name[:1] != plain[:1] or ("hypo" in name) != ("hypo" in plain):
        return 0.0
    return SequenceMatcher(None, name, plain).ratio()


def _none_of_them(item: Item, plain: str) -> Answer | Unclear:
    """ "no", "no pain" and 不痛 choose the option that says none, where there is exactly one."""
    none = [option for option in item.options if _names(option) & _NONE_NAMES]
    if len(none) != 1:
        return NOT_UNDERSTOOD
    denied = _DENIAL.fullmatch(plain)
    asked = asked_words(item)
    word = (denied[1] or denied[2]) if denied else ""
    if plain in NO or (word in SYMPTOM_WORDS and word in asked):
        return none[0].answer()
    return NOT_UNDERSTOOD


def several_choices(item: Item, text: str) -> tuple[Answer, ...]:
    """All the options named in a list; empty unless every part of it names one."""
    plain = normalised(text).rstrip(TRAILING)
    if len(plain) > _LONGEST:
        return ()
    parts = [part for part in _SEPARATOR.split(plain) if part and part not in ("and", "和")][: len(item.options) + 1]
    answers = [read_choice(item, part) for part in parts]
    if len(parts) < 2 or any(isinstance(answer, Unclear) for answer in answers):
        return ()
    return tuple(dict.fromkeys(answer for answer in answers if isinstance(answer, Answer)))
