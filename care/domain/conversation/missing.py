"""A text that is no answer: asked once more with the reason and an example; the second time a person reads it."""

from __future__ import annotations

from dataclasses import replace

from care.domain.conversation.correcting import again
from care.domain.conversation.hearing import FREE
from care.domain.conversation.replying import to_person
from care.domain.questionnaire import Answers, Questionnaire, Spot, Unclear, check, link_id_of
from care.domain.questionnaire.ask import occurs_text, range_text
from care.domain.questionnaire.model import CHOICES
from care.domain.turn import Desk, Talk, Turn

MISSES_BEFORE_A_PERSON = 2
_WHY = {"several": "several", "ambiguous": "ambiguous", "out-of-range": "out-of-range"}
_WHY_OF_A_CHOICE = {
    "several": "several-choice",
    "ambiguous": "ambiguous-choice",
    "out-of-range": "out-of-range-choice",
}


def missed(talk: Talk, spot: Spot, read: Unclear, desk: Desk, rule: str = "") -> Turn:
    """The question once more, or a person; the question stays open. `rule`: a rule of the form's own that is broken."""
    misses = talk.misses + 1
    if misses >= MISSES_BEFORE_A_PERSON:
        handed = replace(talk, status="handed-over", misses=misses)
        return to_person(handed, desk, "not-understood", "handed-to-person")
    why = (rule,) if rule else _why(spot, read, desk)
    return again(replace(talk, misses=misses), desk, *why, example=True)


def broken_rule(form: Questionnaire, answers: Answers, spot: Spot) -> str:
    """What the form says of an answer that breaks a rule of its question; "" when none is broken.

    Only rules that look at what is answered already: the others are looked at when the form is complete.
    """
    item = form.by_id.get(link_id_of(spot.place))
    known = {link_id_of(place) for place, given in answers.items() if given}
    rules = item.constraints if item is not None else ()
    if not any(rule.formula.needs is not None and rule.formula.needs <= known for rule in rules):
        return ""
    said = {rule.human for rule in rules if rule.formula.needs is not None and rule.formula.needs <= known}
    issues = (one for one in check(form, answers) if one.code == "constraint" and one.link_id == spot.place)
    return next((one.message for one in issues if one.message in said), "")


def _why(spot: Spot, read: Unclear, desk: Desk) -> tuple[str, ...]:
    item = spot.item
    if read.reason == "out-of-range" and item.type in FREE:
        if item.pattern is not None and item.pattern.says:
            return (item.pattern.says,)
        most = item.max_length is not None
        return (desk.say("too-many-letters", {"most": str(item.max_length)}) if most else desk.say("not-in-form", {}),)
    keys = _WHY_OF_A_CHOICE if item.type in CHOICES else _WHY
    if read.reason == "several":
        count = occurs_text(item, desk.language)
        return (desk.say("how-many", {"range": count}) if count else desk.say(keys["several"], {}),)
    if read.reason == "not-understood" or not read.understood:
        return (desk.say("not-understood", {}),)
    reason = desk.say(keys[read.reason], {"value": read.understood})
    possible = range_text(item, desk.language) if read.reason == "out-of-range" else ""
    return (reason, desk.say("expected", {"range": possible})) if possible else (reason,)
