"""Reading one line of a file of texts: a text by itself, as an answer of a type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from care.domain.questionnaire.answer import read_answers
from care.domain.questionnaire.model import Answer, Item, Option
from care.domain.questionnaire.reading import Unclear
from care.domain.questionnaire.text import readable

TYPES = (
    *("boolean", "integer", "decimal", "quantity", "date", "dateTime", "time", "choice", "open-choice"),
    *("string", "text", "url"),
)


def read_line(document: object, now: datetime) -> dict[str, Any]:
    """One line {id, type, language, text, reference?, options?, units?} as {id, status, value, unit}.

    `status`: "value" when it was read, "ask" when it has to be asked again (with `reason` and what was `understood`),
    "human" when no machine can read it: no such type, no text, too long, a broken reference. `value` is a JSON value; a
    date or time as ISO text, a choice as the option's text (with its `code`), several choices as a list. `reference` is
    the moment of the text (ISO, default `now`, aware): its own clock is the patient's. `options` are texts or
    {code, display}; `units` UCUM codes. Nothing raises.
    """
    line = document if isinstance(document, Mapping) else {}
    told: dict[str, Any] = {"id": line.get("id"), "status": "human", "value": None, "unit": ""}
    kind, text = line.get("type"), line.get("text")
    if kind not in TYPES or not isinstance(text, str) or not readable(text):
        return told | {"reason": "unreadable"}
    moment = _moment(line.get("reference"), now)
    if moment is None:
        return told | {"reason": "unreadable-reference"}
    item = _item(str(kind), line)
    local = moment.replace(tzinfo=UTC)
    answers = read_answers(item, text, language_of(line.get("language")), local, "UTC")
    if isinstance(answers, Unclear):
        return told | {"status": "ask", "reason": answers.reason, "understood": answers.understood}
    first = answers[0]
    value = _value(first, moment) if len(answers) == 1 else [_value(each, moment) for each in answers]
    more = {"code": first.code} if first.code else {}
    return told | {"status": "value", "value": value, "unit": first.unit} | more


def language_of(said: object) -> str:
    """en, zh-Hans or zh-Hant for what languages are called: zh, Chinese, zh-CN; zh-HK, zh-TW, yue."""
    name = str(said or "en").replace("_", "-").casefold()
    if name.startswith(("zh-hant", "zh-hk", "zh-tw", "zh-mo", "yue", "cantonese", "traditional")) or name == "繁體中文":
        return "zh-Hant"
    return "zh-Hans" if name.startswith(("zh", "chinese", "cmn", "simplified")) or name == "简体中文" else "en"


def _moment(said: object, now: datetime) -> datetime | None:
    if said is None or said == "":
        return now
    if not isinstance(said, str):
        return None
    try:
        at = datetime.fromisoformat(said.strip())
    except ValueError:
        return None
    if not 1900 <= at.year <= 2200:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _item(kind: str, line: Mapping[str, Any]) -> Item:
    """A question without words, so that nothing but the text itself tells what it means."""
    options, units = line.get("options"), line.get("units")
    chosen = tuple(found for one in options if (found := _option(one))) if isinstance(options, list) else ()
    codes = tuple(str(unit) for unit in units) if isinstance(units, list) else ()
    by_key = {option.key: option for option in chosen}
    return Item("line", kind, {}, repeats=line.get("repeats") is True, options=chosen, units=codes, by_key=by_key)


def _option(one: object) -> Option | None:
    if isinstance(one, Mapping):
        code, display = str(one.get("code") or ""), str(one.get("display") or one.get("text") or one.get("code") or "")
        return Option("coding", {"": display}, code=code, system=str(one.get("system") or "")) if display else None
    return Option("string", {"": str(one)}) if isinstance(one, str | int | float) and str(one) else None


def _value(answer: Answer, moment: datetime) -> bool | int | float | str:
    if answer.type != "dateTime":
        return answer.value
    return datetime.fromisoformat(str(answer.value)).replace(tzinfo=moment.tzinfo).isoformat(timespec="seconds")
