"""One text in, one turn out: replies, kept answers, a finished report, a withdrawal, a call for a person. Pure.

The order is fixed: a crisis or red-flag word first (nothing is said here: the emergency reply left when the text came
in), then STOP, START, HELP and the wish for a person, then the open question, then a diary entry, then a person.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from care.domain.codes import Purpose
from care.domain.diary import NOT_OF_A_READING, Entry, Refusal, answers_for, entry_inside, read_entry
from care.domain.questionnaire import (
    Answer,
    Item,
    Questionnaire,
    Spot,
    Unclear,
    answer_text,
    answered,
    ask,
    lead,
    next_item,
    previous_item,
    progress,
    read_answer,
    read_answers,
    spot_at,
    taken_back,
)
from care.domain.questionnaire.text import TRAILING, normalised, readable
from care.domain.questionnaire.units import SPELLED
from care.domain.questionnaire.words import BACK, BEGIN, COURTESY, SKIP
from care.domain.screen import Verdict
from care.domain.turn import (
    Act,
    AskedForPerson,
    Began,
    Completed,
    Desk,
    Noted,
    OpenTask,
    Refused,
    Returned,
    Say,
    Stopped,
    Talk,
    Turn,
    Withdrew,
)

MISSES_BEFORE_A_PERSON = 2
TOLD_AGAIN = timedelta(minutes=15)
"""Until then a further text that a person reads is not answered: a phone that answers by itself never stops."""
GLUCOSE = "2339-0"
_CLAUSES = re.compile(r"[,，、。;；!！?？\n]|\. |\band\b")
_BARE_NUMBER = re.compile(r"[0-9]{1,4}(?:[.,][0-9]{1,2})?")
_LEADING = re.compile(rf"([0-9]{{1,3}}(?:\.[0-9]{{1,2}})?(?: ?(?:{SPELLED.pattern}))?)(?!{NOT_OF_A_READING.pattern})")
_FREE = ("string", "text")
_UNASKED = ("free-text", "not-understood", "unreadable")


def take_turn(talk: Talk, text: str, verdict: Verdict, desk: Desk) -> Turn:
    """What one text of the patient does. `verdict` is the safety screen's on the same text."""
    dropped: tuple[Act, ...] = ()
    if talk.task_id is not None and all(task.id != talk.task_id for task in desk.open_tasks):
        dropped, talk = _stopped(talk), Talk.idle()
    turn = _turn(talk, text, verdict, desk)
    return replace(turn, acts=dropped + turn.acts) if dropped else turn


def begin(task: OpenTask, desk: Desk, talk: Talk | None = None) -> Turn:
    """Open the questionnaire of a task; the message asks its first question.

    `talk` is what was going on before: of another task, what was answered is handed over as Stopped and not lost; of
    the same task, the open question is asked again.
    """
    if talk is not None and talk.questionnaire is not None and talk.task_id == task.id:
        return _ask_next(replace(talk, misses=0), desk, Purpose.REMINDER, _title(task, desk, "reminder-again"))
    acts = _stopped(talk)
    started = Talk("asking", task.questionnaire, task.id)
    turn = _ask_next(started, desk, Purpose.REMINDER, _title(task, desk, "reminder"))
    return replace(turn, acts=(*acts, Began(task.id, task.questionnaire), *turn.acts))


def _title(task: OpenTask, desk: Desk, key: str) -> str:
    return desk.say(key, {"title": desk.title(task)})


def _turn(talk: Talk, text: str, verdict: Verdict, desk: Desk) -> Turn:
    if verdict.kind in ("crisis", "red_flag"):
        return _in_danger(talk, text, desk)
    if verdict.kind == "stop":
        confirmation = Say(Purpose.CONFIRMATION, desk.say("stop-confirmed", {}))
        return Turn(Talk.idle(), (confirmation,), (*_stopped(talk), Withdrew()))
    if verdict.kind == "start":
        return _returned(talk, desk)
    if verdict.kind == "help":
        return Turn(talk, (_reply(desk, "help", number=desk.emergency_number),))
    if verdict.kind == "human":
        return _person(talk, desk, "asked", "handed-to-person")
    if not readable(text):
        return _person(talk, desk, "unreadable", "too-long")
    plain = normalised(text).rstrip(TRAILING)
    if talk.questionnaire is not None:
        return _answering(talk, text, plain, desk)
    if talk.status == "choosing":
        return _choosing(talk, text, plain, desk)
    return _idle(talk, text, plain, desk)


# -- danger, commands -------------------------------------------------------------------------------------------------


