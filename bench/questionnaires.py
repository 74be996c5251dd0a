"""questionnaires: the next question of a 300-item form, and a patient's text read as an answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from care.domain.questionnaire import (
    Answer,
    Item,
    Option,
    Questionnaire,
    Unclear,
    answered,
    next_item,
    read_answer,
    read_questionnaire,
)
from care.domain.questionnaire.model import Span
from care.library.tools import questionnaire_tools

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
SECTIONS, QUESTIONS = 30, 8
BODY = Span(34.0, 43.0, "Cel")
TEXTS: tuple[tuple[Item, str, str], ...] = (
    (Item("b", "boolean", {"": "Any pain?"}), "en", "no, not today"),
    (Item("b", "boolean", {"": "疼吗？"}), "zh-Hans", "没有啊"),
    (Item("n", "integer", {"": "How many?"}), "en", "about twenty-five"),
    (Item("n", "integer", {"": "多少次？"}), "zh-Hans", "两百五十次"),
    (Item("t", "quantity", {"": "Temperature"}, units=("Cel", "[degF]"), usual=BODY), "en", "38.5 C"),
    (Item("t", "quantity", {"": "体温"}, units=("Cel", "[degF]"), usual=BODY), "zh-Hans", "三十八度五"),
    (Item("d", "date", {"": "Since when?"}), "en", "last Friday"),
    (Item("d", "date", {"": "什么时候？"}), "zh-Hans", "三天前"),
    (Item("m", "dateTime", {"": "When?"}), "en", "yesterday evening at 8"),
    (
        Item(
            "c",
            "choice",
            {"": "How bad?"},
            options=tuple(
                Option("coding", {"": text}, code=code, system="urn:c")
                for code, text in (("0", "None"), ("1", "Mild"), ("2", "Moderate"), ("3", "Severe"))
            ),
        ),
        "en",
        "moderat",
    ),
)


def run(quick: bool) -> dict[str, object]:
    """Milliseconds, medians and 95th percentiles, of every question of a walk and of every text."""
    rounds = 20 if quick else 200
    found: dict[str, object] = {}
    forms = {"next": _plain(), "next_with_expressions": _computed("linkId = '{}'")}
    for name, form in forms.items():
        took = _walk(form)
        found |= {f"{name}_items": len(form.items), f"{name}_ms": _median(took), f"{name}_p95_ms": _p95(took)}
    took = [one for item, language, text in TEXTS for one in _reading(item, language, text, rounds)]
    found |= {"read_ms": _median(took), "read_p95_ms": _p95(took), "texts": len(TEXTS)}
    return found


def _median(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1_000, 3)


def _p95(seconds: list[float]) -> float:
    return round(statistics.quantiles(seconds, n=20)[-1] * 1_000, 3)


def _timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = act()
    return time.perf_counter() - began, made


def _plain() -> Questionnaire:
    """300 questions, each asked only after the one before it was answered with yes."""
    items = [{"linkId": "0", "type": "boolean", "text": "Question 0"}]
    for n in range(1, 300):
        after = {"question": str(n - 1), "operator": "=", "answerBoolean": True}
        items.append({"linkId": str(n), "type": "boolean", "text": f"Question {n}", "enableWhen": [after]})  # type: ignore[dict-item]
    return read_questionnaire({"resourceType": "Questionnaire", "item": items})


def _computed(which: str) -> Questionnaire:
    """Thirty sections of eight numbers, their sum, and a question that is asked only where the sum is large."""

    def extension(name: str, text: str) -> list[dict[str, Any]]:
        return [{"url": SDC + name, "valueExpression": {"language": "text/fhirpath", "expression": text}}]

    def value(link_id: str) -> str:
        return f"%resource.descendants().where({which.format(link_id)}).answer.value"

    sections = []
    for section in range(SECTIONS):
        names = [f"{section}.{n}" for n in range(QUESTIONS)]
        asked = [{"linkId": name, "type": "integer", "text": name} for name in names]
        total = {
            "linkId": f"{section}.sum",
            "type": "integer",
            "readOnly": True,
            "extension": extension("calculatedExpression", " + ".join(map(value, names))),
        }
        why = {
            "linkId": f"{section}.why",
            "type": "string",
            "text": "Why?",
            "extension": extension("enableWhenExpression", value(f"{section}.sum") + " > 20"),
        }
        sections.append({"linkId": str(section), "type": "group", "item": [*asked, total, why]})
    return read_questionnaire({"resourceType": "Questionnaire", "item": sections}, questionnaire_tools())


def _walk(form: Questionnaire) -> list[float]:
    """Seconds of each next_item from the first question to the end."""
    answers: dict[str, tuple[Answer, ...]] = {}
    took: list[float] = []
    while True:
        seconds, spot = _timed(lambda: next_item(form, answers))  # noqa: B023
        took.append(seconds)
        if spot is None:
            return took
        given = {"boolean": Answer("boolean", True), "integer": Answer("integer", 3)}
        answers = answered(form, answers, spot, (given.get(spot.item.type, Answer("string", "as always")),))


def _reading(item: Item, language: str, text: str, rounds: int) -> list[float]:
    """Seconds of each reading; the first one compiles and is left out."""
    took: list[float] = []
    for number in range(rounds + 1):
        seconds, read = _timed(lambda: read_answer(item, text, language, NOW, "Europe/London"))
        if isinstance(read, Unclear):
            raise AssertionError(f"a text that should be read is not: {item.type}, {language}")
        if number:
            took.append(seconds)
    return took
