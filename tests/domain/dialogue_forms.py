"""Small forms of our own, in three languages, that the dialogues of tests/cases/dialogues are held about."""

from __future__ import annotations

from functools import cache
from typing import Any

from care.domain.questionnaire import NO_TOOLS, Questionnaire, read_questionnaire
from care.domain.questionnaire.extensions import (
    MAX_QUANTITY,
    MIN_QUANTITY,
    OPTION_EXCLUSIVE,
    TRANSLATION,
    UNIT_OPTION,
    USUAL_RANGE,
)

Words = tuple[str, str, str]
"""English, simplified and traditional Chinese."""


def translated(name: str, words: Words) -> dict[str, Any]:
    """A string element with its translations."""
    both = zip(("zh-Hans", "zh-Hant"), words[1:], strict=True)
    extensions = [
        {
            "url": TRANSLATION,
            "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": text}],
        }
        for language, text in both
    ]
    return {name: words[0], f"_{name}": {"extension": extensions}}


def item(link_id: str, kind: str, words: Words, **more: Any) -> dict[str, Any]:
    """One item."""
    return {"linkId": link_id, "type": kind, **translated("text", words), **more}


def option(code: str, words: Words, **more: Any) -> dict[str, Any]:
    """One option, a coding."""
    return {"valueCoding": {"system": "urn:test", "code": code, **translated("display", words)}, **more}


def form(name: str, words: Words, *items: dict[str, Any]) -> dict[str, Any]:
    """A FHIR Questionnaire."""
    return {
        "resourceType": "Questionnaire",
        "url": f"urn:dialogues:{name}",
        "version": "1",
        "status": "active",
        **translated("title", words),
        "item": list(items),
    }


def _degrees(low: float, high: float) -> tuple[dict[str, Any], ...]:
    def quantity(value: float) -> dict[str, Any]:
        return {"value": value, "unit": "°C", "system": "http://unitsofmeasure.org", "code": "Cel"}

    return (
        {"url": UNIT_OPTION, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "Cel", "display": "°C"}},
        {"url": UNIT_OPTION, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "[degF]", "display": "°F"}},
        {"url": MIN_QUANTITY, "valueQuantity": quantity(low)},
        {"url": MAX_QUANTITY, "valueQuantity": quantity(high)},
        {"url": USUAL_RANGE, "valueRange": {"low": quantity(35.0), "high": quantity(42.0)}},
    )


TEMPERATURE = item(
    "temperature",
    "quantity",
    ("What is your temperature now?", "您现在的体温是多少？", "您現在的體溫是多少？"),
    required=True,
    extension=list(_degrees(34, 43)),
)
PAIN = item(
    "pain",
    "choice",
    ("How much pain do you have?", "您的疼痛程度如何？", "您的疼痛程度如何？"),
    required=True,
    answerOption=[
        option("p0", ("0 - None", "0 - 没有", "0 - 沒有")),
        option("p1", ("1 - Mild", "1 - 轻微", "1 - 輕微")),
        option("p2", ("2 - Severe", "2 - 严重", "2 - 嚴重")),
    ],
)
SYMPTOMS = item(
    "symptoms",
    "choice",
    ("Which of these do you have?", "您有以下哪些情况？", "您有以下哪些情況？"),
    required=True,
    repeats=True,
    answerOption=[
        option("cough", ("Cough", "咳嗽", "咳嗽")),
        option("rash", ("Rash", "皮疹", "皮疹")),
        option("swelling", ("Swelling", "肿胀", "腫脹")),
        option(
            "none",
            ("None of these", "都没有", "都沒有"),
            extension=[{"url": OPTION_EXCLUSIVE, "valueBoolean": True}],
        ),
    ],
)
SINCE = item(
    "since",
    "date",
    ("Since when do you have the rash?", "皮疹是从哪天开始的？", "皮疹是從哪天開始的？"),
    required=True,
    enableWhen=[
        {"question": "symptoms", "operator": "=", "answerCoding": {"system": "urn:test", "code": "rash"}},
    ],
)
NOTE = item("note", "text", ("Anything else we should know?", "还有什么要告诉我们的吗？", "還有甚麼要告訴我們的嗎？"))
FEVER = form(
    "fever",
    ("Symptom check", "症状检查", "症狀檢查"),
    {
        **item("now", "group", ("About the last 24 hours", "关于过去24小时", "關於過去24小時")),
        "item": [
            item("calm", "display", ("Rest for five minutes first.", "请先休息五分钟。", "請先休息五分鐘。")),
            TEMPERATURE,
            PAIN,
            SYMPTOMS,
            SINCE,
        ],
    },
    NOTE,
)

