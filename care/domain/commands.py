"""What a patient may say about the conversation itself, as the whole text: back, skip, later, again, change 3, English.

STOP, START, HELP and the wish for a person are not here: those are the safety screen's, in any state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from care.domain.questionnaire.text import TRAILING, normalised
from care.domain.questionnaire.words import BACK, SKIP
from care.domain.requests import asked_language, asks_again

Kind = Literal["back", "number", "instead", "skip", "later", "again", "more", "how", "language"]


def _words(table: str) -> frozenset[str]:
    return frozenset(entry.strip() for entry in table.replace("\n", "|").split("|") if entry.strip())


LATER = _words("""
    later | pause | remind me later | ask me later | wait | do it later | i will do it later | i'll do it later
    continue later | finish later | tomorrow please | 稍后 | 稍後 | 等一下 | 等下 | 等会 | 等会儿 | 等會
    等會兒 | 待会 | 待會 | 晚点 | 晚點 | 暂停 | 暫停 | 以后再说 | 以後再說 | 先不答 | 稍后再答 | 稍後再答
    晚点再答 | 晚點再答 | 没空 | 沒空 | 唔得闲 | 唔得閒 | 遲啲 | 遲啲先 | 等陣 | 轉頭先
""")
AGAIN = _words("""
    what | huh what | 什么 | 什麼 | 甚麼 | 咩 | 咩话 | 咩話 | again | repeat | repeat please | please repeat
    once more | one more time | say again | say that again | continue | resume | go on | carry on | 继续 | 繼續
    继续答 | 繼續答 | 接着答 | 接著答 | repeat the question | repeat question | what was the question
    what is the question | what's the question | pardon | 再说一遍 | 再說一遍 | 再说一次 | 再說一次 | 再发一次
    再發一次 | 再发一遍 | 再發一遍 | 再来一次 | 再來一次 | 重复 | 重複 | 重发 | 重發 | 重复问题 | 重複問題
    重复一遍 | 重複一遍 | 再问一次 | 再問一次 | 什么问题 | 什麼問題 | 甚麼問題 | 再講一次 | 講多次 | 講多一次
""")
MORE = _words("""
    more | show more | more options | more choices | other options | others | rest | the rest | see more | 更多
    更多选项 | 更多選項 | 其他选项 | 其他選項 | 其余 | 其餘 | 还有呢 | 還有呢 | 显示更多 | 顯示更多 | 再多啲
""")
HOW = _words("""
    ? | ?? | ??? | how | how do i answer | how to answer | how do i reply | what do i do | what should i write
    what do i write | i don't understand | i do not understand | don't understand | huh | 怎么答 | 怎麼答
    怎么回答 | 怎麼回答 | 怎么回复 | 怎麼回覆 | 怎么填 | 怎麼填 | 不懂 | 看不懂 | 不明白 | 什么意思 | 什麼意思
    甚麼意思 | 唔明 | 唔明白 | 點答 | 點樣答 | 點填 | 咩意思
