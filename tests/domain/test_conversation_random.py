"""Any texts to any form: a conversation never breaks, never loses an answer, fits its channel, and can be ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.codes import LANGUAGES
from care.domain.conversation import begin, take_turn
from care.domain.conversation.danger import HELD
from care.domain.conversation.wording import whole
from care.domain.questionnaire import Questionnaire, check, enabled, link_id_of, read_questionnaire, spot_at
from care.domain.questionnaire.marks import marks
from care.domain.questionnaire.model import CHOICES
from care.domain.screen import screen
from care.domain.turn import AskedForPerson, ChoseLanguage, Completed, Desk, OpenTask, Stopped, Talk, Turn
from care.library import lexicon
from tests.domain.dialogue_forms import forms
from tests.domain.forms import choice, document, question
from tests.domain.test_dialogues import NOON, desk, task

TEXTS = """
    1 2 3 0 4 12 a B yes no 没有 冇 是 70_kg 38.5 101F 38度5 3,4 1_and_2 none cough Back my_foot 2026-03-01 昨天 20:15
    back back back 改 skip skip 跳过 change_1 change_2 改第三题 change_9 change_to_38 改成_2 later 稍后 continue 好 ok
    again ? more 更多 english 中文 繁體 help 帮助 nurse dunno thanks 👍 . 150 -1 3O 九十九 aspirin a,b;c START
"""
WORDS = st.one_of(
    st.sampled_from(TEXTS.split()).map(lambda words: words.replace("_", " ")),
    st.sampled_from(["chest pain", "38.5, 想死", "1. I can't breathe"]),
    st.text(max_size=40),
)
MANY = tuple(f"one of {n}" for n in range(40))
KINDS = ("boolean", "integer", "decimal", "date", "time", "dateTime", "string", "text", "quantity", "attachment")


@st.composite
def questions(draw: st.DrawFn, link_id: str, before: list[str]) -> dict[str, Any]:
    """A question, perhaps optional, repeated, or asked only when one before it was answered."""
    more: dict[str, Any] = {"required": draw(st.booleans()), "repeats": draw(st.booleans())}
    if before and draw(st.booleans()):
        named = draw(st.sampled_from(before))
        more["enableWhen"] = [{"question": named, "operator": "exists", "answerBoolean": draw(st.booleans())}]
    kind = draw(st.sampled_from(("choice", "open-choice", *KINDS)))
    if kind in CHOICES:
        codes = draw(
            st.sampled_from([("red", "back"), ("0 - no", "1 - some"), tuple(f"one of {n}" for n in range(40))])
        )
        return choice(link_id, *codes, **more) | {"type": kind}
    return question(link_id, kind, **more)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A form of a few questions, some in groups that may repeat."""
    items: list[dict[str, Any]] = []
    seen: list[str] = []
    for number in range(draw(st.integers(1, 5))):
        asked = draw(questions(f"q{number}", seen))
        if draw(st.booleans()):
            group = {"linkId": f"g{number}", "text": "Part", "type": "group", "repeats": draw(st.booleans())}
            inner = [asked, draw(questions(f"i{number}", []))] if draw(st.booleans()) else [asked]
            items.append(group | {"required": draw(st.booleans()), "item": inner})
        else:
            items.append(asked)
            seen.append(f"q{number}")
    return document(*items)


FORMS = st.one_of(st.sampled_from(sorted(forms())).map(forms().__getitem__), documents().map(read_questionnaire))


def desk_for(form: Questionnaire, **more: Any) -> Desk:
    named = OpenTask("t", form.canonical, {"en": "Check", **form.title}, NOON)
    return replace(desk(task("fever")), questionnaires=lambda _: form, open_tasks=(named,), **more)


DESKS = st.fixed_dictionaries(
    {
        "language": st.sampled_from(LANGUAGES),
        "max_length": st.sampled_from([30, 160, 1600]),
        "segments": st.sampled_from([0, 1, 3]),
        "link": st.sampled_from(["", "https://care.example.org/me"]),
    }
)


