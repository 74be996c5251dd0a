"""Requests put in a whole sentence: to hear a question again, or to be written to in another language.

A sentence is one only where every word of it belongs to such a request: "can you repeat that please" does, "it hurts
again" does not.
"""

from __future__ import annotations

import re


def _listed(table: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", table))


_ENGLISH = frozenset(("english",))
_CHINESE = {
    "chinese": "zh",
    "mandarin": "zh-Hans",
    "putonghua": "zh-Hans",
    "cantonese": "zh-Hant",
    **dict.fromkeys(("中文", "汉语", "漢語", "华语", "華語"), "zh"),
    **dict.fromkeys(("简体", "簡體", "简体中文", "簡體中文", "普通话", "普通話"), "zh-Hans"),
    **dict.fromkeys(("繁体", "繁體", "繁体中文", "繁體中文", "广东话", "廣東話", "粤语", "粵語"), "zh-Hant"),
    **dict.fromkeys(("英文", "英语", "英語"), "en"),
}
_OTHERS = _listed("""
    spanish french german italian portuguese russian arabic hindi urdu bengali punjabi tamil telugu gujarati
    japanese korean vietnamese thai tagalog filipino malay indonesian turkish polish ukrainian romanian greek
    dutch swedish norwegian danish finnish czech hungarian hebrew persian farsi swahili somali amharic navajo
    latin creole español espanol français francais deutsch italiano português portugues русский العربية हिन्दी 日本語
    日文 한국어
""")
_POLITE = _listed("""
    a again all and are am ai at can could do from for from get give hey hi i i'd i'll i'm im if in instead into
    is it let let's lets like me my need now of ok okay on our please put set start sorry take thank thanks that
    the then there this to us we want will with would you your yourself
""")
_AGAIN = _listed("""
    ask asked catch catched could did didn't didnt don't excuse hear heard hold just last missed more needing one
    over know louder may mind pardon phrase question repeat repeated repeating rephrase response restate said say
    saying sentence tell thing time told was what what's words were
""")
_LANGUAGE = _listed("""
    alter chat change changing choose default different edit language languages modify new only other prefer reply
    respond response responses settings setting speak speaking switch switching talk talking text understand use
    using write writing have another each going over as being be must so go ahead now
""")
_REPEATS = re.compile(
    r"\b(?:repeat\w*|restate|rephrase|say (?:it|that)(?: \w+)? (?:again|over)|(?:hear|say|ask|asked) .*again"
    r"|ask me again|one more time|(?:didn't|did not|didnt|don't|missed) (?:hear|get|catch|what)|missed what"
    r"|say that over|what (?:was|were|did|is) .*(?:question|say|said|ask|asked))\b"
)
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_REPEATS_ZH = re.compile(
    r"(?:请|請|可以|能|能不能|可不可以|可唔可以|麻烦|麻煩|唔该|你|您|把|刚才的|剛才的|问题|問題)*"
    r"(?:再|重新)(?:说|說|问|問|讲|講|发|發|来|來|重复|重複)(?:多)?(?:一)?(?:次|遍|下)(?:问题|問題)?(?:吗|嗎|吧|好吗|好嗎|呀|啊|啦)*"
)
_LANGUAGE_ZH = re.compile(
    r"(?:请|請|可以|可不可以|可唔可以|能|能不能|麻烦|麻煩|唔该|你|您|我|们|們|想|要|以后|以後|同我|跟我|对我|對我)*"
    r"(?:用|说|說|讲|講|写|寫|看|换成|換成|改成|改用|转成|轉成|切换到|切換到|换|換|改|转|轉)?"
    rf"(?P<language>{'|'.join(sorted((word for word in _CHINESE if not word.isascii()), key=len, reverse=True))})"
    r"(?:回复|回覆|说|說|讲|講|写|寫|问|問|发|發|给我|給我|版|可以)*(?:吗|嗎|吧|好吗|好嗎|呀|啊|啦|得唔得)*"
)


def asks_again(plain: str) -> bool:
    """Whether a normalised text without final punctuation asks to hear the question again, and says nothing else."""
    if _REPEATS_ZH.fullmatch(plain):
        return True
    words = _WORD.findall(plain)
    known = all(word in _POLITE or word in _AGAIN for word in words)
    return bool(words) and plain.isascii() and known and _REPEATS.search(plain) is not None


def asked_language(plain: str) -> str | None:
    """The language that a normalised text asks for: en, zh, zh-Hans, zh-Hant, "" for one that we do not write or that
    is not named; None where the text asks for none.
    """
    chinese = _LANGUAGE_ZH.fullmatch(plain)
    if chinese:
        return _CHINESE[chinese["language"]]
    words = _WORD.findall(plain)
    named = [word for word in words if word in _ENGLISH or word in _CHINESE or word in _OTHERS]
    rest = [word for word in words if word not in named]
    if not all(word in _POLITE or word in _LANGUAGE for word in rest):
        return None
    if not named:
        return "" if "language" in rest and len(rest) > 1 else None
    asked = named[-1] if "instead" not in rest else named[0]
    if not rest and asked not in _OTHERS:
        return None  # the name alone is a command of its own
    return "en" if asked in _ENGLISH else _CHINESE.get(asked, "")
