"""What is wrong with a QuestionnaireResponse as a whole, before its items are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from care.domain.questionnaire.entries import Problem
from care.domain.questionnaire.formats import instant, is_before, is_date_time
from care.domain.questionnaire.model import Questionnaire

ROOT = "QuestionnaireResponse"
STATUSES = frozenset(("in-progress", "completed", "amended", "entered-in-error", "stopped"))


def as_of(questionnaire: Questionnaire, authored: Any) -> Questionnaire:
    """The form as it was when the response was true, for expressions that look at the clock."""
    moment = instant(authored) if isinstance(authored, str) and is_date_time(authored) and "T" in authored else None
    return questionnaire.at(moment) if moment is not None else questionnaire


def about(questionnaire: Questionnaire, document: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the response as a whole, and with answering this form at all."""
    status = document.get("status")
    if not isinstance(status, str) or status not in STATUSES:
        yield Problem(
            f"{ROOT}.status" if status else ROOT, "", "wrong-status" if status else "no-status", "no such status"
        )
    named = document.get("questionnaire")
    if isinstance(named, str) and questionnaire.url and named.partition("|")[0] != questionnaire.url:
        message = "the response names another questionnaire"
        yield Problem(f"{ROOT}.questionnaire", "", "wrong-questionnaire", message, "warning")
    state = questionnaire.document.get("status")
    if state in ("draft", "retired"):
        yield Problem(f"{ROOT}.questionnaire", "", str(state), f"the questionnaire is {state}", "warning")
    authored, period = document.get("authored"), questionnaire.document.get("effectivePeriod")
    if authored is None:
        return
    if not isinstance(authored, str) or not is_date_time(authored):
        yield Problem(f"{ROOT}.authored", "", "not-a-date", "authored is no FHIR dateTime")
    elif isinstance(period, Mapping):
        start, end = period.get("start"), period.get("end")
        early = isinstance(start, str) and is_before(authored, start)
        if early or (isinstance(end, str) and is_before(end, authored)):
            message = "the questionnaire was not in effect when this was authored"
            yield Problem(f"{ROOT}.authored", "", "not-in-effect", message, "warning")
