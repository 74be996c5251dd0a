"""The words and patterns of a diary kept by text; normalised spelling, English and both Chinese scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from care.domain.questionnaire.units import SPELLED

_KIND_NAMES: Mapping[str, tuple[str, ...]] = {
    "glucose": (
        *("blood glucose", "blood sugar", "glucose", "sugar", "bg", "bs", "血糖值", "血糖"),
        *("blood sugar level", "glucose level", "sugar level", "glucose reading", "sugar reading"),
    ),
    "insulin-regular": (
        *("insulin regular", "regular insulin", "short acting insulin", "short-acting insulin"),
        *("短效胰岛素", "短效胰島素", "普通胰岛素", "普通胰島素", "胰岛素短效", "胰島素短效"),
    ),
    "insulin-nph": ("insulin nph", "nph insulin", "nph", "中效胰岛素", "中效胰島素", "胰岛素中效", "胰島素中效"),
    "insulin-ultralente": (
        *("insulin ultralente", "ultralente insulin", "ultralente", "long acting insulin", "long-acting insulin"),
        *("长效胰岛素", "長效胰島素", "胰岛素长效", "胰島素長效"),
    ),
    "insulin": ("insulin", "胰岛素", "胰島素"),
    "hypoglycaemia-symptom": (
        *("low sugar symptoms", "low sugar symptom", "symptoms of low sugar", "hypo symptoms", "hypoglycemic symptoms"),
        *("hypoglycaemic symptoms", "low blood sugar symptoms", "low sugar", "low blood sugar", "hypo"),
        *("低血糖症状", "低血糖症狀", "低血糖反应", "低血糖反應", "低血糖"),
    ),
    "meal-typical": ("meal typical", "typical meal", "usual meal", "meal usual", "正常进餐", "正常進餐", "正常吃饭"),
    "meal-more": (
        *("meal more than usual", "more food than usual", "ate more than usual", "meal more"),
        *("吃得比平时多", "吃得比平時多", "吃多了"),
    ),
    "meal-less": (
        *("meal less than usual", "less food than usual", "ate less than usual", "meal less"),
        *("吃得比平时少", "吃得比平時少", "吃少了"),
    ),
    "exercise-typical": (
        "exercise typical",
        "typical exercise",
        "usual exercise",
        "exercise usual",
        "正常运动",
        "正常運動",
    ),
    "exercise-more": (
        "exercise more than usual",
        "more exercise than usual",
        "exercise more",
        "运动比平时多",
        "運動比平時多",
    ),
    "exercise-less": (
        "exercise less than usual",
        "less exercise than usual",
        "exercise less",
        "运动比平时少",
        "運動比平時少",
    ),
    "special-event": ("special event", "特殊情况", "特殊情況", "特殊事件"),
}
KINDS: Mapping[str, str] = {name: code for code, names in _KIND_NAMES.items() for name in names}

KIND_SYSTEM = "https://care.invalid/fhir/CodeSystem/diary-entry"
CONTEXT_SYSTEM = "https://care.invalid/fhir/CodeSystem/reading-context"
KIND_DISPLAY = {
    "glucose": "glucose",
    "insulin-regular": "regular insulin",
    "insulin-nph": "NPH insulin",
    "insulin-ultralente": "ultralente insulin",
    "insulin": "insulin",
    "hypoglycaemia-symptom": "low sugar symptoms",
    "meal-typical": "usual meal",
    "meal-more": "more food than usual",
    "meal-less": "less food than usual",
    "exercise-typical": "usual exercise",
    "exercise-more": "more exercise than usual",
    "exercise-less": "less exercise than usual",
    "special-event": "special event",
}

_CONTEXT_NAMES: Mapping[str, tuple[str, ...]] = {
    "before-breakfast": ("before breakfast", "fasting", "早餐前", "早饭前", "早飯前", "空腹"),
    "after-breakfast": ("after breakfast", "早餐后", "早餐後", "早饭后", "早飯後"),
    "before-lunch": ("before lunch", "午餐前", "午饭前", "午飯前", "中饭前"),
    "after-lunch": ("after lunch", "午餐后", "午餐後", "午饭后", "午飯後"),
    "before-supper": ("before supper", "before dinner", "晚餐前", "晚饭前", "晚飯前"),
    "after-supper": ("after supper", "after dinner", "晚餐后", "晚餐後", "晚饭后", "晚飯後"),
    "before-snack": ("before snack", "before a snack", "加餐前"),
}
CONTEXTS: Mapping[str, str] = {name: code for code, names in _CONTEXT_NAMES.items() for name in names}


def _any_of(names: Mapping[str, str]) -> re.Pattern[str]:
    """Any of the names, the longest first; a Latin one only as whole words (a number may follow at once: bg58)."""
    latin = sorted((re.escape(name) for name in names if name.isascii()), key=len, reverse=True)
    han = sorted((re.escape(name) for name in names if not name.isascii()), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(latin)})(?![a-z])|{'|'.join(han)}")


KIND = _any_of(KINDS)
CONTEXT = _any_of(CONTEXTS)
UNKNOWN_KIND = re.compile(r"\bcode [0-9]{1,3}\b")

DATE_US = re.compile(r"(?<![0-9])(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})-(?P<y>[0-9]{4})(?![0-9])")
DATE_ISO = re.compile(r"(?<![0-9])(?P<y>[0-9]{4})[-/](?P<m>[0-9]{1,2})[-/](?P<d>[0-9]{1,2})(?![0-9])")
DATE_ZH = re.compile(r"(?:(?P<y>[0-9]{4})年)?(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})[日号號]?")
DATE_EITHER = re.compile(r"(?<![0-9])(?P<a>[0-9]{1,2})/(?P<b>[0-9]{1,2})/(?P<y>[0-9]{4})(?![0-9])")
RELATIVE_DAY = re.compile(r"(?P<today>\btoday\b|今天|今日|今早)|\byesterday\b|昨天|昨日|琴日|尋日")
CLOCK = re.compile(
    r"(?P<part>早上|上午|中午|下午|晚上|傍晚)?"
    r"(?:(?<![0-9])(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2}|0)(?::[0-9]{2})?(?![0-9]) ?(?P<half>[ap]m\b)?"
    r"|(?<![0-9])(?P<zh_h>[0-9]{1,2})[点點时時](?:(?P<zh_half>半)|(?P<zh_m>[0-9]{1,2})分?)?)"
)

# What may stand around a value without changing it. Anything else leaves the text to a person.
FILLER = re.compile(
    r"\b(?:my|is|was|at|on|the|a|of|it|it's|it is|now|just|morning|this|took|taken|had|i|reading|level|and|dose)\b"
    r"|我的|我|是|为|為|了|在|刚才|剛才|刚刚|剛剛|现在|現在|测得|測得|测了|測了|打了|注射了?|早上|上午|中午|下午|晚上|的|有"
    r"|餐前|餐后|餐後|饭前|饭后|飯前|飯後|睡前|\b(?:before|after) (?:bed|a meal|meals?)\b|\bbedtime\b"
    r"|[\s=:,,;。!]+|\.(?![0-9])"
)
GLUCOSE_UNIT = re.compile(r"mg ?/?dl|mmol|毫摩|毫克/分升")
VALUE = re.compile(
    rf"(?P<number>[0-9]{{1,6}}(?:[.·。点點][0-9]{{1,3}})?)(?: ?(?P<unit>{SPELLED.pattern}))?"
    r"|0?(?P<limit>lo|low|hi|high|偏低|太低|低|偏高|太高|高)"
)