""")
AGREED = _words("ok | okay | ok. | 好 | 好的 | 好呀 | 好啊 | 得 | 👌")
_LANGUAGES = {
    "en": _words("""
        english | in english | english please | speak english | switch to english | change to english
        i want english | use english | language english | 英文 | 英语 | 英語 | 说英语 | 說英語 | 讲英文 | 講英文
        用英文 | 用英语 | 用英語 | 我要英文 | 改英文 | 换英文 | 換英文 | 改成英文 | 换成英文 | 換成英文
    """),
    "zh": _words("""
        chinese | in chinese | chinese please | speak chinese | switch to chinese | change to chinese
        language chinese | use chinese | i want chinese | 中文 | 汉语 | 漢語 | 华语 | 華語 | 说中文 | 說中文
        讲中文 | 講中文 | 用中文 | 我要中文 | 改中文 | 换中文 | 換中文 | 改成中文 | 换成中文 | 換成中文 | zh
        zhongwen
    """),
    "zh-Hans": _words("""
        simplified | simplified chinese | mandarin | putonghua | 简体 | 简体中文 | 简体字 | 簡體 | 簡體中文
        簡體字 | 简中 | 普通话 | 普通話 | 国语 | 換簡體 | 换简体 | 用简体
    """),
    "zh-Hant": _words("""
        traditional | traditional chinese | cantonese | 繁体 | 繁体中文 | 繁体字 | 繁體 | 繁體中文 | 繁體字
        正體 | 正體中文 | 繁中 | 廣東話 | 广东话 | 粤语 | 粵語 | 國語 | 换繁体 | 換繁體 | 用繁體
    """),
}
LANGUAGE_BY_WORD = {word: language for language, words in _LANGUAGES.items() for word in words}
_TRADITIONAL_ZONES = frozenset(("Asia/Hong_Kong", "Asia/Taipei", "Asia/Macau"))

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九十")}
_NUMBERED = re.compile(
    r"(?:(?:change|correct|edit|fix|redo)(?: my| the)?(?: answer)?(?: of)?|(?:go )?back to|go to)"
    r"(?: question| no\.?| number| q| #)* ?#?([0-9]{1,3})"
    r"|我?(?:想|要)?(?:更改|更正|修改|改正|改一下|改|重答|重做|返回|回到|返去)(?:问题|問題)?第? ?"
    r"([0-9]{1,3}|[一二三四五六七八九十]{1,3})"
    r" ?(?:题|題|个|個|项|項|问|問|条|條)?(?:问题|問題)?"
)
_INSTEAD = re.compile(
    r"(?:no[,.;:]? |sorry[,.;:]? |wrong[,.;:]? |oops[,.;:]? )?"
    r"(?:change (?:it |that |this )?to|correct(?:ion)?(?: it| that)?(?: to|:)|(?:it )?should (?:be|say)|i meant|i mean)"
    r"[: ] ?(?P<en>\S.*)"
    r"|(?:不对|不對|错了|錯了|唔啱)?[,.。 ]?"
    r"(?:改成|改为|改為|改做|改返|更正为|更正為|应该是|應該是|應該係|应为|應為)[:， ]?(?P<zh>\S.*)"
)


@dataclass(frozen=True, slots=True)
class Command:
    """`number`: of the question that is to be changed; `rest`: what is said instead; `language`: en, zh, zh-Hans …, or
    "" for one that we do not write. `loose`: a sentence, which to a question that takes any words is an answer.
    """

    kind: Kind
    number: int = 0
    rest: str = ""
    language: str = ""
    loose: bool = False


_BY_WORD: dict[str, Command] = {
    **{word: Command("language", language=language) for word, language in LANGUAGE_BY_WORD.items()},
    **{word: Command("later") for word in LATER},
    **{word: Command("again") for word in AGAIN},
    **{word: Command("more") for word in MORE},
    **{word: Command("how") for word in HOW},
    **{word: Command("skip") for word in SKIP},
    **{word: Command("back") for word in BACK},
}


def command_in(text: str) -> Command | None:
    """What the whole text commands; None for anything else. "?" alone asks how to answer."""
    if len(text) > 100:
        return None
    whole = normalised(text)
    plain = whole.rstrip(TRAILING)
    if not plain:
        return Command("how") if "?" in whole else None
    found = _BY_WORD.get(plain)
    if found is not None:
        return found
    numbered = _NUMBERED.fullmatch(plain)
    if numbered:
        return Command("number", number=_value(numbered[1] or numbered[2]))
    instead = _INSTEAD.fullmatch(whole)
    if instead:
        return Command("instead", rest=(instead["en"] or instead["zh"]).strip())
    language = asked_language(plain)
    if language is not None:
        return Command("language", language=language, loose=True)
    return Command("again", loose=True) if asks_again(plain) else None


def _value(numeral: str) -> int:
    """3, 三, 十二, 二十三."""
    if numeral.isdecimal():
        return int(numeral)
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return int("".join(str(_DIGITS[char]) for char in numeral))
    return (_DIGITS.get(tens, 1) if len(tens) < 2 else 0) * 10 + (_DIGITS.get(ones, 0) if len(ones) < 2 else 0)


def script(language: str, now: str, zone: str) -> str:
    """The language that a word for one means: 中文 keeps the script that is used now, else goes by where one lives."""
    if language != "zh":
        return language
    if now.startswith("zh"):
        return now
    return "zh-Hant" if zone in _TRADITIONAL_ZONES else "zh-Hans"