def _in_danger(talk: Talk, text: str, desk: Desk) -> Turn:
    """Keep a valid answer that the text holds, and say nothing: no question may stand under an emergency reply."""
    if talk.questionnaire is None:
        return _entry_in_danger(talk, text, desk)
    form = desk.questionnaires(talk.questionnaire)
    spot = spot_at(form, talk.answers, talk.asked or "")
    found = _answer_inside(spot.item, text, desk) if spot is not None and readable(text) else None
    if spot is None or found is None:
        return _entry_in_danger(talk, text, desk)
    talk = replace(talk, answers=answered(form, talk.answers, spot, found))
    if next_item(form, talk.answers, talk.skipped) is None:
        return Turn(Talk.idle(), (), (Completed(talk.questionnaire or "", talk.task_id, talk.answers),))
    return Turn(replace(talk, asked=None))


def _entry_in_danger(talk: Talk, text: str, desk: Desk) -> Turn:
    """A diary entry in a dangerous text is kept too, in silence."""
    if desk.diary is None:
        return Turn(talk)
    parts = (_diary(part, desk) for part in (text, *_CLAUSES.split(text)))
    entry = next((part for part in parts if isinstance(part, Entry)), None)
    entry = entry or _inside(text, desk)
    if entry is None:
        return Turn(talk)
    return Turn(talk, (), (Noted(desk.diary.questionnaire, answers_for(entry), entry),))


def _answer_inside(item: Item, text: str, desk: Desk) -> tuple[Answer, ...] | None:
    """The answer in the whole text, or in exactly one of its clauses ("38.5, …"), or the number it begins with."""
    whole = read_answers(item, text, desk.language, desk.now, desk.zone, desk.prefer(item))
    if not isinstance(whole, Unclear):
        return whole
    parts = [part for part in _CLAUSES.split(text) if part and part.strip()][:10]
    read = [read_answer(item, part, desk.language, desk.now, desk.zone, desk.prefer(item)) for part in parts]
    found = [answer for answer in read if not isinstance(answer, Unclear)]
    if len(found) == 1 or item.type != "quantity":
        return (found[0],) if len(found) == 1 else None
    first = _LEADING.match(normalised(text))
    said = read_answer(item, first[1], desk.language, desk.now, desk.zone, desk.prefer(item)) if first else None
    return None if said is None or isinstance(said, Unclear) else (said,)


def _returned(talk: Talk, desk: Desk) -> Turn:
    """START: the consent is back; an open question is asked again, or the one open task begins."""
    confirmation = Say(Purpose.CONFIRMATION, desk.say("start-confirmed", {}))
    turn = Turn(talk)
    if talk.questionnaire is not None:
        turn = _ask_next(talk, desk)
    elif len(desk.open_tasks) == 1:
        turn = begin(desk.open_tasks[0], desk)
    return Turn(turn.talk, (confirmation, *turn.says), (Returned(), *turn.acts))


def _person(talk: Talk, desk: Desk, reason: str, key: str) -> Turn:
    """A person reads it, and the patient is told so; not again for each text of the next minutes."""
    act = AskedForPerson(reason)
    if reason in _UNASKED and talk.told is not None and desk.now - talk.told < TOLD_AGAIN:
        return Turn(talk, (), (act,))
    return Turn(replace(talk, told=desk.now), (_reply(desk, key, number=desk.emergency_number),), (act,))


def _reply(desk: Desk, key: str, **params: str) -> Say:
    return Say(Purpose.REPLY, desk.say(key, params))


def _stopped(talk: Talk | None) -> tuple[Act, ...]:
    if talk is None or talk.questionnaire is None or not talk.answers:
        return ()
    return (Stopped(talk.questionnaire, talk.task_id, talk.answers),)


# -- an open question -------------------------------------------------------------------------------------------------