def kept(talk: Talk) -> Talk:
    return Talk.from_json(json.loads(json.dumps(talk.to_json())))


def answered(form: Questionnaire, talk: Talk) -> set[str]:
    """The places of the questions that have an answer, also the one that is being asked again."""
    places = (place for place, answers in whole(talk).items() if answers)
    return {place for place in places if (spot := spot_at(form, {}, place)) is not None and spot.item.is_question}


def check_turn(form: Questionnaire, before: Talk, turn: Turn, at: Desk) -> None:
    assert all(at.room.holds(say.text) and say.text.strip() for say in turn.says)
    ended = next((act for act in turn.acts if isinstance(act, Completed | Stopped)), None)
    if before.questionnaire is None:
        return
    if ended is None:
        assert answered(form, before) <= answered(form, turn.talk)
    elif isinstance(ended, Completed):
        assert answered(form, before) <= set(ended.answers)
    if turn.talk.asked is not None:
        spot = spot_at(form, turn.talk.answers, turn.talk.asked)
        assert spot is not None
        assert not spot.item.is_question or turn.talk.asked in enabled(form, turn.talk.answers)


@settings(max_examples=150, deadline=None)
@given(FORMS, DESKS, st.lists(WORDS, max_size=30))
def test_no_texts_break_a_conversation_or_lose_an_answer(
    form: Questionnaire, how: dict[str, Any], words: list[str]
) -> None:
    at = desk_for(form, **how)
    turn = begin(at.open_tasks[0], at)
    check_turn(form, Talk.idle(), turn, at)
    for text in words:
        before = kept(turn.talk)
        turn = take_turn(before, text, screen(text, lexicon()), at)
        for act in turn.acts:
            if isinstance(act, ChoseLanguage):
                at = at.speaking(act.language)
        check_turn(form, before, turn, at)


RIGHT = {
    "integer": "5",
    "decimal": "5.5",
    "quantity": "37.5",
    "boolean": "no",
    "more": "no",
    "date": "2026-03-01",
    "dateTime": "2026-03-01 9:05",
    "time": "9:05",
}


def right_answer(form: Questionnaire, talk: Talk) -> str:
    """What a patient would reply to the open question; to "another one?" no."""
    spot = spot_at(form, talk.answers, talk.asked or "")
    if spot is None:
        return "ok"
    if spot.item.type in CHOICES:
        return marks(spot.item).replies[0]
    by_type = {
        "integer": "5",
        "decimal": "5.5",
        "quantity": "37.5",
        "date": "2026-03-01",
        "dateTime": "2026-03-01 9:05",
    }
    return (by_type | {"time": "9:05", "boolean": "no", "more": "no"}).get(spot.item.type, "something")


def answers_to(form: Questionnaire, turn: Turn, at: Desk) -> Iterator[Turn]:
    while turn.talk.questionnaire is not None:
        text = right_answer(form, turn.talk)
        turn = take_turn(kept(turn.talk), text, screen(text, lexicon()), at)
        yield turn


@settings(max_examples=100, deadline=None)
@given(FORMS, st.lists(WORDS, max_size=15))
def test_from_anywhere_right_answers_end_it(form: Questionnaire, words: list[str]) -> None:
    at = desk_for(form)
    turn = begin(at.open_tasks[0], at)
    for text in words:
        if turn.talk.questionnaire is None:
            return
        turn = take_turn(kept(turn.talk), text, screen(text, lexicon()), at)
    later = replace(at, now=at.now + HELD)  # after words of danger nothing is asked for a while
    for steps, last in enumerate(answers_to(form, turn, later)):
        assert steps < 60
        turn = last
    done = next((act for act in turn.acts if isinstance(act, Completed)), None)
    if done is None:  # a STOP among the words ended it, or it was over
        return
    of_questions = (one for one in check(form, done.answers) if form.by_id[link_id_of(one.link_id)].is_question)
    wrong = {issue.code for issue in of_questions} - {"not-enabled"}
    lacking = any(isinstance(act, AskedForPerson) for act in turn.acts)
    assert wrong <= ({"required"} if lacking else set())
