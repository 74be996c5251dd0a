"""Opening: a task's questionnaire begins, or goes on where it stopped; which of several tasks is meant."""

from __future__ import annotations

from dataclasses import replace

from care.domain.codes import Purpose
from care.domain.conversation.asking import ask_next
from care.domain.conversation.replying import fitted, stopped
from care.domain.segments import clipped, folded
from care.domain.turn import Began, Desk, OpenTask, Say, Stopped, Talk, Turn


def begin(task: OpenTask, desk: Desk, talk: Talk | None = None) -> Turn:
    """Open the questionnaire of a task; the messages ask its first question.

    `talk` is what was going on before: of another task, what was answered is handed over as Stopped and not lost; of
    the same task, the open question is asked again.
    """
    return fitted(opened(task, desk, talk), desk)


def remind(task: OpenTask, desk: Desk, talk: Talk | None = None) -> Turn:
    """The same in exactly one message, for somebody who may not be there.

    Where the question does not fit, it asks for an OK first; then nothing was asked yet.
    """
    turn = begin(task, desk, talk)
    ended = turn.talk.questionnaire is None  # nothing that a text can answer: it ends with the OK, not unheard
    if len(turn.says) == 1 and not ended:
        return turn
    words = "\n".join((_title(task, desk, talk), desk.say("reply-ok", {})))
    short = clipped(folded(words) if desk.segments else words, desk.room)
    open_talk = Talk("asking", task.questionnaire, task.id) if ended else turn.talk
    acts = tuple(act for act in turn.acts if isinstance(act, Began | Stopped))
    return Turn(replace(open_talk, asked=None), (Say(Purpose.REMINDER, short),), acts)


def invite(task: OpenTask, talk: Talk | None = None) -> Turn:
    """A notice that names nothing invites to a task; an OK to it asks the first question, or the open one again.

    What was answered of another task is handed over as Stopped. Nothing is said here: the notice is constant.
    """
    if talk is not None and _same(task, talk):
        return Turn(awaiting(talk))
    return Turn(Talk("invited", task.questionnaire, task.id), (), (*stopped(talk), Began(task.id, task.questionnaire)))


def awaiting(talk: Talk) -> Talk:
    """A conversation into which a notice came: an OK means that it goes on, and answers no open question."""
    return replace(talk, status="invited", misses=0)


def opened(task: OpenTask, desk: Desk, talk: Talk | None = None) -> Turn:
    """What `begin` does, with messages of any length."""
    title = _title(task, desk, talk)
    if talk is not None and _same(task, talk):
        return ask_next(replace(talk, misses=0), desk, Purpose.REMINDER, (title,))
    started = Talk("asking", task.questionnaire, task.id)
    turn = ask_next(started, desk, Purpose.REMINDER, (title,))
    return replace(turn, acts=(*stopped(talk), Began(task.id, task.questionnaire), *turn.acts))


def offer(desk: Desk) -> Turn:
    """Several tasks are open: which one?"""
    titles = "\n".join(f"{n}. {desk.title(task)}" for n, task in enumerate(desk.open_tasks, start=1))
    text = desk.say("which-task", {"titles": titles})
    return Turn(Talk("choosing"), (Say(Purpose.QUESTION, text),))


def _same(task: OpenTask, talk: Talk) -> bool:
    return talk.questionnaire is not None and talk.task_id == task.id


def _title(task: OpenTask, desk: Desk, talk: Talk | None) -> str:
    again = talk is not None and _same(task, talk)
    return desk.say("reminder-again" if again else "reminder", {"title": desk.title(task)})
