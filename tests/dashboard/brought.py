"""A questionnaire as a hospital would bring it: R4, English with a Chinese translation, a bit of everything."""

from __future__ import annotations

import json
from typing import Any

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
URL = "https://hospital.example/fhir/Questionnaire/after-surgery"


def said(name: str, english: str, chinese: str) -> dict[str, Any]:
    """A text with its translation."""
    parts = [{"url": "lang", "valueCode": "zh-Hans"}, {"url": "content", "valueString": chinese}]
    return {name: english, f"_{name}": {"extension": [{"url": TRANSLATION, "extension": parts}]}}


def option(code: str, english: str, chinese: str) -> dict[str, Any]:
    """One coded option."""
    return {"valueCoding": {"system": "urn:hospital:pain", "code": code, **said("display", english, chinese)}}


def asked(link_id: str, kind: str, english: str, chinese: str, **more: Any) -> dict[str, Any]:
    """One item."""
    return {"linkId": link_id, "type": kind, **said("text", english, chinese), **more}


def when(question: str, **expected: Any) -> list[dict[str, Any]]:
    """One condition."""
    return [{"question": question, "operator": "=", **expected}]


PAIN = [
    option("none", "No pain", "不痛"),
    option("mild", "Mild, I hardly notice it", "轻微，几乎感觉不到"),
    option("moderate", "Moderate, it keeps me from some things", "中等，有些事做不了"),
    option("severe", "Severe, it is all I can think of", "剧烈，什么也做不了"),
]
FORM: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "url": URL,
    "version": "1.0.0",
    "language": "en",
    "status": "draft",
    **said("title", "After your operation", "手术之后"),
    "item": [
        asked("intro", "display", "This takes two minutes.", "只需两分钟。"),
        asked("pain", "choice", "How is your pain today?", "您今天痛得怎么样？", required=True, answerOption=PAIN),
        asked(
            "where",
            "string",
            "Where does it hurt most?",
            "哪里最痛？",
            maxLength=80,
            enableWhen=when("pain", answerCoding={"system": "urn:hospital:pain", "code": "severe"}),
        ),
        asked(
            "wound",
            "group",
            "Your wound",
            "您的伤口",
            item=[
                asked("red", "boolean", "Is the skin around it red or hot?", "伤口周围的皮肤发红或发热吗？"),
                asked("fever", "boolean", "Did you have a fever?", "您发烧了吗？", required=True),
                asked(
                    "temperature",
                    "decimal",
                    "What was the highest temperature, in °C?",
                    "最高多少度（°C）？",
                    enableWhen=when("fever", answerBoolean=True),
                    extension=[
                        {"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueDecimal": 34},
                        {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueDecimal": 43},
                    ],
                ),
            ],
        ),
        asked("since", "date", "When did you last see your surgeon?", "您上次见外科医生是哪天？"),
        asked("more", "text", "Anything else we should know?", "还有什么要告诉我们的吗？"),
    ],
}


def file(**changes: Any) -> bytes:
    """The form as a file."""
    return json.dumps({**FORM, **changes}, ensure_ascii=False).encode()
