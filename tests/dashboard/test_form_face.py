"""The form face in HTML: what a browser sends back of an untouched form changes nothing."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict

from care.domain.questionnaire import Answer, Answers, Questionnaire, from_response
from care.domain.questionnaire.form import form as drawn
from care.errors import Invalid
from care.services.questionnaire_files import read_file
from care.services.rehearsals import rehearse
from dashboard.form_face import filled_in
from tests.conftest import NOON, shared
from tests.dashboard.ward import Ward
from tests.domain.forms import choice, form, question

PAGE = '{% import "parts/form_face.html" as f with context %}{{ f.nodes(face["items"]) }}'


class Browser(HTMLParser):
    """The fields that a browser would send of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._open, self._options, self._words = "", [], ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        name, value = a.get("name") or "", a.get("value") or ""
        picked = a.get("type") not in ("radio", "checkbox") or "checked" in a
        if tag == "input" and name and picked:
            self.fields.append((name, value))
        elif tag in ("select", "textarea"):
            self._open, self._options, self._words = name, [], ""
        elif tag == "option":
            self._options.append((value, "selected" in a))

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            chosen = [value for value, selected in self._options if selected] or [self._options[0][0]]
            self.fields += [(self._open, value) for value in chosen]
        elif tag == "textarea":
            self.fields.append((self._open, self._words.removeprefix("\n").replace("\n", "\r\n")))


def sent_back(app: Flask, asked: Questionnaire, answers: Answers) -> tuple[dict[str, Any], list[Any]]:
    """The answers that a browser sends of a form with these answers, untouched."""
    with app.test_request_context("/"):
        app.preprocess_request()
        face = drawn(asked, answers, "en")
        html = render_template_string(PAGE, face=face, walk=SimpleNamespace(language="en"))
    return filled_in(asked, answers, MultiDict(Browser(html).fields), "fill", "", "UTC")


def test_several_lines_a_file_and_a_number_with_a_unit_come_back_as_they_were(app: Flask, ward: Ward):
    unit = {
        "url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unit",
        "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg", "display": "kg"},
    }
    asked = form(
        question("story", "text", repeats=True),
        question("photo", "attachment"),
        question("weight", "decimal", extension=[unit]),
        question("mass", "quantity", extension=[unit]),
        choice("colours", "red", "green", "blue", repeats=True),
    )
    colours = asked.by_id["colours"].options
    answers: Answers = {
        "story": (Answer("string", "one\n\n  two"), Answer("string", "<b>three</b>")),
        "photo": (Answer("attachment", "wound", content=json.dumps({"contentType": "image/png", "data": "aGVsbG8="})),),
        "weight": (Answer("decimal", 71.25),),
        "mass": (Answer("quantity", 71.25, "kg", code="kg"),),
        "colours": (colours[2].answer(), colours[0].answer()),
    }
    assert sent_back(app, asked, answers) == (answers, [])


def test_no_form_of_the_corpus_loses_or_changes_an_answer(app: Flask, ward: Ward):
    changed = []
    for path in sorted(shared("questionnaires/dev").glob("[0-9]*.json"))[::2]:
        try:
            asked = read_file(path.read_bytes()).questionnaire
        except Invalid:
            continue
        before = from_response(asked, rehearse(asked, "form", 1, NOON).response)
        after, issues = sent_back(app, asked, before)
        lost = [at for at in before if before[at] != after.get(at)]
        proposed = [at for at in after if at not in before and after[at] and not _proposes(asked, at)]
        if lost or proposed or issues:
            changed.append((path.name, lost, proposed, issues))
    assert changed == []


def _proposes(asked: Questionnaire, at: str) -> bool:
    """Whether the form itself proposes an answer there: it stands in the field until somebody empties it."""
    item = asked.by_id[at.partition("\x1f")[0]]
    return bool(item.initial or item.initial_formula)
