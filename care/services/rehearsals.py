"""A questionnaire filled in by chance, to its end, by form and by text: the same chance gives the same report twice.

Nobody is asked, and nothing is kept or sent. What a text cannot answer (a file) is given in the form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Literal

from care.domain.codes import ResponseStatus
from care.domain.conversation import begin, take_turn
from care.domain.questionnaire import (
    Answer,
    Answers,
    Questionnaire,
    Spot,
    answered,
    check,
    filled,
    next_item,
    to_response,
)
from care.domain.questionnaire.form import form as drawn
from care.domain.questionnaire.form import shown
from care.domain.questionnaire.model import MORE, Item
from care.domain.questionnaire.places import link_id_of
from care.domain.questionnaire.posted import answers_from_form
from care.domain.questionnaire.replies import reply
from care.domain.questionnaire.sampling import BY_HAND, Given, sampled
from care.domain.questionnaire.scores import Score, applies, score
from care.domain.questionnaire.validate import Problem, is_valid, validate
from care.domain.screen import screen
from care.domain.turn import Completed, Desk, OpenTask, Talk, Turn
from care.library import emergency_number, lexicon, texts
from care.library.scores import scores

Face = Literal["sms", "form"]
LANGUAGE, COUNTRY, ZONE, SKIP, GO_ON, TASK = "en", "US", "UTC", "skip", "ok", "rehearsal"
_TRIES, _TURNS = 40, 24
MOST_QUESTIONS = 3_000
"""A form that asks more would tire anybody, and one that never ends is found out."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How it went. `stuck` says where it could not go on and why ("" when it came to the end); `response` is the
    QuestionnaireResponse, `problems` what keeps that from being valid, `scores` the library's
    scores of it.
    """

    asked: int
    answered: int
    skipped: int
    completed: bool
    stuck: str
    response: Mapping[str, Any]
    problems: tuple[Problem, ...]
    scores: tuple[Score, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the response is a valid one of its questionnaire."""
        return is_valid(list(self.problems))


@dataclass(slots=True)
class _Going:
    """What was asked so far: the places that were answered or left out."""

    form: Questionnaire
    seed: str
    now: datetime
    seen: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    stuck: str = ""

    def next(self, answers: Answers) -> tuple[Spot, Given] | None:
        """The question that is open and what is answered to it, () to leave it out; None at the end."""
        spot = None if self.stuck else next_item(self.form, answers, self.skipped)
        if spot is None:
            return None
        if spot.item.type != MORE:
            self.seen.add(spot.place)
        if len(self.seen) > MOST_QUESTIONS:
            self.stuck = f"more than {MOST_QUESTIONS} questions"
            return None
        given = self._chosen(answers, spot)
        if given is None:
            self.stuck = f"item {spot.item.link_id!r}: no answer that it takes was found"
            return None
        if not given:
            self.skipped.add(spot.place)
        return spot, given

    def _chosen(self, answers: Answers, spot: Spot) -> Given | None:
        """Answers by the question's place alone; where it has rules of its own, the first that keep them."""
        begun = spot.item.min_occurs if spot.item.type == MORE else 0
        given = sampled(spot.item, Random(f"{self.seed}|{spot.place}|{begun}"), self.now)
        for again in range(_TRIES if spot.item.constraints else 0):
            if given is not None and _kept(self.form, answers, spot, given):
                break
            given = sampled(spot.item, Random(f"{self.seed}|{spot.place}|{again}"), self.now)
        return given


def _kept(form: Questionnaire, answers: Answers, spot: Spot, given: Given) -> bool:
    """Whether the question's own rules hold once it is answered so."""
    then = answered(form, answers, spot, given) if given else answers
    return not any(one.code == "constraint" and one.link_id == spot.place for one in check(form, then))


def rehearse(form: Questionnaire, face: Face, seed: int, now: datetime) -> Rehearsal:
    """Fill the questionnaire in to its end on one face. `seed` decides every answer, by its place.

    A form with rules over several answers may not hold them by chance: then other answers are tried a few times.
    """
    run = _by_text if face == "sms" else _by_form
    first = run(_Going(form.at(now), str(seed), now))
    has_rules = bool(form.constraints) or any(item.constraints for item in form.items)
    again = (run(_Going(form.at(now), f"{seed}/{turn}", now)) for turn in range(_TURNS if has_rules else 0))
    return first if first.completed else next((one for one in again if one.completed), first)


