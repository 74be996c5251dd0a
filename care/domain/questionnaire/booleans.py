"""Reading yes and no: by the tables of words, then by what a short statement says ("no, that is not right")."""

from __future__ import annotations

import re

from care.domain.questionnaire.around import asked_words
from care.domain.questionnaire.model import Answer, Item
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.words import NEGATIONS, NO, NO_FIRST, SYMPTOM_WORDS, YES, YES_FIRST
from care.domain.questionnaire.yes_no_words import (
    AGREED,
    BY_THE_WAY,
    CONSENT,
    FELT,
    GONE,
    HEDGES,
    PADDED_ZH,
    REFUSED,
    SAYS_NO,
    SAYS_NOTHING,
    SAYS_YES,
    TURNS,
)

_YES, _NO = Answer("boolean", True), Answer("boolean", False)
_CLAUSE = re.compile(r"[,.;!?。;\n]+")
_BUT = re.compile(r"但|不过|不過|只是|除了|除非|只有|(?<![a-z])(?:except|only|unless|apart from|other than)(?![a-z])")
_AFTER_ALL = re.compile(r"(?:^| )(?:i|we|it|he|she|they|there) (?:do|does|did|have|has|had|am|is|are|was|were)$")
"""How an affirmative statement ends: "no, I do"."""
_DENIED_SYMPTOM = re.compile(
    r"(?:i have |i feel |there is |there's )?(?:no|not any|no more) ([a-z]{3,})(?: today| now| at all)?"
    r"|我?(?:今天|今日|现在|現在)?(?:完全|都|已经|已經)?(?:没有|沒有|没|沒|不|冇|無|无|"
    r"唔)([\u4e00-\u9fff]{1,3}?)(?:了|啊|呀)?"
)
_OF_ITS_COURSE = re.compile(
    r"gone|go away|better|worse|improv|less|more|reliev|eas(?:ed|ier)|stop|control|free of|without|no longer|manag|"
    r"help|"
    r"减轻|減輕|好转|好轉|消失|缓解|緩解|加重|改善|减少|減少|控制|好些|好了|没有疼|沒有疼|无痛|無痛|还|還|仍"
)
"""Asked whether a pain is gone, "no pain" is a yes."""
_FELT_SYMPTOM = re.compile(
    r"我?(?:今天|今日|现在|現在|仲|还|還)?(?:有点|有點|有一点|有一點|有些|有啲|有少少|有)([\u4e00-\u9fff]{1,3}?)(?:啊|呀|嘅|的)?"
)
_TOKEN = re.compile(r"[a-z][a-z']*|[0-9]+|[^\sa-z0-9.,;:!?\"'()。…-]")
_SKIN = re.compile("([^\\w\\s])(?:\\s*\\1)+")
_QUOTED_NO = re.compile(
    r"(?:我)?(?:说|說|讲|講|答)?[\"']?(?P<first>[^\"',]+?)[\"']?,? ?而?不是 ?[\"']?(?P<second>[^\"']+)[\"']?"
)
_MOST_WORDS = 24
_DENIED = frozenset(("so", "it", "case", "not"))
"""What a negation without a judgement ends with: I don't think so, that isn't it, that is not the case, I think not."""


def read_boolean(item: Item, plain: str) -> Answer | Unclear:
    """Yes or no in a normalised text without its last punctuation; 1 and 2 are the numbers that the question shows.

    Words of agreement (ok, fine, 好的, 可以) are a yes only where something is proposed or asked to be confirmed: asked
    about a symptom they may as well mean "I am fine".
    """
    plain = _SKIN.sub(r"\1", plain).strip("\"' ")
    whole = _whole(item, plain)
    if whole is not None:
        return whole
    first, *remark = _CLAUSE.split(plain, maxsplit=1)
    first, rest = first.strip(), " ".join(remark).strip()
    if HEDGES.search(plain):
        return NOT_UNDERSTOOD
    about = _of_the_symptom(item, plain)
    if about is not None:
        return about
    if rest:
        if _opens(first, YES_FIRST, YES) and not _says_no(item, rest):
            return _YES
        if _opens(first, NO_FIRST, NO) and not _says_yes(item, rest):
            return _NO
    said = None if _AFTER_ALL.search(plain) else _statement(item, plain)
    if said is not None:
        return said
    return Unclear("ambiguous") if first in YES_FIRST | NO_FIRST else NOT_UNDERSTOOD


