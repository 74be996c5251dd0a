"""What may stand around a value in a text without changing it, and what makes it another one or none."""

from __future__ import annotations

import re

from care.domain.questionnaire.model import Item
from care.domain.questionnaire.words import FILLER_EN, FILLER_ZH, NEGATIONS

_LATIN_WORD = re.compile(r"[a-z][a-z']*")
_PUNCTUATION = re.compile(r"[\s.,:;=!?。·…()\[\]{}<>\"'~%/*$-]+")

_SHORT_VERBS = re.compile(r"(?<![a-z])(?:i'm|i've|it's|that's|he's|she's|i'd)(?![a-z])")

_OTHER_SCRIPT = re.compile(r"[^\W\d_a-zªºµ\u3400-\u4dbf\u4e00-\u9fff㗎]|\ufffd")  # words nobody here has read
_PHRASAL = re.compile(
    r"(?<![a-z])(?:set|got|get|getting|woke|wake|stood|stand|came|come|lay|lie|sat|gave|picked|throwing|threw) (?:up|"
    r"down)(?![a-z])"
)  # getting up is no change of a number

DOUBTFUL = re.compile(
    r"(?<![a-z])(?:more|less|fewer|over|under|above|below|least|most|between|max|maximum|min|minimum|than|limit|"
    r"up|down|by|lost|lose|losing|gain\w*|increas\w*|decreas\w*|rais\w*|drop\w*|ris\w+|rose|fell (?:to|by|from)|"
    r"reduc\w*|add\w*|"
    r"minus|plus|another|extra|additional|or|either|if|when|target|goal|should|would|could|might|may be|maybe|perhaps|"
    r"possibly|want\w*|usual\w*|normal\w*|used to|before|after|since|until|till|ago|last|yesterday|previous\w*|next|"
    r"tomorrow|per|every|each|almost|guess|unsure|convert\w*|kr|exceed\w*|surpass\w*|beyond|within|phone|telephone|"
    r"account|wrong|invalid|error|mistake|instead|"
    r"(?:his|her|their|your) \w+|son|daughter|husband|wife|mother|father|mum|mom|dad|baby|brother|sister|"
    r"friend)(?![a-z])"
    r"|n't(?![a-z])|#"
    r"|超过|超過|以上|以下|以内|以內|不到|至少|起码|起碼|至多|最多|最少|最高|最低|多于|多於|少于|少於|大于|大於|小于|"
    r"小於|高于|高於|低于|低於|"
    r"将近|快要|增加|减少|減少|下降|上升|升高|降低|升了|降了|瘦了|胖了|轻了|輕了|重了|昨|前天|上周|上週|上星期|上次|"
    r"上个月|上個月|"
    r"以前|之前|之后|之後|以后|以後|平时|平時|通常|目标|目標|应该|應該|如果|可能|也许|也許|或|还是|還是|每|妈|媽|爸|"
    r"儿子|兒子|女儿|女兒|"
    r"老公|老婆|丈夫|妻子|到底|[半点點]|电话|電話|号码|號碼|账号|帳號|吗|嗎|几|幾"
)
"""Comparison, change, another time, a condition, a wish, another person: the value beside it is not the answer as it
stands."""

_ASIDE = re.compile(
    r"(?<![a-z])(?:miss\w*|forg[eo]t\w*|skip\w*|fail\w*|hardly|barely|none|nobody|nothing|nope|nah|neither|nor|but|"
    r"except|left|remain\w*|short|suppos\w*|rather|wish|hope|plan\w*|will|gonna|going to|later|soon|twice|double|room|"
    r"version|vitamin|covid|o'clock|kids|children|too many)(?![a-z])|[❌👎🚫✖✗✘]"
    r"|漏|忘|缺|除|剩|打算|准备|準備|本来|本來|明天|错过|錯過|差(?!不多)|停|拒|想|[周週] |医生|醫生"
)
"""What was left out, is planned, or is counted otherwise; unless the question asks for just that ("did you miss")."""


def asked_words(item: Item) -> str:
    """The words of the question in every language."""
    return " ".join(item.text.values()).casefold()


def clinical(item: Item) -> bool:
    """Whether it is a measurement that rules or charts read: nothing but known words may stand beside its value."""
    return item.limits is not None or item.usual is not None or item.meter is not None or bool(item.code)


def harmless(rest: str, item: Item, digits: bool = True) -> bool:
    """Whether what stands around a value cannot change it: filler words, and words of the question itself.

    `digits`: whether digits may still be among it (they were read already).
    """
    rest = _PUNCTUATION.sub(" ", _SHORT_VERBS.sub(" ", rest)).strip()
    if not rest:
        return True
    if NEGATIONS.search(rest) or (not digits and any(char.isdigit() for char in rest)):
        return False
    asked = asked_words(item)
    words = set(_LATIN_WORD.findall(asked))
    for word in _LATIN_WORD.findall(rest):
        if word not in FILLER_EN and word not in words:
            return False
    others = FILLER_ZH.sub(" ", _LATIN_WORD.sub(" ", rest)).split()
    return all(piece in asked for piece in others)


def plain_remark(rest: str, asked: str = "") -> bool:
    """Whether a sentence around the only value of an everyday question leaves it as it is ("I gave you 3 of them").

    `asked`: the question's words.
    """
    if any(aside[0][:4] not in asked for aside in _ASIDE.finditer(rest)):
        return False
    rest = _PHRASAL.sub(" ", rest)
    return not (
        _OTHER_SCRIPT.search(rest)
        or NEGATIONS.search(rest)
        or DOUBTFUL.search(rest)
        or any(char.isdigit() or (char.isnumeric() and char.isascii()) for char in rest)
    )
