"""Taking a turn: the fixed order in which one text is looked at."""

from __future__ import annotations

from dataclasses import replace

from care.domain.codes import Purpose
from care.domain.conversation.answering import answering
from care.domain.conversation.asking import ask_next, form_of
from care.domain.conversation.correcting import again
from care.domain.conversation.danger import in_danger, in_quiet
from care.domain.conversation.idling import choosing, idling
from care.domain.conversation.opening import opened
from care.domain.conversation.replying import fitted, reply, stopped, to_person
from care.domain.questionnaire import spot_at
from care.domain.questionnaire.text import TRAILING, normalised, readable
from care.domain.screen import Verdict
from care.domain.turn import Act, Desk, Returned, Say, Talk, Turn, Withdrew


def take_turn(talk: Talk, text: str, verdict: Verdict, desk: Desk) -> Turn:
    """What one text of the patient does. `verdict` is the safety screen's on the same text."""
    dropped: tuple[Act, ...] = ()
    if talk.task_id is not None and all(task.id != talk.task_id for task in desk.open_tasks):
        dropped, talk = stopped(talk), Talk(held=talk.held)
    turn = fitted(_turn(talk, text, verdict, desk), desk)
    return replace(turn, acts=dropped + turn.acts) if dropped else turn


def _turn(talk: Talk, text: str, verdict: Verdict, desk: Desk) -> Turn:
    if verdict.kind in ("crisis", "red_flag"):
        return in_danger(talk, text, desk, verdict.kind == "crisis")
    if verdict.kind == "stop":
        confirmation = Say(Purpose.CONFIRMATION, desk.say("stop-confirmed", {}))
        return Turn(Talk.idle(), (confirmation,), (*stopped(talk), Withdrew()))
    if verdict.kind == "start":
        return _returned(talk, desk)
    if verdict.kind == "help":
        return _helped(talk, desk)
    if verdict.kind == "human":
        return to_person(talk, desk, "asked", "handed-to-person")
    if not readable(text):
        return to_person(talk, desk, "unreadable", "too-long")
    plain = normalised(text).rstrip(TRAILING)
    if talk.held is not None and desk.now < talk.held:
        return in_quiet(talk, text, plain, desk)
    if talk.questionnaire is not None:
        return answering(talk, text, plain, desk)
    if talk.status == "choosing":
        return choosing(talk, text, plain, desk)
    return idling(talk, text, plain, desk)


def _helped(talk: Talk, desk: Desk) -> Turn:
    """HELP: what may be written at any time; and where a question is open, that question and how it is answered."""
    said = reply(desk, "help", number=desk.emergency_number)
    if talk.questionnaire is None or spot_at(form_of(talk, desk), talk.answers, talk.asked or "") is None:
        return Turn(talk, (said,))
    turn = again(talk, desk, example=True)
    return replace(turn, says=(said, *turn.says))


def _returned(talk: Talk, desk: Desk) -> Turn:
    """START: the consent is back; an open question is asked again, or the one open task begins."""
    confirmation = Say(Purpose.CONFIRMATION, desk.say("start-confirmed", {}))
    turn = Turn(talk)
    if talk.questionnaire is not None:
        turn = ask_next(talk, desk)
    elif len(desk.open_tasks) == 1:
        turn = opened(desk.open_tasks[0], desk)
    return Turn(turn.talk, (confirmation, *turn.says), (Returned(), *turn.acts))
