"""The diary inside a conversation: an entry nobody asked for is kept, told back, and the open question stays open."""

from __future__ import annotations

from care.domain.codes import Purpose
from care.domain.conversation.asking import ask_at
from care.domain.diary import Entry, Refusal, answers_for, entry_inside, read_entry
from care.domain.questionnaire import Answer, Answers, Questionnaire, Spot, answer_text
from care.domain.turn import Desk, Noted, Say, Talk, Turn

GLUCOSE = "2339-0"


def diary(text: str, desk: Desk) -> Entry | Refusal | None:
    """The text read as a diary entry; None where the patient keeps no diary or it is none."""
    if desk.diary is None:
        return None
    return read_entry(text, desk.now, desk.zone, desk.language, desk.diary.default_unit)


def inside(text: str, desk: Desk) -> Entry | None:
    """A reading that stands somewhere in a text."""
    if desk.diary is None:
        return None
    return entry_inside(text, desk.now, desk.zone, desk.language, desk.diary.default_unit)


def noted(talk: Talk, text: str, desk: Desk, spot: Spot | None, entry: Entry | None = None) -> Turn:
    """Keep a diary entry, tell it back, and leave the open question (`spot`) as it is, asked again."""
    found = entry if entry is not None else diary(text, desk)
    if not isinstance(found, Entry) or desk.diary is None:
        return Turn(talk)
    answers = answers_for(found)
    echo = desk.say("diary-recorded", {"what": _what(found, answers, desk), "when": desk.moment(found.at)})
    acts = (Noted(desk.diary.questionnaire, answers, found),)
    if spot is not None and talk.questionnaire is not None:
        asked = ask_at(talk, spot, desk, echo, purpose=Purpose.REPLY)
        return Turn(asked.talk, asked.says, acts)
    return Turn(talk, (Say(Purpose.REPLY, echo),), acts)


def context_of(entry: Entry, answers: Answers, form: Questionnaire) -> Answers:
    """ "glucose 58 before lunch" answers the glucose question; its context is kept where the form can hold it."""
    item = form.by_id.get("context")
    if not entry.context or item is None or item.loops:
        return answers
    return {**answers, "context": answers_for(entry)["context"]}


def _what(entry: Entry, answers: dict[str, tuple[Answer, ...]], desk: Desk) -> str:
    """glucose 58 mg/dL, before breakfast: in the words of the diary questionnaire."""
    form = desk.questionnaires(desk.diary.questionnaire if desk.diary else "")
    parts = [answer_text(form.by_id["kind"], answers["kind"][0], desk.language)]
    if entry.value is not None:
        parts.append(answer_text(form.by_id[entry.kind], answers[entry.kind][0], desk.language))
    if entry.context:
        parts.append(answer_text(form.by_id["context"], answers["context"][0], desk.language))
    return " ".join(parts)
