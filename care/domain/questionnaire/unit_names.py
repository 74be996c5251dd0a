"""How patients spell units, in the normalised form (see text.normalised): one table, one pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TABLE = """
mg/dL     mg/dl | mgdl | mg dl | mg per dl | 毫克/分升 | 毫克每分升
mmol/L    mmol/l | mmoll | mmol l | mmol per l | mmol | mmols | 毫摩尔/升 | 毫摩爾/升 | 毫摩尔每升 | 毫摩爾每升
mmol/L    毫摩尔 | 毫摩爾 | 毫摩/升 | 毫摩
kg        kg | kgs | k.g. | k.g | kilo | kilos | kilogram | kilograms | kilogramme | kilogrammes | 公斤 | 千克
g         g | gs | gm | gms | gram | grams | gramme | grammes | 克
mg        milligram | milligrams | mgs | mg | 毫克
ug        mcg | ug | μg | microgram | micrograms | microgramme | microgrammes | 微克
t         tonne | tonnes | metric ton | metric tons | 吨 | 噸 | 公吨 | 公噸
[lb_av]   lb | lbs | lb. | lbs. | pound | pounds | 磅
[oz_av]   oz | ounce | ounces | 盎司 | 安士
[stone_av] st | stone | stones | 英石
jin       市斤 | 斤
liang     两 | 兩 | 市两 | 市兩
cm        cm | cms | centimeter | centimeters | centimetre | centimetres | 厘米 | 公分 | 釐米
m         m | meter | meters | metre | metres | 米 | 公尺
dm        dm | decimeter | decimeters | 分米
mm        mm | millimeter | millimeters | millimetre | millimetres | 毫米
km        km | kms | kilometer | kilometers | kilometre | kilometres | 公里 | 千米
[in_i]    in | ins | inch | inches | " | '' | 英寸 | 英吋 | 吋 | 寸
[ft_i]    ft | ft. | foot | feet | ' | 英尺 | 呎
[yd_i]    yd | yds | yard | yards | 码 | 碼
[mi_i]    mi | mile | miles | 英里 | 英裏 | 英哩
Cel       °c | º c | ºc | ° c | c | cel | celsius | celcius | centigrade | degrees celsius | degree celsius
Cel       degrees celcius | degrees centigrade | degrees c | deg c | deg. c | deg celsius | °celsius | ° celsius
Cel       摄氏度 | 攝氏度 | 摄氏 | 攝氏 | 度c
[degF]    °f | ºf | ° f | f | fahrenheit | degrees fahrenheit | degree fahrenheit | degrees f | deg f | deg. f
[degF]    deg fahrenheit | °fahrenheit | ° fahrenheit | farenheit | 华氏度 | 華氏度 | 华氏 | 華氏 | 度f
U         u | iu | unit | units | 单位 | 單位 | 个单位 | 個單位
mm[Hg]    mmhg | mm hg | 毫米汞柱 | 毫米水银柱 | 毫米水銀柱
kPa       kpa | 千帕
mL        ml | mls | cc | millilitre | millilitres | milliliter | milliliters | 毫升
L         l | liter | liters | litre | litres | 升 | 公升
[gal_us]  gal | gallon | gallons | 加仑 | 加侖
%         % | percent | per cent | pct
/min      bpm | beats per minute | beats a minute | breaths per minute | per minute | /min | 次/分钟 | 次/分鐘 | 次/分
/min      次每分钟 | 次每分鐘 | 下/分钟 | 下每分钟
s         s | sec | secs | second | seconds | 秒 | 秒钟 | 秒鐘
min       min | mins | minute | minutes | 分钟 | 分鐘
h         h | hr | hrs | hour | hours | 小时 | 小時 | 个小时 | 個小時 | 钟头 | 鐘頭 | 个钟头 | 個鐘頭 | 個鐘 | 个钟
d         d | day | days | day old | days old | 天 | 日 | 天大
wk        wk | wks | week | weeks | weeks old | week old | weeks of age | 周 | 週 | 星期 | 个星期 | 個星期 | 礼拜 | 禮拜
wk        个礼拜 | 個禮拜 | 周大 | 週大
mo        mo | mos | month | months | months old | month old | months of age | 个月 | 個月 | 个月大 | 個月大
a         y | yr | yrs | year | years | yo | y/o | y.o. | years old | year old | years of age | year-old | yrs old
a         岁 | 歲 | 周岁 | 週歲 | 周歲 | 岁大 | 年
"""
_DEGREES = ("degrees", "degree", "deg.", "deg", "°", "º", "度")  # a temperature, but the scale is not said

_BY_SPELLING: dict[str, str] = {
    spelling.strip(): line.split(maxsplit=1)[0]
    for line in _TABLE.strip().splitlines()
    for spelling in line.split(maxsplit=1)[1].split("|")
} | dict.fromkeys(_DEGREES, "")
_LATIN = re.compile(r"[a-z]")

BRIEF = frozenset(["c", "f", "g", "m", "k", "s", "h", "d", "y", "l", "u", "in", "st", "t", "mi", "a"]) | {
    "'",
    '"',
    "''",
}
"""Spellings so short that they may be something else ("2 in april", 13F): units only where nothing else is said."""


def _alternative(spelling: str) -> str:
    """A Latin spelling must not run on into a longer word; a Chinese one may."""
    tail = r"(?![a-z0-9])" if _LATIN.match(spelling[-1]) else ""
    head = r"(?<![a-z])" if _LATIN.match(spelling[0]) else ""
    return head + re.escape(spelling) + tail


def spelled(codes: frozenset[str] | None = None) -> str:
    """A pattern (its source) for the spellings of these units, the longest first; of all of them by default."""
    chosen: Mapping[str, str] = {s: c for s, c in _BY_SPELLING.items() if codes is None or c in codes}
    return "|".join(_alternative(s) for s in sorted(chosen, key=len, reverse=True))


ANY_UNIT = re.compile(spelled())

_OF_DIARIES = frozenset(("mg/dL", "mmol/L", "mg", "kg", "[lb_av]", "jin", "Cel", "[degF]", "U", ""))
SPELLED = re.compile(spelled(_OF_DIARIES))
"""The units of what is measured daily at home: what a text that answers no question is looked through for."""


def unit_named(word: str) -> str:
    """The unit code of a normalised spelling that ANY_UNIT matched; "" when it says a degree without its scale."""
    return _BY_SPELLING[word]


def unit_spelled(word: str) -> str:
    """The same for SPELLED, where mg can only be short for mg/dL."""
    code = _BY_SPELLING[word]
    return "mg/dL" if code == "mg" else code
