"""A questionnaire walked as a patient would, by text and by form at once: the real conversation, and nobody is asked.

A walk is a value that its page carries along. Nothing of it is kept, sent or scored, and no patient is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from care.domain.codes import ResponseStatus
from care.domain.conversation import remind, take_turn
from care.domain.message import Capabilities
from care.domain.questionnaire import (
    Answer,
    Answers,
    Issue,
    Questionnaire,
    answer_text,
    check,
    enabled,
    in_language,
    link_id_of,
    next_item,
    to_response,
)
from care.domain.questionnaire.scores import Score, applies, score
from care.domain.questionnaire.validate import validate
from care.domain.screen import NOTHING, Verdict, screen
from care.domain.talk import Talk
from care.domain.turn import AskedForPerson, ChoseLanguage, Completed, Desk, OpenTask, Refused, Stopped, Turn, Withdrew
from care.library import emergency_number, lexicon
from care.library.scores import scores
from care.runtime import Runtime
from care.services.emergencies import emergency_words, is_alarming
from care.services.speaking import page, voice

Who = Literal["us", "patient", "form", "note"]
TASK = "walk"
MOST_LINES = 400
ZONE = "UTC"
_GO_ON = "ok"
_UNFINISHED = frozenset(("required", "not-enabled", "too-few"))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chat: what we or the patient wrote, what was answered in the form, or a note (a code)."""

    who: Who
    text: str


@dataclass(frozen=True, slots=True)
class Here:
    """Where a walk happens: the time, what the channel of a text can do, and the patients' own page ("" for none)."""

    now: datetime
    able: Capabilities
    link: str = ""


def here(rt: Runtime) -> Here:
    """Now, on the channel that texts go by: SMS where there is one."""
    sms = rt.channels.get("sms")
    return Here(rt.now(), sms.capabilities if sms else Capabilities(), page(rt.public_url))


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk stands. `answers` are the same in both faces; `done`: a report would be made of them now."""

    talk: Talk
    answers: Answers
    language: str
    country: str
    lines: tuple[Line, ...] = ()
    done: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON object; from_json gives an equal walk."""
        return {
            "talk": self.talk.to_json(),
            "answers": {at: [each.to_json() for each in given] for at, given in self.answers.items()},
            "language": self.language,
            "country": self.country,
            "lines": [[line.who, line.text] for line in self.lines],
            "done": self.done,
        }

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Walk:
        """The walk that to_json wrote."""
        return Walk(
            Talk.from_json(document["talk"]),
            {at: tuple(Answer.from_json(each) for each in given) for at, given in document["answers"].items()},
            document["language"],
            document["country"],
            tuple(Line(who, text) for who, text in document["lines"]),
            document["done"],
        )


def start(form: Questionnaire, language: str, country: str, here: Here) -> Walk:
    """A walk at its beginning: the reminder with the first question."""
    walk = Walk(Talk.idle(), {}, language, country)
    return _went(walk, remind(_task(form, here.now), _desk(walk, form, here)))


def tell(walk: Walk, form: Questionnaire, text: str, here: Here) -> Walk:
    """One text of the patient's: the safety screen first, then the conversation."""
    verdict = screen(text, lexicon())
    walk = _with(walk, Line("patient", text))
    if is_alarming(verdict):
        walk = _with(walk, Line("us", emergency_words(verdict, walk.language, walk.country)), Line("note", "alarm"))
    return _turn(walk, form, text, verdict, here)


def fill(walk: Walk, form: Questionnaire, wanted: Answers, here: Here) -> tuple[Walk, tuple[Issue, ...]]:
    """Answers of the form: those that can stand become answers of the conversation too, which goes on from there.

    The issues are of the others; the walk has at their places what it had before.
    """
    issues = tuple(one for one in check(form.at(here.now), _given(wanted)) if one.code not in _UNFINISHED)
    wrong = {one.link_id for one in issues}
    kept = {at: given for at, given in wanted.items() if at not in wrong}
    kept |= {at: given for at, given in walk.answers.items() if at in wrong}
    changed = [at for at in (*kept, *walk.answers) if kept.get(at, ()) != walk.answers.get(at, ())]
    walk = replace(walk, answers=kept, talk=walk.talk if walk.done else replace(walk.talk, answers=kept))
    if not changed:
        return walk, issues
    told = (_told(form, at, kept.get(at, ()), walk.language) for at in dict.fromkeys(changed))
    walk = _with(walk, *(Line("form", text) for text in told if text))
    return _caught_up(walk, form, here), issues


def speak(walk: Walk, form: Questionnaire, language: str, here: Here) -> Walk:
    """The same walk in another language; the open question is asked again."""
    walk = replace(walk, language=language)
    if walk.talk.questionnaire is None:
        return walk
    return _turn(replace(walk, talk=replace(walk.talk, asked=None)), form, _GO_ON, NOTHING, here)


