"""What an answer says at once: one that a rule makes stat of does not wait until its form is handed in.

The whole report is judged again when it is handed in, or when its time is over; its alarms join what was raised here.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from care.domain.codes import Priority
from care.domain.questionnaire import Answers, Questionnaire, measures
from care.domain.rules import Report, judge
from care.domain.triage import Alarm, triage
from care.services import content


def alarms_at_once(
    session: Session, form: Questionnaire, before: Answers, after: Answers, at: datetime
) -> tuple[Alarm, ...]:
    """The stat alarms of what `after` says and `before` did not, by the rules that judge whatever the protocol.

    Without any history: what takes a course to tell waits for the whole report. `at` is when the answer came.
    """
    told = {(one.code, one.value) for one in measures(form, before, at, str)} if before else set()
    new = tuple(one for one in measures(form, after, at, str) if (one.code, one.value) not in told)
    rule_sets = content.standing_rule_sets(session, {one.code for one in new}) if new else ()
    if not rule_sets:
        return ()
    pressing = [one for one in judge(rule_sets, Report("", at, new)) if one.priority is Priority.STAT]
    return triage(pressing, None, None)
