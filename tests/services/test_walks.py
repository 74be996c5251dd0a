"""A walk: the same answers in both faces, by the real conversation, and nothing of it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.domain.message import Capabilities
from care.domain.questionnaire import Answer, Answers
from care.records.communications import Communication
from care.services import walks
from care.services.walks import Here, Walk
from tests.conftest import NOON
from tests.domain.forms import choice, form, question

HERE = Here(NOON, Capabilities())
FORM = form(
    question("fever", required=True),
    question(
        "degrees", "decimal", enableWhen=[{"question": "fever", "operator": "=", "answerBoolean": True}], required=True
    ),
    choice("pain", "none", "mild", "severe", required=True),
    question("more", "string"),
)
YES: Answers = {"fever": (Answer("boolean", True),)}


def walked(*texts: str) -> Walk:
    walk = walks.start(FORM, "en", "US", HERE)
    for text in texts:
        walk = walks.tell(walk, FORM, text, HERE)
    return walk


def said(walk: Walk, who: str = "us") -> list[str]:
    return [line.text for line in walk.lines if line.who == who]


def test_what_is_told_in_the_chat_stands_in_the_form():
    walk = walked("yes", "38.5")
    assert walk.answers["fever"] == YES["fever"]
    assert walk.answers["degrees"][0].value == 38.5


def test_what_is_filled_in_is_not_asked_in_the_chat_again():
    walk, issues = walks.fill(walked(), FORM, {**YES, "degrees": (Answer("decimal", 39.0),)}, HERE)
    assert issues == ()
    assert len(said(walk, "form")) == 2
    assert "Question pain?" in said(walk)[-1]
    assert walks.tell(walk, FORM, "2", HERE).answers["pain"][0].code == "mild"


def test_a_value_that_cannot_stand_is_told_and_not_taken():
    before = walked("yes", "38.5")
    wrong = {**before.answers, "pain": (Answer("coding", "Worse", code="worse", system="urn:c"),)}
    walk, issues = walks.fill(before, FORM, wrong, HERE)
    assert [one.link_id for one in issues] == ["pain"]
    assert walk.answers == before.answers


def test_the_same_form_again_changes_nothing():
    before = walked("yes")
    assert walks.fill(before, FORM, before.answers, HERE) == (before, ())


def test_the_chat_comes_to_its_end_when_the_form_is_full():
    full: dict[str, Any] = {
        **YES,
        "degrees": (Answer("decimal", 39.0),),
        "pain": (FORM.by_id["pain"].options[0].answer(),),
        "more": (Answer("string", "no"),),
    }
    walk, _ = walks.fill(walked(), FORM, full, HERE)
    assert walk.done
    made = walks.response(walk, FORM, NOON)
    assert (made["status"], "subject" in made) == ("completed", False)
    assert walks.faults(made, FORM) == []
    assert len(walks.faults({**made, "item": [{"linkId": "nowhere"}]}, FORM)) > 0
    assert [item["linkId"] for item in made["item"]] == ["fever", "degrees", "pain", "more"]


def test_an_answer_that_is_taken_away_afterwards_opens_the_walk_again():
    done = walked("no", "1", "skip")
    assert done.done
    walk, _ = walks.fill(done, FORM, {**done.answers, "fever": YES["fever"]}, HERE)
    assert not walk.done
    assert "Question degrees?" in said(walk)[-1]


def test_a_form_is_sent_when_nothing_required_is_missing():
    walk, issues = walks.finish(walked("yes"), FORM)
    assert {one.link_id for one in issues} == {"degrees", "pain"}
    assert not walk.done
    walk, _ = walks.fill(
        walked("no"), FORM, {**walked("no").answers, "pain": (FORM.by_id["pain"].options[2].answer(),)}, HERE
    )
    sent, issues = walks.finish(walk, FORM)
    assert (sent.done, issues) == (True, ())


def test_a_red_flag_word_brings_the_emergency_reply_and_the_question_stays_open():
    walk = walked("yes", "I have chest pain")
    assert "911" in said(walk)[-1]
    assert said(walk, "note")[-1] == "alarm"
    assert not walk.done


def test_stop_ends_a_walk_and_keeps_what_was_answered():
    walk = walked("yes", "STOP")
    assert {"stopped", "withdrew"} <= set(said(walk, "note"))
    assert walk.answers == YES


def test_after_stop_the_form_still_takes_answers_and_nothing_more_is_asked():
    stopped = walked("yes", "STOP")
    walk, _ = walks.fill(stopped, FORM, {**YES, "degrees": (Answer("decimal", 39.0),)}, HERE)
    assert walk.answers["degrees"][0].value == 39.0
    assert said(walk) == said(stopped)


def test_what_was_left_empty_stays_empty():
    walk, _ = walks.fill(walked(), FORM, {"fever": ()}, HERE)
    assert (walk.answers, said(walk, "form")) == ({"fever": ()}, [])


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "de"])
def test_another_language_asks_the_open_question_again(language: str):
    walk = walks.speak(walked("yes"), FORM, language, HERE)
    assert walk.language == language
    assert "Question degrees?" in said(walk)[-1]
    assert walks.tell(walk, FORM, "38.5", HERE).answers["degrees"][0].value == 38.5


def test_a_date_is_told_in_english_words_in_a_language_that_is_not_ours():
    dated = form(question("since", "date"))
    walk = walks.start(dated, "nb", "US", HERE)
    walk, _ = walks.fill(walk, dated, {"since": (Answer("date", "1994-05-31"),)}, HERE)
    assert said(walk, "form") == ["Question since? 31 May 1994"]


def test_a_walk_travels_as_json():
    walk = walked("yes", "38.5", "chest pain", "2")
    assert Walk.from_json(json.loads(json.dumps(walk.to_json()))) == walk


def test_a_long_walk_forgets_its_beginning_and_not_its_answers():
    walk = walked("yes")
    for _ in range(walks.MOST_LINES):
        walk = walks.tell(walk, FORM, "what?", HERE)
    assert len(walk.lines) == walks.MOST_LINES
    assert walk.answers == YES


def test_nothing_of_a_walk_is_kept_or_sent(session: Session):
    walked("yes", "38.5", "I have chest pain", "nurse", "STOP")
    assert session.scalars(select(func.count(Communication.id))).one() == 0