def finish(walk: Walk, form: Questionnaire) -> tuple[Walk, tuple[Issue, ...]]:
    """Send the form: done, or what is still wrong with it."""
    on = enabled(form, walk.answers)
    issues = tuple(check(form, {at: given for at, given in walk.answers.items() if at in on}))
    if issues:
        return walk, issues
    return _with(replace(walk, talk=Talk.idle(), done=True), Line("note", "sent")), ()


def response(walk: Walk, form: Questionnaire, now: datetime) -> dict[str, Any]:
    """The QuestionnaireResponse that these answers make, of nobody."""
    status = ResponseStatus.COMPLETED if walk.done else ResponseStatus.IN_PROGRESS
    made = to_response(form, walk.answers, id=TASK, patient="nobody", authored=now, status=status.value)
    return {name: part for name, part in made.items() if name not in ("id", "subject")}


def faults(made: Mapping[str, Any], form: Questionnaire) -> list[str]:
    """What keeps such a response from being valid FHIR of this form, in words with the place; empty when it is."""
    return [f"{one.expression}: {one.message}" for one in validate(form, made) if one.severity == "error"]


def scored(walk: Walk, form: Questionnaire) -> tuple[Score, ...]:
    """The scores that a report of these answers would have."""
    fitting = (definition for definition in scores() if applies(definition, form))
    return tuple(one for definition in fitting for one in score(definition, form, walk.answers))


def _caught_up(walk: Walk, form: Questionnaire, here: Here) -> Walk:
    """The conversation after answers that it did not hear: it asks what is open now, if that is another question."""
    talk = walk.talk
    if talk.questionnaire is None and not walk.done:  # after STOP nothing is asked any more
        return walk
    spot = next_item(form, walk.answers, talk.skipped)
    if spot is None and walk.done:
        return walk
    if talk.questionnaire is None:
        talk = Talk("asking", form.canonical, TASK)
    skipped = frozenset(at for at in talk.skipped if not walk.answers.get(at))
    asked = talk.asked if spot is not None and spot.place == talk.asked else None
    talk = replace(talk, status="asking", answers=walk.answers, skipped=skipped, asked=asked, before=None)
    walk = replace(walk, talk=talk, done=False)
    return walk if asked is not None else _turn(walk, form, _GO_ON, NOTHING, here)


def _turn(walk: Walk, form: Questionnaire, text: str, verdict: Verdict, here: Here) -> Walk:
    return _went(walk, take_turn(walk.talk, text, verdict, _desk(walk, form, here)))


def _went(walk: Walk, turn: Turn) -> Walk:
    """The walk after a turn of the conversation."""
    answers = turn.talk.answers if turn.talk.questionnaire is not None else walk.answers
    language, done, notes = walk.language, walk.done, []
    for act in turn.acts:
        match act:
            case Completed():
                answers, done = act.answers, True
                notes.append("done")
            case Stopped():
                answers = act.answers
                notes.append("stopped")
            case Withdrew():
                notes.append("withdrew")
            case AskedForPerson():
                notes.append("person")
            case Refused():
                notes.append("refused")
            case ChoseLanguage():
                language = act.language
            case _:
                pass
    lines = [Line("us", say.text) for say in turn.says] + [Line("note", code) for code in dict.fromkeys(notes)]
    return _with(replace(walk, talk=turn.talk, answers=answers, language=language, done=done), *lines)


def _given(answers: Answers) -> dict[str, tuple[Answer, ...]]:
    return {at: given for at, given in answers.items() if given}


def _with(walk: Walk, *lines: Line) -> Walk:
    return replace(walk, lines=(*walk.lines, *lines)[-MOST_LINES:])


def _told(form: Questionnaire, at: str, given: tuple[Answer, ...], language: str) -> str:
    """An answer of the form as a line of the chat; "" for what no person answered."""
    item = form.by_id.get(link_id_of(at))
    if item is None or not item.is_question:
        return ""
    said = ", ".join(answer_text(item, each, language) for each in given) or "—"
    return f"{in_language(item.text, language)} {said}".strip()


def _task(form: Questionnaire, now: datetime) -> OpenTask:
    title = {"en": in_language(form.title, "en"), **form.title}
    return OpenTask(TASK, form.canonical, title, now)


def _desk(walk: Walk, form: Questionnaire, here: Here) -> Desk:
    return Desk(
        language=walk.language,
        zone=ZONE,
        now=here.now,
        questionnaires=lambda _: form.at(here.now),
        open_tasks=() if walk.done else (_task(form, here.now),),
        diary=None,
        say=voice(walk.language),
        emergency_number=emergency_number(walk.country),
        max_length=here.able.max_length,
        segments=here.able.segments,
        link=here.link if here.able.links else "",
        voices=voice,
    )
