"""A form with something of everything that a page must draw, in two languages, and a protocol that asks it each day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from care.library import Seed, seeds, sha256_of

CORE = "http://hl7.org/fhir/StructureDefinition/"
TRANSLATION = CORE + "translation"
FORM = "https://care.invalid/fhir/Questionnaire/evening-check"
PROTOCOL = "https://care.invalid/fhir/PlanDefinition/evening-check"
WORDS = {
    "Evening check": "晚间检查",
    "How was your day, and your medicines": "今天感觉如何，用药情况",
    "A few questions about today. It takes about two minutes.": "几个关于今天的问题，大约需要两分钟。",
    "Did you have any pain today?": "今天有没有疼痛？",
    "How strong was it at its worst?": "最痛的时候有多痛？",
    "no pain": "不痛",
    "worst pain imaginable": "能想到的最痛",
    "Where did it hurt?": "哪里痛？",
    "Head": "头",
    "Chest": "胸口",
    "Back": "背",
    "Nowhere in particular": "说不清",
    "What is your temperature?": "您的体温是多少？",
    "Measured in the ear or the mouth": "在耳朵或口腔测量",
    "How did you sleep?": "睡得怎么样？",
    "Well": "好",
    "So so": "一般",
    "Badly": "不好",
    "Medicine": "药物",
    "Name of the medicine": "药名",
    "Did you take it today?": "今天吃了吗？",
    "Why not?": "为什么没吃？",
    "A photo of the wound, if there is one": "如有伤口，请拍照",
    "When is your next visit?": "下次复诊是哪天？",
    "Anything else we should know?": "还有什么想告诉我们的？",
}


def _in_chinese(element: dict[str, Any], name: str) -> dict[str, Any]:
    words = WORDS[element[name]]
    extension = {
        "url": TRANSLATION,
        "extension": [{"url": "lang", "valueCode": "zh-Hans"}, {"url": "content", "valueString": words}],
    }
    return {**element, f"_{name}": {"extension": [extension]}}


def _item(link_id: str, kind: str, text: str, **more: Any) -> dict[str, Any]:
    return _in_chinese({"linkId": link_id, "type": kind, "text": text, **more}, "text")


def _option(code: str, display: str, **more: Any) -> dict[str, Any]:
    return {"valueCoding": _in_chinese({"system": "urn:evening", "code": code, "display": display}, "display"), **more}


def _control(code: str) -> dict[str, Any]:
    return {"url": CORE + "questionnaire-itemControl", "valueCodeableConcept": {"coding": [{"code": code}]}}


def _unit(code: str, display: str) -> dict[str, Any]:
    coding = {"system": "http://unitsofmeasure.org", "code": code, "display": display}
    return {"url": CORE + "questionnaire-unitOption", "valueCoding": coding}


def _degrees(end: str, value: float) -> dict[str, Any]:
    url = f"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-{end}Quantity"
    quantity = {"value": value, "unit": "°C", "system": "http://unitsofmeasure.org", "code": "Cel"}
    return {"url": url, "valueQuantity": quantity}


def _when(question: str, value: bool) -> list[dict[str, Any]]:
    return [{"question": question, "operator": "=", "answerBoolean": value}]


def document() -> dict[str, Any]:
    """The questionnaire."""
    ends = [
        _item("low-end", "display", "no pain", extension=[_control("lower")]),
        _item("high-end", "display", "worst pain imaginable", extension=[_control("upper")]),
    ]
    slider = [
        _control("slider"),
        {"url": CORE + "minValue", "valueInteger": 0},
        {"url": CORE + "maxValue", "valueInteger": 10},
    ]
    where = [
        _option("head", "Head"),
        _option("chest", "Chest"),
        _option("back", "Back"),
        _option(
            "none",
            "Nowhere in particular",
            extension=[{"url": CORE + "questionnaire-optionExclusive", "valueBoolean": True}],
        ),
    ]
    sleep = [_option("well", "Well"), _option("so-so", "So so"), _option("badly", "Badly")]
    measured = _item("how", "display", "Measured in the ear or the mouth", extension=[_control("help")])
    medicine = [
        _item("name", "string", "Name of the medicine", required=True, maxLength=80),
        _item("taken", "boolean", "Did you take it today?", required=True),
        _item("why-not", "string", "Why not?", enableWhen=_when("taken", False)),
    ]
    items = [
        _item("intro", "display", "A few questions about today. It takes about two minutes."),
        _item("pain", "boolean", "Did you have any pain today?", required=True),
        _item(
            "strength",
            "integer",
            "How strong was it at its worst?",
            extension=slider,
            enableWhen=_when("pain", True),
            required=True,
            item=ends,
        ),
        _item(
            "where", "choice", "Where did it hurt?", repeats=True, answerOption=where, enableWhen=_when("pain", True)
        ),
        _item(
            "temperature",
            "quantity",
            "What is your temperature?",
            extension=[
                _unit("Cel", "°C"),
                _unit("[degF]", "°F"),
                _degrees("min", 30),
                _degrees("max", 45),
            ],
            item=[measured],
        ),
        _item("sleep", "choice", "How did you sleep?", answerOption=sleep),
        _item("medicine", "group", "Medicine", repeats=True, item=medicine),
        _item("photo", "attachment", "A photo of the wound, if there is one"),
        _item("visit", "date", "When is your next visit?"),
        _item("else", "text", "Anything else we should know?", maxLength=500),
    ]
    head = {"resourceType": "Questionnaire", "url": FORM, "version": "1", "status": "active", "language": "en"}
    return _in_chinese({**head, "title": "Evening check", "item": items}, "title")


def _until_the_night(extension: dict[str, Any]) -> dict[str, Any]:
    """Twenty hours to answer in, so that it is open in every zone of the tests."""
    late = {"value": 20, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
    return {**extension, "valueDuration": late} if extension["url"].endswith("expires-after") else extension


def own_seeds() -> list[Seed]:
    """What ships, and this form with its protocol."""
    shipped = seeds()
    pattern = next(seed.document for seed in shipped if seed.url.endswith("PlanDefinition/heart-failure-daily"))
    action = {
        **pattern["action"][0],
        "definitionCanonical": f"{FORM}|1",
        "title": "How was your day, and your medicines",
    }
    action = {key: value for key, value in action.items() if key != "_title"}
    plan = {**pattern, "url": PROTOCOL, "version": "1", "action": [_in_chinese(action, "title")]}
    return [*shipped, seed("Questionnaire", document()), seed("PlanDefinition", plan)]


def seed(kind: str, made: Mapping[str, Any]) -> Seed:
    """A document as something that can be published."""
    return Seed(kind, made["url"], made["version"], made, sha256_of(made))