WHERE = item(
    "where",
    "open-choice",
    ("Where does it hurt most?", "哪里最痛？", "哪裏最痛？"),
    required=True,
    answerOption=[
        option("head", ("Head", "头", "頭")),
        option("back", ("Back", "背", "背")),
        option("knee", ("Knee", "膝盖", "膝蓋")),
    ],
)
TIMES = item(
    "times", "integer", ("How often did you get up at night?", "夜里起来几次？", "夜裏起來幾次？"), required=True
)
PHOTO = item("photo", "attachment", ("A photo of the wound", "伤口照片", "傷口照片"))
ALLERGIES = item(
    "allergies",
    "string",
    ("What are you allergic to?", "您对什么过敏？", "您對甚麼過敏？"),
    repeats=True,
)
VISIT = form("visit", ("After your visit", "就诊之后", "覆診之後"), WHERE, TIMES, PHOTO, ALLERGIES)
WOUND = form(
    "wound",
    ("Your wound", "您的伤口", "您的傷口"),
    {**PHOTO, "required": True},
    item("itches", "boolean", ("Does it itch?", "会痒吗？", "會癢嗎？"), required=True),
)

_CITIES = """
    Aberdeen Bath Birmingham Bradford Brighton Bristol Cambridge Canterbury Cardiff Carlisle Chelmsford Chester
    Chichester Coventry Derby Dundee Durham Edinburgh Ely Exeter Glasgow Gloucester Hereford Inverness Lancaster Leeds
    Leicester Lichfield Lincoln Liverpool London Manchester Newcastle Newport Norwich Nottingham Oxford Perth Plymouth
    Portsmouth Preston Ripon Rochester Salford Salisbury Sheffield Southampton Stirling Swansea Truro Wakefield Wells
"""
TOWN = form(
    "town",
    ("Where you live", "您住在哪里", "您住在哪裏"),
    item(
        "town",
        "choice",
        ("In which town do you live?", "您住在哪个城市？", "您住在哪個城市？"),
        required=True,
        answerOption=[option(name.lower(), (name, name, name)) for name in _CITIES.split()],
    ),
    item("alone", "boolean", ("Do you live alone?", "您一个人住吗？", "您一個人住嗎？"), required=True),
)

MEDICINES = form(
    "medicines",
    ("Your medicines", "您的药", "您的藥"),
    {
        **item("medicine", "group", ("Medicine", "药物", "藥物"), repeats=True, required=True),
        "item": [
            item("name", "string", ("Which medicine did you take?", "您吃了什么药？", "您吃了甚麼藥？"), required=True),
            item("tablets", "integer", ("How many tablets?", "吃了几片？", "吃了幾粒？"), required=True),
        ],
    },
    item("sick", "boolean", ("Did it make you feel sick?", "吃药后恶心吗？", "吃藥後噁心嗎？"), required=True),
)


@cache
def forms() -> dict[str, Questionnaire]:
    """The forms by their short name."""
    found = (FEVER, VISIT, WOUND, TOWN, MEDICINES)
    return {str(one["url"]).rpartition(":")[2]: read_questionnaire(one, NO_TOOLS) for one in found}