def _answering(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    form = desk.questionnaires(talk.questionnaire or "")
    if plain in BACK:
        return _back(talk, form, desk)
    spot = spot_at(form, talk.answers, talk.asked or "")
    if spot is None:  # nothing was asked since an emergency: what is written now answers no question of ours
        return _resume(talk, text, plain, desk)
    item = spot.item
    if plain in SKIP and not any(plain in option.text.values() for option in item.options):
        return _skip(talk, spot, desk)
    if item.type in _FREE and isinstance(_diary(text, desk), Entry):
        return _noted(talk, text, desk, spot)
    read = read_answers(item, text, desk.language, desk.now, desk.zone, desk.prefer(item))
    if isinstance(read, Unclear):
        entry = _diary(text, desk)
        if not isinstance(entry, Entry):
            return _missed(talk, spot, form, read, desk)
        if entry.kind != "glucose" or item.code != GLUCOSE or entry.at != desk.now:
            return _noted(talk, text, desk, spot, entry)
        talk, read = _context_of(entry, talk, form), answers_for(entry)["glucose"]
    talk = replace(talk, answers=answered(form, talk.answers, spot, read), status="asking", misses=0)
    return _ask_next(talk, desk, before=_echo(item, read, desk))


def _context_of(entry: Entry, talk: Talk, form: Questionnaire) -> Talk:
    """ "glucose 58 before lunch" answers the glucose question; its context is kept where the form can hold it."""
    if not entry.context or "context" not in form.by_id:
        return talk
    return talk.answered("context", answers_for(entry)["context"])


def _echo(item: Item, read: tuple[Answer, ...], desk: Desk) -> str:
    """A number is told back as it was understood, so that a slip is seen at once."""
    if item.type != "quantity":
        return ""
    return desk.say("understood", {"value": answer_text(item, read[0], desk.language)})


def _ask_next(talk: Talk, desk: Desk, purpose: Purpose = Purpose.QUESTION, before: str = "") -> Turn:
    """Ask the next open question, or complete."""
    form = desk.questionnaires(talk.questionnaire or "")
    spot = next_item(form, talk.answers, talk.skipped)
    if spot is None:
        thanks = "\n".join(part for part in (before, desk.say("complete", {})) if part)
        done = Completed(talk.questionnaire or "", talk.task_id, talk.answers)
        return Turn(Talk.idle(), (Say(Purpose.REPLY, thanks),), (done,))
    text = _question(talk, form, spot, desk, before)
    return Turn(replace(talk, status="asking", asked=spot.place), (Say(purpose, text),))


def _question(talk: Talk, form: Questionnaire, spot: Spot, desk: Desk, before: str) -> str:
    room = desk.max_length - len(before) - 1 if before else desk.max_length
    done = progress(form, talk.answers, talk.skipped)
    text = ask(spot.item, desk.language, done, room, lead(form, spot, talk.answers))
    return f"{before}\n{text}" if before else text


def _missed(talk: Talk, spot: Spot, form: Questionnaire, read: Unclear, desk: Desk) -> Turn:
    """Asked once more with the reason; the second time a person reads it, and the question stays open."""
    misses = talk.misses + 1
    if misses >= MISSES_BEFORE_A_PERSON:
        handed = replace(talk, status="handed-over", misses=misses)
        return _person(handed, desk, "not-understood", "handed-to-person")
    key = {"out-of-range": "out-of-range", "ambiguous": "ambiguous", "several": "several"}.get(read.reason, "")
    why = desk.say(key or "not-understood", {"value": read.understood or "?"} if key in _WITH_VALUE else {})
    return Turn(replace(talk, misses=misses), (Say(Purpose.QUESTION, _question(talk, form, spot, desk, why)),))


_WITH_VALUE = ("out-of-range", "ambiguous")


def _back(talk: Talk, form: Questionnaire, desk: Desk) -> Turn:
    """Take the previous answer back and ask that question again."""
    spot = previous_item(form, talk.answers, talk.skipped, talk.asked)
    if spot is None:
        return _ask_next(talk, desk)
    kept = taken_back(form, talk.answers, spot)
    talk = replace(talk, answers=kept, skipped=talk.skipped - {spot.place}, misses=0, status="asking")
    text = _question(talk, form, spot, desk, desk.say("corrected", {}))
    return Turn(replace(talk, asked=spot.place), (Say(Purpose.QUESTION, text),))


def _skip(talk: Talk, spot: Spot, desk: Desk) -> Turn:
    if spot.item.required:
        form = desk.questionnaires(talk.questionnaire or "")
        text = _question(talk, form, spot, desk, desk.say("cannot-skip", {}))
        return Turn(talk, (Say(Purpose.QUESTION, text),))
    return _ask_next(replace(talk, skipped=talk.skipped | {spot.place}, misses=0), desk)


def _resume(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    turn = _ask_next(talk, desk)
    if plain in BEGIN or plain in COURTESY:
        return turn
    if isinstance(_diary(text, desk), Entry):
        noted = _noted(talk, text, desk, None)
        return Turn(turn.talk, noted.says + turn.says, noted.acts + turn.acts)
    person = _person(talk, desk, "free-text", "free-text-received")
    return Turn(replace(turn.talk, told=person.talk.told), person.says + turn.says, person.acts + turn.acts)


# -- nothing is open --------------------------------------------------------------------------------------------------


def _idle(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    entry = _diary(text, desk)
    if isinstance(entry, Entry):
        return _noted(talk, text, desk, None, entry)
    if isinstance(entry, Refusal) and (plain.isascii() or _inside(text, desk) is None):
        params = {"value": entry.understood or "?"} if entry.reason == "out-of-range" else {}
        return Turn(talk, (_reply(desk, f"diary-{entry.reason}", **params),), (Refused(entry.reason),))
    if isinstance(entry, Refusal):  # 血糖3.2有点头晕: no space tells the value from the remark
        return _remark(talk, text, desk)
    if plain in BEGIN and desk.open_tasks:
        return begin(desk.open_tasks[0], desk) if len(desk.open_tasks) == 1 else _offer(desk)
    if plain in COURTESY:
        return Turn(talk)
    if desk.diary is not None and _BARE_NUMBER.fullmatch(plain):  # of what? a person reads it, and the reply asks
        acts = (Refused("unknown-kind"), AskedForPerson("free-text"))
        return Turn(talk, (_reply(desk, "diary-unknown-kind"),), acts)
    if plain in BACK:
        return _person(talk, desk, "correction", "correction-to-person")
    return _remark(talk, text, desk)


def _remark(talk: Talk, text: str, desk: Desk) -> Turn:
    """Free text is a person's; a reading in it is kept and told back too, so that a low is judged now."""
    inside = _inside(text, desk)
    person = _person(talk, desk, "free-text", "free-text-received")
    if inside is None:
        return person
    noted = _noted(person.talk, text, desk, None, inside)
    return Turn(noted.talk, noted.says + person.says, noted.acts + person.acts)


def _inside(text: str, desk: Desk) -> Entry | None:
    if desk.diary is None:
        return None
    return entry_inside(text, desk.now, desk.zone, desk.language, desk.diary.default_unit)


def _offer(desk: Desk) -> Turn:
    """Several tasks are open: which one?"""
    titles = "\n".join(f"{n}. {desk.title(task)}" for n, task in enumerate(desk.open_tasks, start=1))
    text = desk.say("which-task", {"titles": titles})
    return Turn(Talk("choosing"), (Say(Purpose.QUESTION, text),))


def _choosing(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    number = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 3 else 0
    named = [task for task in desk.open_tasks if normalised(desk.title(task)) == plain]
    if 1 <= number <= len(desk.open_tasks):
        named = [desk.open_tasks[number - 1]]
    if len(named) == 1:
        return begin(named[0], desk)
    if isinstance(_diary(text, desk), Entry | Refusal):
        return _idle(Talk.idle(), text, plain, desk)
    if not desk.open_tasks or talk.misses + 1 >= MISSES_BEFORE_A_PERSON:
        return _person(Talk(told=talk.told), desk, "not-understood", "handed-to-person")
    offered = _offer(desk)
    return replace(offered, talk=replace(offered.talk, misses=talk.misses + 1))


def _diary(text: str, desk: Desk) -> Entry | Refusal | None:
    if desk.diary is None:
        return None
    return read_entry(text, desk.now, desk.zone, desk.language, desk.diary.default_unit)


def _noted(talk: Talk, text: str, desk: Desk, spot: Spot | None, entry: Entry | None = None) -> Turn:
    """Keep a diary entry, tell it back, and leave the open question (`spot`) as it is, asked again."""
    found = entry if entry is not None else _diary(text, desk)
    if not isinstance(found, Entry) or desk.diary is None:
        return Turn(talk)
    answers = answers_for(found)
    echo = desk.say("diary-recorded", {"what": _what(found, answers, desk), "when": desk.moment(found.at)})
    if spot is not None and talk.questionnaire is not None:
        form = desk.questionnaires(talk.questionnaire)
        echo = _question(talk, form, spot, desk, echo)
    says = (Say(Purpose.REPLY, echo),)
    return Turn(talk, says, (Noted(desk.diary.questionnaire, answers, found),))


def _what(entry: Entry, answers: dict[str, tuple[Answer, ...]], desk: Desk) -> str:
    """glucose 58 mg/dL, before breakfast: in the words of the diary questionnaire."""
    form = desk.questionnaires(desk.diary.questionnaire if desk.diary else "")
    parts = [answer_text(form.by_id["kind"], answers["kind"][0], desk.language)]
    if entry.value is not None:
        parts.append(answer_text(form.by_id[entry.kind], answers[entry.kind][0], desk.language))
    if entry.context:
        parts.append(answer_text(form.by_id["context"], answers["context"][0], desk.language))
    return " ".join(parts)
