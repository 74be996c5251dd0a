"""Asking: the next open question, the same one again, or the end of the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from care.domain.codes import Purpose
from care.domain.conversation.hearing import BY_HAND
from care.domain.conversation.wording import worded
from care.domain.questionnaire import Answers, Questionnaire, Spot, check, next_item, spot_at
from care.domain.questionnaire.ask import question_text
from care.domain.turn import Act, AskedForPerson, Completed, Desk, Say, Talk, Turn


def form_of(talk: Talk, desk: Desk) -> Questionnaire:
    """The questionnaire that is being answered."""
    return desk.questionnaires(talk.questionnaire or "")


def ask_next(talk: Talk, desk: Desk, purpose: Purpose = Purpose.QUESTION, before: Sequence[str] = ()) -> Turn:
    """Ask the next open question, or complete. What no text can answer is left to a person, and the patient told so.

    A question that is being asked again stays the open one until it is answered or left as it was.
    """
    form, said = form_of(talk, desk), list(before)
    spot = spot_at(form, talk.answers, talk.asked or "") if talk.before is not None else None
    if spot is not None:
        return ask_at(replace(talk, status="asking"), spot, desk, *said, purpose=purpose)
    if talk.before is not None:
        talk = replace(talk, answers=talk.before, before=None)
    spot = next_item(form, talk.answers, talk.skipped)
    while spot is not None and spot.item.type in BY_HAND:
        said.append(_by_hand(spot, desk))
        talk = replace(talk, skipped=talk.skipped | {spot.place})
        spot = next_item(form, talk.answers, talk.skipped)
    if spot is None:
        rules = [desk.say("rule-broken", {"rule": rule}) for rule in broken_rules(form, talk.answers)]
        thanks = "\n".join(part for part in (*said, *rules, desk.say("complete", {})) if part)
        return Turn(Talk.idle(), (Say(Purpose.REPLY, thanks),), completed(talk, form))
    return ask_at(replace(talk, status="asking"), spot, desk, *said, purpose=purpose)


def completed(talk: Talk, form: Questionnaire) -> tuple[Act, ...]:
    """The report; and a call for a person where it lacks what it needs and no text can give."""
    lacking = (spot_at(form, talk.answers, place) for place in talk.skipped)
    by_hand = any(spot is not None and spot.item.type in BY_HAND and spot.item.required for spot in lacking)
    done = Completed(talk.questionnaire or "", talk.task_id, talk.answers)
    reasons = ["by-hand"] if by_hand else ["rule"] if broken_rules(form, talk.answers) else []
    return (done, *(AskedForPerson(reason) for reason in reasons))


def broken_rules(form: Questionnaire, answers: Answers) -> list[str]:
    """What the form says of answers that break rules of its own; a person reads such a report."""
    if not form.constraints and not any(item.constraints for item in form.items):
        return []
    return [one.message for one in check(form, answers) if one.code == "constraint"]


def ask_at(
    talk: Talk,
    spot: Spot,
    desk: Desk,
    *before: str,
    purpose: Purpose = Purpose.QUESTION,
    example: bool = False,
    first: int = 0,
) -> Turn:
    """Ask this question, after what is said before it; with `first` its options from there on."""
    asked = worded(talk, form_of(talk, desk), spot, desk, before, example=example, first=first)
    says = tuple(Say(purpose, text) for text in asked.texts)
    return Turn(replace(talk, asked=spot.place, shown=asked.shown), says)


def _by_hand(spot: Spot, desk: Desk) -> str:
    named = {"question": question_text(spot.item, desk.language)}
    key = "by-hand" if spot.item.required else "left-out"
    link = desk.say("or-link", {"url": desk.link}) if desk.link else ""
    return "\n".join(part for part in (desk.say(key, named), link) if part)
