"""One question as one message: what comes before it, its text, how to answer, and how far the patient is."""

from __future__ import annotations

from collections.abc import Sequence

from care.domain.questionnaire.answer import numbered
from care.domain.questionnaire.model import Answer, Item, in_language
from care.domain.questionnaire.units import label

_HINTS = {
    "en": {
        "boolean": "1. Yes\n2. No",
        "integer": "Reply with a whole number.",
        "decimal": "Reply with a number.",
        "quantity": "Reply with a number in {units}.",
        "date": "Reply with a date, like {date}.",
        "dateTime": "Reply with a date and time, like {date} 20:15.",
        "one": "Reply with a number.",
        "several": "Reply with all numbers that apply, like 1, 3.",
        "optional": "Reply SKIP to leave it out.",
        "or": " or ",
    },
    "zh-Hans": {
        "boolean": "1. 是\n2. 否",
        "integer": "请回复一个整数。",
        "decimal": "请回复一个数字。",
        "quantity": "请回复数字，单位：{units}。",
        "date": "请回复日期，例如 {date}。",
        "dateTime": "请回复日期和时间，例如 {date} 20:15。",
        "one": "请回复数字。",
        "several": "可多选，例如 1, 3。",
        "optional": "不想回答请回复 跳过。",
        "or": "或",
    },
    "zh-Hant": {
        "boolean": "1. 是\n2. 否",
        "integer": "請回覆一個整數。",
        "decimal": "請回覆一個數字。",
        "quantity": "請回覆數字，單位：{units}。",
        "date": "請回覆日期，例如 {date}。",
        "dateTime": "請回覆日期和時間，例如 {date} 20:15。",
        "one": "請回覆數字。",
        "several": "可選多項，例如 1, 3。",
        "optional": "不想回答請回覆 跳過。",
        "or": "或",
    },
}
_EXAMPLE_DATE = "2026-03-31"


def ask(
    item: Item,
    language: str,
    progress: tuple[int, int] | None = None,
    limit: int = 1600,
    lead: Sequence[Item] = (),
) -> str:
    """The question as one message of at most `limit` characters where that is possible at all.

    `progress` is (done, of): the question shown is number done + 1. `lead` are the displays and headings before it.
    When it is too long the lead goes first, then the question's text is cut; options are never left out.
    """
    hints = _HINTS.get(language, _HINTS["en"])
    place = f"{progress[0] + 1}/{progress[1]} " if progress and progress[1] > 1 else ""
    question = f"{item.prefix} {in_language(item.text, language)}".strip()
    answer_part = _how_to_answer(item, language, hints)
    before = "\n".join(in_language(each.text, language) for each in lead)
    whole = "\n".join(part for part in (before, place + question, answer_part) if part)
    if len(whole) <= limit:
        return whole
    room = max(limit - len(place) - len(answer_part) - 2, 20)
    cut = question if len(question) <= room else question[: room - 1] + "…"
    return "\n".join(part for part in (place + cut, answer_part) if part)


def _how_to_answer(item: Item, language: str, hints: dict[str, str]) -> str:
    lines: list[str] = []
    if item.type == "choice":
        names = [in_language(option.text, language) for option in item.options]
        lines += [f"{n}. {name}" for n, name in enumerate(names, start=1)] if numbered(item) else [" / ".join(names)]
        lines.append(hints["several" if item.repeats else "one"])
    elif item.type == "quantity":
        units = hints["or"].join(label(unit, language) for unit in item.units if unit != "jin" or language == "zh-Hans")
        lines.append(hints["quantity"].format(units=units) if units else hints["decimal"])
    elif item.type in hints:
        lines.append(hints[item.type].format(date=_EXAMPLE_DATE))
    if not item.required:
        lines.append(hints["optional"])
    return "\n".join(lines)


def answer_text(item: Item, answer: Answer, language: str) -> str:
    """An answer as a person reads it: 38.5 °C, <20 mg/dL, yes, the option's name, a date."""
    if answer.type == "quantity":
        return f"{answer.comparator}{answer.value:.10g} {label(answer.code, language)}".strip()
    if answer.type == "boolean":
        lines = _HINTS.get(language, _HINTS["en"])["boolean"].split("\n")
        return lines[0 if answer.value else 1][3:]
    if item.type == "choice":
        option = item.option_of(answer)
        return in_language(option.text, language) if option else str(answer.value)
    return f"{answer.value:.10g}" if isinstance(answer.value, float) else str(answer.value)
