"""The questionnaires of the library, read once, and a small builder for others."""

from __future__ import annotations

from functools import cache
from typing import Any

from care.domain.questionnaire import Item, Questionnaire, read_questionnaire
from care.library import seeds

BASE = "https://care.invalid/fhir/Questionnaire/"


@cache
def shipped() -> dict[str, Questionnaire]:
    """The questionnaires that ship, by their short name."""
    found = [read_questionnaire(seed.document) for seed in seeds() if seed.kind == "Questionnaire"]
    return {form.url.removeprefix(BASE): form for form in found}


@cache
def by_canonical() -> dict[str, Questionnaire]:
    """The same by url|version."""
    return {form.canonical: form for form in shipped().values()}


def item(name: str) -> Item:
    """An item by its linkId, from whichever shipped questionnaire asks it first."""
    order = ("glucose-daily", "heart-failure-daily", "cancer-symptoms", "glucose-diary-entry")
    return next(shipped()[form].by_id[name] for form in order if name in shipped()[form].by_id)


def document(*items: dict[str, Any]) -> dict[str, Any]:
    """A FHIR Questionnaire of these items."""
    return {"resourceType": "Questionnaire", "url": "urn:test", "version": "1", "status": "draft", "item": list(items)}


def form(*items: dict[str, Any]) -> Questionnaire:
    """The same, read."""
    return read_questionnaire(document(*items))


def question(link_id: str, kind: str = "boolean", **more: Any) -> dict[str, Any]:
    """One question."""
    return {"linkId": link_id, "text": f"Question {link_id}?", "type": kind, **more}


def choice(link_id: str, *codes: str, **more: Any) -> dict[str, Any]:
    """One choice among codes of the system urn:c."""
    options = [{"valueCoding": {"system": "urn:c", "code": code, "display": code.title()}} for code in codes]
    return question(link_id, "choice", answerOption=options, **more)