def _by_form(going: _Going) -> Rehearsal:
    """As the app does it: the values of each place are collected and posted whole."""
    form = going.form
    answers: Answers = {}
    while (step := going.next(answers)) is not None:
        spot, given = step
        answers = answered(form, answers, spot, given) if given else answers
    posted = json.loads(json.dumps(_posted(form, answers)))
    read = answers_from_form(form, posted, ZONE)
    drawn(form, read, LANGUAGE)
    return _told(going, read, not going.stuck)


def _posted(form: Questionnaire, answers: Answers) -> dict[str, list[Any]]:
    """Answers as the app posts them: FHIR's value[x] at each place, and how many instances of a group there are."""
    posted: dict[str, list[Any]] = {}
    for at, given in answers.items():
        item = form.by_id[link_id_of(at)]
        posted[at] = [_value(item, one) if item.is_question else one.value for one in given]
    return posted


def _value(item: Item, answer: Answer) -> dict[str, Any]:
    if answer.type == "attachment":
        return {"valueAttachment": {"title": answer.value, **json.loads(answer.content)}}
    return shown(item, answer)


def _by_text(going: _Going) -> Rehearsal:
    """As a patient does it: every answer is a text to the question that is open."""
    talking = _Talking(going)
    while (step := going.next(talking.answers)) is not None:
        spot, given = step
        if spot.item.type in BY_HAND:
            talking.fill(spot, given, frozenset(going.skipped))
        elif talking.talk.asked != spot.place:
            going.stuck = f"item {spot.item.link_id!r}: another question was asked"
        elif not talking.tell(spot, given):
            going.stuck = f"item {spot.item.link_id!r}: the text was not taken as its answer"
    return _told(going, talking.answers, talking.done)


class _Talking:
    """One conversation: what was answered in it, and whether it came to its end."""

    def __init__(self, going: _Going) -> None:
        form, now = going.form, going.now
        known = texts()
        task = OpenTask(TASK, form.canonical, form.title, now)
        self.form = form
        self.desk = Desk(
            language=LANGUAGE,
            zone=ZONE,
            now=now,
            questionnaires=lambda _: form,
            open_tasks=(task,),
            diary=None,
            say=lambda key, params: known.say(LANGUAGE, key, **params),
            emergency_number=emergency_number(COUNTRY),
        )
        self.answers: Answers = {}
        self.done = False
        self.talk = Talk.idle()
        self._went(begin(task, self.desk))

    def tell(self, spot: Spot, given: Given) -> bool:
        """One text of the patient's, through the safety screen. False when it did not become these answers."""
        text = reply(spot.item, given) if given else SKIP
        self._went(take_turn(self.talk, text, screen(text, lexicon()), self.desk))
        if spot.item.type == MORE or not given:
            return self.talk.misses == 0
        return self.answers.get(spot.place) == given

    def fill(self, spot: Spot, given: Given, skipped: frozenset[str]) -> None:
        """What no text can answer, answered in the form; the conversation goes on with what is open then."""
        if not given:
            return
        self.answers = answered(self.form, self.answers, spot, given)
        following = next_item(self.form, self.answers, skipped)
        if following is None:
            self.done = True
            return
        asked = self.talk.asked if self.talk.asked == following.place else None
        self.talk = Talk("asking", self.form.canonical, TASK, self.answers, skipped, asked)
        if asked is None:
            self._went(take_turn(self.talk, GO_ON, screen(GO_ON, lexicon()), self.desk))

    def _went(self, turn: Turn) -> None:
        self.talk = turn.talk
        self.done = any(isinstance(act, Completed) for act in turn.acts)
        if turn.talk.questionnaire is not None:
            self.answers = turn.talk.answers
        for act in turn.acts:
            if isinstance(act, Completed):
                self.answers = act.answers


def _told(going: _Going, answers: Answers, done: bool) -> Rehearsal:
    form, whole = going.form, filled(going.form, answers)
    completed = done and not going.stuck and not check(form, whole)
    status = ResponseStatus.COMPLETED if completed else ResponseStatus.IN_PROGRESS
    made = to_response(form, whole, id=TASK, patient="nobody", authored=going.now, status=status.value)
    response = {name: part for name, part in made.items() if name not in ("id", "subject")}
    given = sum(1 for at in going.seen if answers.get(at))
    problems = tuple(validate(form, response))
    scored = tuple(one for each in scores() if applies(each, form) for one in score(each, form, whole))
    return Rehearsal(len(going.seen), given, len(going.skipped), completed, going.stuck, response, problems, scored)