def _whole(item: Item, plain: str) -> Answer | None:
    """The whole text as one entry of the tables."""
    if plain in YES or plain in ("1", "一"):
        return _YES
    if plain in NO or plain in ("2", "二"):
        return _NO
    if plain in AGREED or plain in REFUSED:
        if proposed(item):
            return _YES if plain in AGREED else _NO
        return None
    padded = PADDED_ZH.fullmatch(plain) if not plain.isascii() and plain not in BY_THE_WAY else None
    if padded is not None and padded["core"] != plain and padded["core"] in YES | NO:
        return _YES if padded["core"] in YES else _NO
    clauses = [part.strip() for part in _CLAUSE.split(plain) if part.strip()]
    if 1 < len(clauses) <= 3:
        each = {_whole(item, clause) for clause in clauses}
        if len(each) == 1:
            return each.pop()
    contrast = _QUOTED_NO.fullmatch(plain)
    if contrast is not None:
        first, second = contrast["first"].strip(), contrast["second"].strip()
        if first in NO and second in YES:
            return _NO
        if first in YES and second in NO:
            return _YES
    return None


def proposed(item: Item) -> bool:
    """Whether the question can be agreed to; a text without any question is taken by its usual sense."""
    asked = asked_words(item)
    return not asked.strip() or CONSENT.search(asked) is not None


def _of_the_symptom(item: Item, plain: str) -> Answer | None:
    """ "No pain" and 有啲痛, where pain is what the question asks about, and only that."""
    asked = asked_words(item)
    if _OF_ITS_COURSE.search(asked):
        return None
    symptoms = [word for word in SYMPTOM_WORDS if word in asked]
    for pattern, answer in ((_DENIED_SYMPTOM, _NO), (_FELT_SYMPTOM, _YES)):
        match = pattern.fullmatch(plain)
        if match and next(word for word in match.groups() if word) in symptoms:
            return answer
    return None


def _opens(clause: str, openings: frozenset[str], entries: frozenset[str]) -> bool:
    """Whether a first clause is a clear yes or no: yes, yes I do."""
    return clause in openings or (clause in entries and clause.split(" ")[0] in openings)


def _says_no(item: Item, rest: str) -> bool:
    """Whether a remark takes a yes back: it denies something, or says that it is over."""
    over = GONE.search(rest) is not None and not _OF_ITS_COURSE.search(asked_words(item))
    return over or NEGATIONS.search(rest) is not None


def _says_yes(item: Item, rest: str) -> bool:
    """Whether a remark takes a no back: it agrees after all, makes an exception, or says of what is felt how it is."""
    if any(word in YES or word == "but" for word in re.split(r"[\s,.;!?。]+", rest)) or _BUT.search(rest):
        return True
    felt = FELT.search(rest) is not None and not proposed(item) and not NEGATIONS.search(rest)
    return rest in YES or felt or _AFTER_ALL.search(rest) is not None


def _statement(item: Item, plain: str) -> Answer | None:
    """What a short statement of nothing but yes, no, true, false and their like says; None when words are left over.

    Each judgement counts with the negation before it: "no, that is not right" says no twice. Both at once say nothing.
    """
    tokens = _TOKEN.findall(plain)
    if not 1 <= len(tokens) <= _MOST_WORDS:
        return None
    agreeing = proposed(item)
    said: list[bool] = []
    turned = False
    for place, word in enumerate(tokens):
        if word in TURNS or word.endswith("n't"):
            turned = not turned
        elif word in SAYS_YES or (agreeing and word in AGREED):
            said.append(not turned)
            turned = False
        elif word == "no" and place + 1 < len(tokens) and tokens[place + 1] in ("way", "chance"):
            turned = not turned
        elif word in SAYS_NO or (agreeing and word in REFUSED):
            if turned:
                return None  # "not wrong", "I would not say no": no clear yes
            said.append(False)
            turned = False
        elif word not in SAYS_NOTHING:
            return None
    if turned:
        if tokens[-1] not in _DENIED:
            return None  # "I don't have an answer for that"
        said.append(False)
    if len(set(said)) != 1:
        return None
    return _YES if said[0] else _NO
