"""An open question: commands, an answer that is kept and told back, or a text that is none."""

from __future__ import annotations

from dataclasses import replace

from care.domain.codes import Purpose
from care.domain.commands import AGREED, Command, command_in, script
from care.domain.conversation.asking import ask_at, ask_next, form_of
from care.domain.conversation.correcting import again, back, change, given_last, left, reopened
from care.domain.conversation.hearing import FREE, hear, is_called, proposed, said_plainly, told
from care.domain.conversation.missing import broken_rule, missed
from care.domain.conversation.noting import GLUCOSE, context_of, diary, noted
from care.domain.conversation.replying import to_person
from care.domain.diary import Entry, answers_for
from care.domain.questionnaire import Answer, Spot, Unclear, answered, in_language, next_item, spot_at
from care.domain.questionnaire.model import CHOICES, MORE
from care.domain.questionnaire.reading import NOT_UNDERSTOOD
from care.domain.questionnaire.words import BEGIN, COURTESY
from care.domain.turn import ChoseLanguage, Desk, Say, Talk, Turn

_TOLD_BACK = frozenset(("integer", "decimal", "quantity", "date", "dateTime", "time"))


def answering(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    """One text while a question is open. `plain` is the text as commands are compared."""
    invited = talk.status == "invited"
    if invited:
        talk = replace(talk, status="asking")
        if plain in BEGIN or plain in COURTESY:
            return ask_next(talk, desk)
    spot = spot_at(form_of(talk, desk), talk.answers, talk.asked or "")
    command = None if spot is not None and is_called(spot.item, plain) else command_in(text)
    if command is not None and command.loose and spot is not None and spot.item.type in (*FREE, "open-choice"):
        command = None
    turn = _commanded(talk, command, spot, desk) if command is not None else None
    if turn is not None:
        return turn
    if spot is None:  # nothing was asked since an emergency: what is written now answers no question of ours
        return (_first(talk, text, desk) if invited else None) or _resume(talk, text, plain, desk)
    if talk.status == "paused" and plain in BEGIN:
        return ask_next(talk, desk)
    if spot.item.type in FREE and isinstance(diary(text, desk), Entry):
        return noted(talk, text, desk, spot)
    offered = proposed(form_of(talk, desk), talk, spot, desk) if plain in AGREED else ()
    read = offered or hear(spot, text, desk)
    if not isinstance(read, Unclear):
        return _kept(talk, spot, text, read, desk)
    return _unread(talk, spot, text, plain, read, desk)


def _commanded(talk: Talk, command: Command, spot: Spot | None, desk: Desk) -> Turn | None:
    match command.kind:
        case "back":
            return back(talk, desk)
        case "number":
            return change(talk, command.number, desk)
        case "instead":
            return _replaced(talk, command.rest, spot, desk)
        case "skip" if spot is not None:
            return _skip(talk, spot, desk)
        case "later":
            return _paused(talk, desk)
        case "again":
            return again(_awake(talk), desk)
        case "how":
            return again(_awake(talk), desk, desk.say("commands", {}), example=True)
        case "more" if spot is not None and talk.shown:
            return ask_at(talk, spot, desk, first=talk.shown)
        case "language":
            return in_another_language(talk, command, spot, desk)
    return None


def _paused(talk: Talk, desk: Desk) -> Turn:
    link = desk.say("or-link", {"url": desk.link}) if desk.link else ""
    words = "\n".join(part for part in (desk.say("paused", {}), link) if part)
    return Turn(replace(talk, status="paused"), (Say(Purpose.REPLY, words),))


def _awake(talk: Talk) -> Talk:
    return replace(talk, status="asking") if talk.status == "paused" else talk


def in_another_language(talk: Talk, command: Command, spot: Spot | None, desk: Desk) -> Turn | None:
    """From now on in the language that was named. None where it may be an answer: it is spoken already."""
    if not command.language:
        said = desk.say("which-language", {})
        return again(_awake(talk), desk, said) if spot is not None else Turn(talk, (Say(Purpose.REPLY, said),))
    language = script(command.language, desk.language, desk.zone)
    if language == desk.language and spot is not None and spot.item.type in (*FREE, "open-choice"):
        return None
    if desk.voices is None:
        return None
    there = desk.speaking(language)
    said = there.say("language-set", {})
    told = Turn(talk, (Say(Purpose.REPLY, said),))
    turn = again(_awake(talk), there, said) if talk.questionnaire is not None else told
    acts = () if language == desk.language else (ChoseLanguage(language),)
    return replace(turn, acts=(*acts, *turn.acts))


def _replaced(talk: Talk, words: str, open_spot: Spot | None, desk: Desk) -> Turn | None:
    """The answer given last, replaced by what these words say; asked again where they say nothing that it takes.

    None where the words may just as well answer an open question that takes any words.
    """
    spot = given_last(talk, desk)
    read = hear(spot, words, desk) if spot is not None else None
    free = open_spot is not None and open_spot.item.type in (*FREE, "open-choice")
    if spot is None or read is None or (free and (isinstance(read, Unclear) or spot.item.type in FREE)):
        return None
    turn = reopened(talk, spot, desk)
    return turn if isinstance(read, Unclear) else _kept(turn.talk, spot, words, read, desk)


def _kept(talk: Talk, spot: Spot, text: str, read: tuple[Answer, ...], desk: Desk) -> Turn:
    """An answer is kept, told back where it may have been misunderstood, and the next question asked."""
    form = form_of(talk, desk)
    answers = answered(form, talk.answers, spot, read)
    rule = broken_rule(form, answers, spot)
    if rule:
        return missed(talk, spot, NOT_UNDERSTOOD, desk, rule)
    talk = replace(talk, answers=answers, status="asking", misses=0, before=None, last=spot.place)
    return ask_next(talk, desk, before=(_echo(spot, text, read, desk),))


def _echo(spot: Spot, text: str, read: tuple[Answer, ...], desk: Desk) -> str:
    """A number, a date and what was chosen in other words are told back as understood: a slip is seen at once."""
    item = spot.item
    chosen = item.type in CHOICES and not said_plainly(item, text, read)
    listed = len(read) > 1 and item.type != MORE
    if item.type not in _TOLD_BACK and not chosen and not listed:
        return ""
    name = in_language(item.short_text, desk.language)
    return desk.say("understood", {"value": f"{name} {told(item, read, desk)}".strip()})


def _unread(talk: Talk, spot: Spot, text: str, plain: str, read: Unclear, desk: Desk) -> Turn:
    """No answer: a diary entry, a word to a person while the form waits, or a misunderstanding."""
    entry, form = diary(text, desk), form_of(talk, desk)
    if isinstance(entry, Entry):
        if entry.kind != "glucose" or spot.item.code != GLUCOSE or entry.at != desk.now:
            return noted(talk, text, desk, spot, entry)
        talk = replace(talk, answers=context_of(entry, talk.answers, form))
        return _kept(talk, spot, text, answers_for(entry)["glucose"], desk)
    if talk.status == "paused":
        return Turn(talk) if plain in COURTESY else to_person(talk, desk, "free-text", "free-text-received")
    return missed(talk, spot, read, desk)


def _skip(talk: Talk, spot: Spot, desk: Desk) -> Turn:
    """Leave a question out; one that was asked again is left as it was."""
    kept = left(talk, spot, desk)
    if kept is not None:
        return kept
    if spot.item.type == MORE:
        return _kept(talk, spot, "", (Answer("boolean", False),), desk)
    if spot.item.required:
        return again(_awake(talk), desk, desk.say("cannot-skip", {}))
    talk = replace(talk, skipped=talk.skipped | {spot.place}, misses=0, last=None, before=None)
    return ask_next(talk, desk)


def _first(talk: Talk, text: str, desk: Desk) -> Turn | None:
    """An answer to a notice, in which no question stood; None where it answers nothing.

    A number or a date is taken, since what was understood is told back and a slip is seen; of anything else nobody
    knows what it answers, so the question is asked.
    """
    spot = next_item(form_of(talk, desk), talk.answers, talk.skipped)
    read = hear(spot, text, desk) if spot is not None else None
    if spot is None or read is None or isinstance(read, Unclear):
        return None
    if spot.item.type in FREE or isinstance(diary(text, desk), Entry):
        return None
    return _kept(talk, spot, text, read, desk) if spot.item.type in _TOLD_BACK else ask_next(talk, desk)


def _resume(talk: Talk, text: str, plain: str, desk: Desk) -> Turn:
    turn = ask_next(talk, desk)
    if plain in BEGIN or plain in COURTESY:
        return turn
    if isinstance(diary(text, desk), Entry):
        entry = noted(talk, text, desk, None)
        return Turn(turn.talk, entry.says + turn.says, entry.acts + turn.acts)
    person = to_person(talk, desk, "free-text", "free-text-received")
    return Turn(replace(turn.talk, told=person.talk.told), person.says + turn.says, person.acts + turn.acts)
