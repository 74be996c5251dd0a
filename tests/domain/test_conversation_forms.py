"""A form in a conversation: what may be commanded, how an answer is heard, what fits into a message."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from care.domain.codes import Purpose
from care.domain.commands import Command, command_in, script
from care.domain.conversation import begin, remind, take_turn
from care.domain.conversation.hearing import hear
from care.domain.questionnaire import Answer, Item, Option, Questionnaire, Spot, Unclear, read_questionnaire
from care.domain.questionnaire.ask import ask, example_of, option_lines
from care.domain.questionnaire.extensions import CONSTRAINTS, MAX_OCCURS, MIN_OCCURS
from care.domain.questionnaire.marks import marks
from care.domain.screen import screen
from care.domain.segments import size
from care.domain.turn import AskedForPerson, ChoseLanguage, Completed, Desk, OpenTask, Stopped, Talk, Turn
from care.library import lexicon
from care.library.tools import questionnaire_tools
from tests.conftest import shared
from tests.domain.dialogue_forms import forms
from tests.domain.forms import document, form, question
from tests.domain.test_dialogues import NOON, desk, task

LINK = "https://care.example.org/me"


class Chat:
    """One patient, one form."""

    def __init__(self, named: str | Questionnaire, **how: Any) -> None:
        self.form = forms()[named] if isinstance(named, str) else named
        self.task = OpenTask("t", self.form.canonical, {"en": "Check", **self.form.title}, NOON)
        self.desk: Desk = replace(desk(task("fever")), questionnaires=lambda _: self.form, open_tasks=(self.task,))
        self.desk = replace(self.desk, **how)
        self.talk = Talk.idle()
        self.last = Turn(self.talk)

    def begin(self) -> str:
        return self._took(begin(self.task, self.desk, self.talk))

    def send(self, *words: str) -> str:
        reply = ""
        for text in words:
            reply = self._took(take_turn(self.talk, text, screen(text, lexicon()), self.desk))
        return reply

    def _took(self, turn: Turn) -> str:
        self.last, self.talk = turn, Talk.from_json(json.loads(json.dumps(turn.talk.to_json())))
        return "\n".join(say.text for say in turn.says)


def begun(named: str | Questionnaire, *words: str, **how: Any) -> Chat:
    chat = Chat(named, **how)
    chat.begin()
    chat.send(*words)
    return chat


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("back", Command("back")),
        ("改", Command("back")),
        ("Change 3", Command("number", number=3)),
        ("change question 12.", Command("number", number=12)),
        ("改第三题", Command("number", number=3)),
        ("改 23", Command("number", number=23)),
        ("改二十三", Command("number", number=23)),
        ("change to 38.5", Command("instead", rest="38.5")),
        ("No, I meant 37", Command("instead", rest="37")),
        ("不对，应该是38.5", Command("instead", rest="38.5")),
        ("稍后", Command("later")),
        ("Repeat please", Command("again")),
        ("继续", Command("again")),
        ("更多", Command("more")),
        ("?", Command("how")),
        ("？", Command("how")),
        ("唔明白", Command("how")),
        ("跳过", Command("skip")),
        ("ENGLISH", Command("language", language="en")),
        ("中文", Command("language", language="zh")),
        ("繁体", Command("language", language="zh-Hant")),
    ],
)
def test_a_command_is_understood_as_the_whole_text(text: str, command: Command) -> None:
    assert command_in(text) == command


def test_a_request_in_a_whole_sentence_is_understood_and_nothing_else_is_taken_for_one() -> None:
    cases = json.loads(shared("recognizers/yesno/clinc150_dev.json").read_text(encoding="utf-8"))["cases"]
    kinds = {"repeat": "again", "change_language": "language"}
    found = [(one["label"], command.kind if (command := command_in(one["text"])) else "") for one in cases]
    for label, kind in kinds.items():
        heard_as = [what for name, what in found if name == label]
        assert heard_as.count(kind) / len(heard_as) > 0.7, label
        assert set(heard_as) <= {kind, ""}, label
    assert not any(what in kinds.values() for name, what in found if name not in kinds)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Can you repeat that, please?", Command("again", loose=True)),
        ("能不能再说一遍？", Command("again", loose=True)),
        ("请用英文", Command("language", language="en", loose=True)),
        ("可以講廣東話嗎", Command("language", language="zh-Hant", loose=True)),
        ("please speak Spanish", Command("language", loose=True)),
        ("Español", Command("language", loose=True)),
    ],
)
def test_a_sentence_asks_for_the_question_again_or_for_a_language(text: str, command: Command) -> None:
    assert command_in(text) == command


def test_a_language_that_is_not_written_is_answered_with_those_that_are() -> None:
    chat = begun("fever")
    reply = chat.send("please speak Spanish")
    assert "繁體中文" in reply and "NURSE" in reply and "1/4" in reply
    assert (chat.talk.misses, chat.last.acts) == (0, ())


def test_a_sentence_is_an_answer_where_any_words_are_one() -> None:
    chat = begun(form(question("tongue", "string", required=True)), "please speak Spanish")
    assert isinstance(chat.last.acts[0], Completed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "the pain came back",
        "it hurts again",
        "I was sick again",
        "not now",
        "change medicine 3",
        "x" * 500,
        "3",
    ],
)
def test_anything_else_is_no_command(text: str) -> None:
    assert command_in(text) is None


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        ("en", "Asia/Hong_Kong", "zh-Hant"),
        ("en", "Europe/London", "zh-Hans"),
        ("zh-Hant", "Asia/Shanghai", "zh-Hant"),
    ],
)
def test_chinese_is_written_as_where_one_lives_unless_it_is_spoken_already(
    language: str, zone: str, expected: str
) -> None:
    assert script("zh", language, zone) == expected


# -- going back -------------------------------------------------------------------------------------------------------


def test_back_goes_to_the_beginning_and_every_answer_is_kept() -> None:
    chat = begun("fever", "37.1", "2", "cough")
    before = dict(chat.talk.answers)
    replies = [chat.send("back") for _ in range(5)]
    assert ["3/4" in replies[0], "2/4" in replies[1], "1/4" in replies[2]] == [True, True, True]
    assert "1/4" in replies[4]
    chat.send("skip")
    assert chat.talk.answers == before


def test_change_just_after_a_correction_asks_that_one_again() -> None:
    chat = begun("fever", "37.1", "2", "cough", "change 1", "37.9")
    assert "1/4" in chat.send("change")
    assert "4/4" in chat.send("38.1")
    assert chat.talk.answers["temperature"][0].value == 38.1


def test_an_answer_that_was_called_wrong_is_not_reported_when_it_ends_there() -> None:
    chat = begun("fever", "37.1", "2", "change 1")
    chat.send("STOP")
    stopped = chat.last.acts[0]
    assert isinstance(stopped, Stopped)
    assert set(stopped.answers) == {"pain"}


def test_a_question_that_is_asked_again_stays_open_until_the_next_day() -> None:
    chat = begun("fever", "37.1", "2", "cough", "change 2")
    assert "2/4" in chat.begin()
    assert "4/4" in chat.send("1")
    assert set(chat.talk.answers) == {"temperature", "pain", "symptoms"}


def test_a_changed_answer_may_open_a_question_in_between() -> None:
    chat = begun("fever", "37.1", "2", "cough", "change 3")
    assert "4/5 Since when" in chat.send("2")
    assert "5/5" in chat.send("2026-03-01")
    assert "4/4" in chat.send("change 3", "1")
    chat.send("skip")
    done = chat.last.acts[0]
    assert isinstance(done, Completed)


def test_back_passes_from_one_instance_to_the_one_before() -> None:
    chat = begun("medicines", "aspirin", "2", "yes", "ibuprofen", "1")
    assert "tablets" in chat.send("back")
    assert chat.talk.asked == "tablets\x1f1"
    chat.send("back")
    assert chat.talk.asked == "name\x1f1"
    chat.send("back")
    assert chat.talk.asked == "tablets\x1f0"
    chat.send("4")
    assert chat.talk.answers["tablets\x1f0"][0].value == 4
    assert "another" in chat.send("again")


def test_a_yes_to_another_one_can_be_taken_back() -> None:
    chat = begun("medicines", "aspirin", "2", "yes", "back")
    assert chat.talk.asked == "medicine"
    assert "3/3" in chat.send("no")


# -- pause, again, language -------------------------------------------------------------------------------------------


def test_a_pause_keeps_everything_and_takes_an_answer_to_the_question_that_was_seen() -> None:
    chat = begun("fever", "37.1", "later")
    assert chat.talk.status == "paused"
    assert chat.last.acts == ()
    assert "3/4" in chat.send("severe")
    assert chat.talk.status == "asking"


def test_in_a_pause_a_remark_is_a_persons_and_no_miss() -> None:
    chat = begun("fever", "37.1", "later", "the bus is late")
    assert chat.last.acts == (AskedForPerson("free-text"),)
    assert chat.talk.misses == 0
    chat.send("thanks")
    assert chat.last == Turn(chat.talk)


def test_ok_after_a_pause_asks_again_and_answers_nothing() -> None:
    chat = begun("wound", "later")
    assert "Does it itch" in chat.send("yes")
    assert chat.talk.answers == {}


def test_the_language_changes_and_the_answers_stay() -> None:
    chat = begun("fever", "37.1")
    reply = chat.send("简体中文")
    assert "您的疼痛程度如何" in reply
    assert chat.last.acts == (ChoseLanguage("zh-Hans"),)
    assert set(chat.talk.answers) == {"temperature"}


def test_a_language_is_chosen_also_when_nothing_is_open() -> None:
    chat = Chat("fever")
    assert "繁體中文" in chat.send("繁體")
    assert chat.last.acts == (ChoseLanguage("zh-Hant"),)


def test_the_name_of_a_language_that_is_spoken_already_answers_a_question_in_own_words() -> None:
    chat = begun(form(question("tongue", "string", required=True)))
    chat.send("English")
    done = chat.last.acts[0]
    assert isinstance(done, Completed)
    assert done.answers["tongue"][0].value == "English"


def test_where_the_language_cannot_be_changed_its_name_is_no_command() -> None:
    chat = begun("fever", voices=None)
    chat.send("中文")
    assert chat.talk.misses == 1


# -- how an answer is heard -------------------------------------------------------------------------------------------


def choices(*texts: str, prefixes: tuple[str, ...] = (), **more: Any) -> Item:
    given = prefixes or ("",) * len(texts)
    options = tuple(
        Option("coding", {"": text}, code=f"c{n}", prefix=prefix)
        for n, (text, prefix) in enumerate(zip(texts, given, strict=True))
    )
    by_key = {option.key: option for option in options}
    return Item("q", "choice", {"": "Which?"}, required=True, options=options, by_key=by_key, **more)


def heard(item: Item, text: str) -> str:
    read = hear(Spot("q", item), text, desk(task("fever")))
    return read.reason if isinstance(read, Unclear) else "+".join(answer.code or str(answer.value) for answer in read)


LEVELS = choices("0 - Not at all", "1 - Several days", "2 - Nearly every day")


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("0", "c0"),
        ("1", "c1"),
        ("２", "c2"),
        ("option 2", "c2"),
        ("two", "c2"),
        ("3", "out-of-range"),
        ("not at all", "c0"),
        ("Several days", "c1"),
        ("1 - several days", "c1"),
        ("nearly every day", "c2"),
        ("第二个", "ambiguous"),
        ("a", "out-of-range"),
        ("dunno", "not-understood"),
    ],
)
def test_under_the_forms_own_numbers_a_number_is_never_a_place_in_the_list(text: str, option: str) -> None:
    assert heard(LEVELS, text) == option


@pytest.mark.parametrize(
    ("prefixes", "text", "option"),
    [
        (("A", "B", "C"), "b", "c1"),
        (("A)", "B)", "C)"), "B", "c1"),
        (("A", "B", "C"), "2", "out-of-range"),
        (("3", "2", "1"), "3", "c0"),
        (("1", "2", "3"), "3", "c2"),
        (("x", "", ""), "1", "c0"),
        (("L", "R", "B"), "2", "c1"),
    ],
)
def test_an_options_prefix_is_what_is_replied(prefixes: tuple[str, ...], text: str, option: str) -> None:
    assert heard(choices("Red", "Green", "Blue", prefixes=prefixes), text) == option


def test_what_is_replied_for_an_option_never_ends_all_messages() -> None:
    letters = tuple("abcdefghijklmnopqrstuvwxyz")
    for prefixes in (letters, letters[:17], ("l", "r"), ("t", "f"), tuple(str(n) for n in range(26))):
        replies = marks(choices(*prefixes, prefixes=prefixes)).replies
        assert {screen(reply, lexicon()).kind for reply in replies} == {"none"}


def test_options_show_what_is_to_be_replied() -> None:
    assert option_lines(LEVELS, "en") == ("0 - Not at all", "1 - Several days", "2 - Nearly every day")
    assert option_lines(choices("Red", "Blue", prefixes=("a", "b")), "en") == ("A. Red", "B. Blue")
    assert option_lines(choices("0", "5", "10"), "en") == ("0 / 5 / 10",)
    assert option_lines(choices("none", "4", "many"), "en") == ("A. none", "B. 4", "C. many")
    assert option_lines(choices("1-2 days", "3-5 days"), "en") == ("1. 1-2 days", "2. 3-5 days")
    assert option_lines(choices("E. coli", "S. aureus"), "en") == ("1. E. coli", "2. S. aureus")
    assert marks(choices("10 - Worst", "9", "8")).replies == ("10", "9", "8")


def test_a_number_that_could_mean_the_options_own_is_told_back() -> None:
    doses = form(
        question("d", "choice", required=True, answerOption=[{"valueString": "1-2 a day"}, {"valueString": "3 a day"}]),
        question("end", required=True),
    )
    assert "Got it: 3 a day" in begun(doses).send("2")


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        ("string", "milk, nuts，eggs", ["milk", "nuts", "eggs"]),
        ("string", "milk", ["milk"]),
        ("text", "one, two\nthree", ["one, two", "three"]),
        ("integer", "3, 4", [3, 4]),
        ("integer", "3,4", [3, 4]),
        ("integer", "5", [5]),
        ("integer", "3, many", None),
        ("date", "2026-03-01, 2026-03-02", ["2026-03-01", "2026-03-02"]),
    ],
)
def test_a_question_that_repeats_takes_a_list(kind: str, text: str, values: list[Any] | None) -> None:
    read = hear(Spot("q", Item("q", kind, {"": "?"}, repeats=True)), text, desk(task("fever")))
    assert (None if isinstance(read, Unclear) else [answer.value for answer in read]) == values


def test_a_list_is_never_longer_than_the_form_allows() -> None:
    item = Item("q", "string", {"": "?"}, repeats=True, max_occurs=2)
    assert isinstance(hear(Spot("q", item), "a, b, c", desk(task("fever"))), Unclear)


def test_what_the_question_cannot_take_is_not_kept() -> None:
    short = Item("q", "string", {"": "?"}, max_length=5)
    assert isinstance(hear(Spot("q", short), "much too long", desk(task("fever"))), Unclear)
    photo = Item("q", "attachment", {"": "?"})
    assert isinstance(hear(Spot("q", photo), "photo.jpg", desk(task("fever"))), Unclear)


def test_an_answer_that_is_too_long_is_asked_again_with_the_reason() -> None:
    chat = begun(form(question("name", "string", required=True, maxLength=5)))
    assert "at most 5 characters" in chat.send("much too long")
    chat.send("short")
    assert isinstance(chat.last.acts[0], Completed)


# -- what fits --------------------------------------------------------------------------------------------------------


def many(count: int, words: str = "Option") -> Questionnaire:
    options = [{"valueString": f"{words} {chr(65 + n % 26)}{chr(65 + n // 26)}"} for n in range(count)]
    return form(question("q", "choice", required=True, answerOption=options), question("end", required=True))


@pytest.mark.parametrize("count", [3, 12, 60, 182])
def test_every_option_of_a_long_list_is_shown_and_can_be_chosen(count: int) -> None:
    chat = Chat(many(count, "A longer name of something"), segments=3, link=LINK)
    seen = chat.begin()
    for _ in range(count):
        if not chat.talk.shown or chat.talk.shown == count:
            break
        assert all(size(say.text).segments <= 3 for say in chat.last.says)
        seen += chat.send("more")
    assert all(f"{n}. A longer name" in seen for n in range(1, count + 1))
    chat.send(str(count))
    assert chat.talk.asked == "end"


def test_the_page_is_offered_under_a_long_list_only_where_there_is_one() -> None:
    assert LINK in begun(many(12), link=LINK).send("again")
    assert LINK not in begun(many(9), link=LINK).send("again")
    assert "http" not in begun(many(12)).send("again")


def test_an_instruction_that_leaves_no_room_goes_ahead_in_a_message_of_its_own() -> None:
    words = "Please sit down and rest before you go on. " * 10
    long = form({"linkId": "d", "type": "display", "text": words}, question("a", required=True))
    chat = Chat(long, segments=3)
    chat.begin()
    assert [say.purpose for say in chat.last.says] == [Purpose.REMINDER, Purpose.REMINDER]
    assert "rest before" in chat.last.says[0].text
    assert chat.last.says[-1].text.startswith("Question a?")


def test_a_reminder_that_does_not_fit_asks_for_an_ok_first() -> None:
    words = "Please sit down and rest before you go on. " * 10
    long = form({"linkId": "d", "type": "display", "text": words}, question("a", required=True))
    chat = Chat(long, segments=3)
    turn = remind(chat.task, chat.desk)
    assert [say.text for say in turn.says] == ["Care: Check.\nReply OK to begin."]
    assert turn.talk.asked is None
    chat.talk = turn.talk
    assert "Question a?" in chat.send("ok")
    assert "thank" in chat.send("no").casefold()


def test_an_sms_in_english_is_written_in_its_own_alphabet() -> None:
    chat = begun("fever", segments=3)
    assert "\N{DEGREE SIGN}" not in chat.send("38.5")
    assert "38.5 C" in chat.last.says[0].text
    assert "38.5 °C" in begun("fever").send("38.5")


def test_a_question_longer_than_a_message_is_divided_and_nothing_of_it_is_lost() -> None:
    words = " ".join(f"word{n}" for n in range(200))
    chat = Chat(form(question("a", required=True) | {"text": words}), segments=3)
    said = chat.begin()
    assert all(size(say.text).segments <= 3 for say in chat.last.says)
    assert all(f"word{n}" in said for n in range(200))


def test_an_example_is_given_after_a_miss() -> None:
    weight = Item("w", "integer", {"": "?"}, minimum=10.0, maximum=20.0)
    assert example_of(weight) == "15"
    assert example_of(replace(weight, maximum=None)) == "10"
    assert example_of(Item("w", "decimal", {"": "?"})) == "5"
    assert "like" not in ask(weight, "en")
    chat = begun(form(question("a", "integer", required=True)))
    assert "like 5" in chat.send("many")


def test_what_the_form_proposes_is_taken_with_an_ok_and_never_without() -> None:
    cups = form(
        question("cups", "integer", required=True, initial=[{"valueInteger": 3}]), question("end", required=True)
    )
    chat = begun(cups)
    assert "Reply OK to answer: 3." in chat.send("again")
    assert chat.talk.answers == {}
    assert "Got it: 3." in chat.send("ok")
    other = begun(cups, "5")
    assert other.talk.answers["cups"][0].value == 5


# -- the form's own rules ---------------------------------------------------------------------------------------------


def pair(on: str) -> Questionnaire:
    """Two numbers, and a rule on the second question or on the whole form that the second is not the less."""
    rule = {
        "url": CONSTRAINTS[0],
        "extension": [
            {"url": "key", "valueId": "r1"},
            {"url": "severity", "valueCode": "error"},
            {"url": "human", "valueString": "The second number must not be less than the first."},
            {
                "url": "expression",
                "valueString": "%resource.item.where(linkId='b').answer.value >="
                " %resource.item.where(linkId='a').answer.value",
            },
        ],
    }
    items = [question("a", "integer", required=True), question("b", "integer", required=True)]
    made = document(*items)
    (made if on == "form" else items[1])["extension"] = [rule]
    return read_questionnaire(made, questionnaire_tools())


def test_an_answer_that_breaks_a_rule_of_its_question_is_asked_again_and_then_a_nurse_reads_it() -> None:
    chat = begun(pair("question"), "5")
    assert "must not be less" in chat.send("3")
    assert "b" not in chat.talk.answers
    chat.send("2")
    assert chat.last.acts == (AskedForPerson("not-understood"),)
    chat.send("6")
    assert isinstance(chat.last.acts[0], Completed)


def test_a_report_that_breaks_a_rule_of_the_form_is_kept_and_a_nurse_reads_it() -> None:
    chat = begun(pair("form"), "5")
    assert "must not be less" in chat.send("3")
    done, person = chat.last.acts
    assert isinstance(done, Completed)
    assert person == AskedForPerson("rule")


def test_so_many_answers_as_the_form_wants() -> None:
    two = [{"url": MIN_OCCURS, "valueInteger": 2}, {"url": MAX_OCCURS, "valueInteger": 3}]
    chat = begun(form(question("q", "string", required=True, repeats=True, extension=two)))
    assert "Number of answers: 2 to 3." in chat.send("one")
    chat.send("one, two")
    assert isinstance(chat.last.acts[0], Completed)


# -- what a text cannot give, states that are kept, time --------------------------------------------------------------


def test_what_no_text_can_answer_is_left_out_or_a_persons_and_the_form_still_ends() -> None:
    chat = begun("wound", "yes")
    done, person = chat.last.acts
    assert isinstance(done, Completed)
    assert set(done.answers) == {"itches"}
    assert person == AskedForPerson("by-hand")


def test_a_reminder_never_ends_a_form_that_nobody_has_seen() -> None:
    chat = Chat(form(question("photo", "attachment")))
    turn = remind(chat.task, chat.desk)
    assert [type(act).__name__ for act in turn.acts] == ["Began"]
    chat.talk = turn.talk
    chat.send("ok")
    assert isinstance(chat.last.acts[0], Completed)


def test_a_form_of_nothing_but_files_ends_at_once() -> None:
    chat = Chat(form(question("photo", "attachment")))
    assert "Left out" in chat.begin()
    assert any(isinstance(act, Completed) for act in chat.last.acts)


def test_a_state_that_was_kept_before_there_was_more_in_it_is_read() -> None:
    old = {
        "status": "asking",
        "questionnaire": "u|1",
        "task_id": "t",
        "answers": {"a": [{"type": "boolean", "value": True}]},
        "skipped": ["b"],
        "asked": "c",
        "misses": 1,
        "told": None,
    }
    assert Talk.from_json(old) == Talk(
        "asking", "u|1", "t", {"a": (Answer("boolean", True),)}, frozenset({"b"}), "c", 1
    )


def test_a_state_survives_being_kept() -> None:
    talk = Talk("paused", "u|1", "t", {}, frozenset(), "c", 0, NOON, "b", {"b": (Answer("integer", 3),)}, 12)
    assert Talk.from_json(json.loads(json.dumps(talk.to_json()))) == talk


def test_a_form_goes_on_the_next_day_where_it_stopped() -> None:
    chat = begun("fever", "37.1", "2")
    chat.desk = replace(chat.desk, now=NOON + timedelta(days=1))
    assert "3/4" in chat.begin()
    assert "not had your answer" in chat.last.says[0].text
